/** Names: what the agent remembers of answers and for how long, and which questions the DNS proxy lets pass. Against lists. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DnsCache } from '../../src/agent/fqdn/dns_cache.ts';
import { type DnsQuery, DnsRules, type DnsSelectorRules } from '../../src/agent/fqdn/dns_rules.ts';
import { SECOND } from '../../src/sim/clock.ts';

const MIN_TTL = 5;
const NAMES = ['a.test.', 'b.test.', 'c.sub.test.'];

const lookup = fc.record({
  kind: fc.constant('answer' as const),
  name: fc.constantFrom(...NAMES),
  ips: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  ttl: fc.constantFrom(1, 5, 30, 60),
});
const event = fc.oneof(
  { weight: 3, arbitrary: lookup },
  { weight: 2, arbitrary: fc.constantFrom(1, 4, 31, 70).map((seconds) => ({ kind: 'wait' as const, seconds })) },
);

it('an address is known from its answer until its time to live is over, and what is over is handed on once', () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 20 }), (events) => {
      const cache = new DnsCache({ minTtl: MIN_TTL, perHostLimit: 0, tracksExpiry: true });
      /** When each address of a name ends. */
      const ends = new Map<string, number>();
      let now = 1000;
      for (const one of events) {
        if (one.kind === 'answer') {
          for (const ip of one.ips) {
            const key = `${one.name} ${ip}`;
            ends.set(key, Math.max(ends.get(key) ?? 0, now + Math.max(one.ttl, MIN_TTL)));
          }
          cache.update(now * SECOND, one.name, one.ips, one.ttl);
        } else {
          now += one.seconds;
          const gone: string[] = [];
          cache.gc(now * SECOND, { upsert: (_, ip, name) => void gone.push(`${name} ${ip}`) });
          const over = [...ends].filter(([, end]) => end < now).map(([key]) => key);
          expect(gone.sort()).toEqual(over.sort());
          for (const key of over) {
            ends.delete(key);
          }
        }
        for (const name of NAMES) {
          const alive = [1, 2, 3, 4].filter((ip) => ends.has(`${name} ${ip}`));
          expect(cache.lookup(name)).toEqual(alive);
        }
      }
    }),
    { numRuns: 200 },
  );
});

const RULES = [
  { matchName: 'a.test', matchPattern: '' },
  { matchName: 'A.Test', matchPattern: '' },
  { matchName: '', matchPattern: '*.test' },
  { matchName: '', matchPattern: 'c.*.test' },
  { matchName: '', matchPattern: '*' },
  { matchName: '', matchPattern: 'b*.test' },
].map((one) => ({ origin: null, ...one }));
const ASKED = ['a.test.', 'A.TEST.', 'b.test.', 'bb.test.', 'c.sub.test.', 'xa.test.', 'test.', 'a.test.x.'];
/** Which questions each rule takes, from the description of patterns. */
const TAKES: readonly RegExp[] = [
  /^a\.test\.$/i,
  /^a\.test\.$/i,
  /^[-a-z0-9_]+\.test\.$/i,
  /^c\.[-a-z0-9_]+\.test\.$/i,
  /./,
  /^b[-a-z0-9_]*\.test\.$/i,
];

const part = fc.record({
  servers: fc.option(fc.subarray([53, 54], { minLength: 1 }), { freq: 2 }),
  rules: fc.option(fc.subarray([...RULES.keys()], { minLength: 1, maxLength: 2 }), { freq: 4 }),
});

it('the DNS proxy lets pass what a rule for the server, the port and the name takes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ endpoint: fc.constantFrom(1, 2), port: fc.constantFrom(53, 5353), parts: fc.array(part, { maxLength: 2 }) }), {
        maxLength: 4,
      }),
      fc.record({
        endpoint: fc.constantFrom(1, 2),
        port: fc.constantFrom(53, 5353),
        server: fc.constantFrom(53, 54),
        name: fc.constantFrom(...ASKED),
      }),
      (updates, { endpoint, port, server, name }) => {
        const rules = new DnsRules();
        for (const one of updates) {
          const parts = one.parts.map(({ servers, rules: numbers }): DnsSelectorRules => {
            const selections = (): number[] => servers ?? [];
            const selector = { isWildcard: servers === null, selects: (id: number) => servers?.includes(id) ?? true, selections };
            return { selector, policy: numbers === null ? null : { dns: numbers.map((i) => RULES[i] as (typeof RULES)[number]) } };
          });
          rules.updateAllowed(one.endpoint, one.port, parts);
        }
        const last = updates.filter((one) => one.endpoint === endpoint && one.port === port).at(-1);
        const wanted = (last?.parts ?? []).some(
          ({ servers, rules: numbers }) =>
            (servers?.includes(server) ?? true) && (numbers === null || numbers.some((i) => TAKES[i]?.test(name))),
        );
        const query: DnsQuery = { endpointId: endpoint, port, server, serverIp: 1, name };
        expect(rules.checkAllowed(query)).toBe(wanted);
      },
    ),
    { numRuns: 300 },
  );
});
