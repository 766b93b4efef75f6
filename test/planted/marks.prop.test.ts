import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toProxyMark } from '../../src/maps/marks.ts';

/** @see cilium:bpf/lib/proxy.h#__ctx_redirect_to_proxy */
it('the mark to the proxy carries the port in network byte order, as a little-endian machine reads it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => {
      const mark = toProxyMark(port);
      expect([mark >>> 24, (mark >>> 16) & 0xff, mark & 0xffff]).toEqual([port & 0xff, port >>> 8, 0x0200]);
    }),
  );
});
