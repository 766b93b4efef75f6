/** The proxy's access log says of every request what became of it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Rig } from '../envoy/support.ts';

const request = fc.record({
  method: fc.constantFrom('POST', 'PUT', 'GET'),
  path: fc.constantFrom('/v1/request-landing', '/v1/exhaust-port', '/v1/'),
});

it('a request that is refused is logged as denied, one that goes on as a request, and both have their answer', () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), (list) => {
      const rig = new Rig();
      for (const { method, path } of list) {
        const before = rig.logs.length;
        const text = rig.ask(`${method} ${path} HTTP/1.1\r\nHost: h\r\n\r\n`, 1e9);
        const status = Number(text.slice(9, 12));
        expect([200, 403]).toContain(status);
        const records = rig.logs.slice(before);
        expect(records.map(({ entry_type: type }) => type)).toEqual([status === 403 ? 'Denied' : 'Request', 'Response']);
        expect(records.map(({ http }) => [http?.method, http?.path])).toEqual([
          [method, path],
          [method, path],
        ]);
        expect(records.at(-1)?.http?.status).toBe(status);
        expect(records.map(({ is_ingress: ingress, source_security_id: id }) => [ingress, id])).toEqual([
          [true, 29439],
          [true, 29439],
        ]);
      }
    }),
    { numRuns: 30 },
  );
});
