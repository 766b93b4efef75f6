/** Addresses and identities: who may say what of a prefix, and that the agent and the datapath find the same of every address. Against a list. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Ipcache, SOURCES } from '../../src/agent/ipcache/ipcache.ts';
import { lookupIp4RemoteEndpoint } from '../../src/bpf/lib/identity.ts';
import { type IpPrefix, maskPrefix } from '../../src/net/prefix.ts';
import { tcp, testEnv } from '../bpf/support.ts';

const ADDRESSES = [0x0a010203, 0x0a010204, 0x0a010303, 0x0a020203, 0x0b000001];
const prefix = fc
  .record({ address: fc.constantFrom(...ADDRESSES), length: fc.constantFrom(0, 8, 16, 24, 32, 32) })
  .map(({ address, length }) => maskPrefix({ family: 4, bits: BigInt(address), length }));
const change = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('upsert' as const),
      prefix,
      identity: fc.integer({ min: 1, max: 9 }),
      source: fc.constantFrom(...SOURCES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), prefix }) },
);

interface Known {
  readonly prefix: IpPrefix;
  readonly identity: number;
  readonly rank: number;
}

const holds = ({ bits, length }: IpPrefix, address: number): boolean =>
  BigInt(address) >> BigInt(32 - length) === bits >> BigInt(32 - length);

it('the longest prefix that holds an address says who it is; a worse source does not overrule a better one', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 15 }), (changes) => {
      const { env } = testEnv();
      const cache = new Ipcache(env.maps.ipcache, env.journey, 0xc0a8010a);
      let known: Known[] = [];
      for (const one of changes) {
        const same = ({ prefix: other }: Known): boolean => other.bits === one.prefix.bits && other.length === one.prefix.length;
        const old = known.find(same);
        if (one.kind === 'delete') {
          cache.delete(one.prefix);
          known = known.filter((entry) => entry !== old);
          continue;
        }
        const rank = SOURCES.indexOf(one.source);
        const taken = old === undefined || rank <= old.rank;
        expect(cache.upsert(one.prefix, { identity: one.identity as never, source: one.source, hostIp: 0 })).toBe(taken);
        known = taken ? [...known.filter((entry) => entry !== old), { prefix: one.prefix, identity: one.identity, rank }] : known;
      }
      for (const address of ADDRESSES) {
        const best = known.filter((entry) => holds(entry.prefix, address)).sort((a, b) => b.prefix.length - a.prefix.length)[0];
        expect(cache.lookup(address)?.identity).toBe(best?.identity);
        const skb = tcp({ address: 1, port: 1 }, { address, port: 80 }, 2);
        expect(lookupIp4RemoteEndpoint(env, skb, address)?.secLabel).toBe(best?.identity);
      }
    }),
    { numRuns: 200 },
  );
});
