import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { E2BIG, ENOENT, OK } from '../../src/kernel/bpf_map.ts';
import type { LpmTrie } from '../../src/kernel/lpm_trie.ts';
import { ENDPOINT_KEY_IPV4, ipcacheKey4, newIpcacheMap, type RemoteEndpointInfo } from '../../src/maps/ipcache.ts';
import { netmask4 } from '../../src/net/ipv4.ts';

const info = (secLabel: number): RemoteEndpointInfo => ({ secLabel, tunnelEndpoint: 0, nodeId: 0, key: 0 });

/** Addresses that share many leading bits, so that prefixes nest. */
const address = fc.tuple(fc.constantFrom(0x0a000000, 0x0a010000, 0xc0a80000, 0), fc.nat(0x3ff)).map(([base, low]) => base + low);
const length = fc.oneof(fc.constantFrom(0, 8, 16, 24, 32), fc.nat(32));
const prefix = fc.record({ address, length, identity: fc.integer({ min: 1, max: 99_999 }) });

/** The value of the longest prefix that holds the address, by looking at all. */
function bruteForce(prefixes: readonly (typeof prefix extends fc.Arbitrary<infer T> ? T : never)[], wanted: number): number | undefined {
  let best: { readonly length: number; readonly identity: number } | undefined;
  for (const one of prefixes) {
    const mask = netmask4(one.length);
    if ((one.address & mask) >>> 0 === (wanted & mask) >>> 0 && (best === undefined || one.length >= best.length)) {
      best = one;
    }
  }
  return best?.identity;
}

function fill(trie: LpmTrie<RemoteEndpointInfo>, prefixes: readonly { address: number; length: number; identity: number }[]): void {
  for (const one of prefixes) {
    expect(trie.update(ipcacheKey4(one.address, one.length), info(one.identity))).toBe(OK);
  }
}

describe('longest prefix match', () => {
  test('35: equals brute force, after updates and after deletions', () => {
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 30 }),
        fc.array(address, { minLength: 1, maxLength: 10 }),
        fc.nat(30),
        (all, asked, cut) => {
          const trie = newIpcacheMap();
          fill(trie, all);
          const check = (kept: typeof all): void => {
            for (const one of [...asked, ...all.map((entry) => entry.address)]) {
              expect(trie.lookup4(ENDPOINT_KEY_IPV4, one)?.secLabel).toBe(bruteForce(kept, one));
              expect(trie.lookup(ipcacheKey4(one))?.secLabel).toBe(bruteForce(kept, one));
            }
          };
          check(all);
          const gone = all.slice(0, cut);
          const same = (a: (typeof all)[number], b: (typeof all)[number]): boolean =>
            a.length === b.length && (a.address & netmask4(a.length)) >>> 0 === (b.address & netmask4(b.length)) >>> 0;
          for (const one of gone) {
            trie.delete(ipcacheKey4(one.address, one.length));
          }
          check(all.filter((one) => !gone.some((other) => same(one, other))));
        },
      ),
    );
  });

  test('a host entry wins over its network, and the network over the default', () => {
    const trie = newIpcacheMap();
    fill(trie, [
      { address: 0, length: 0, identity: 2 },
      { address: 0x0a000000, length: 8, identity: 6 },
      { address: 0x0a00006f, length: 32, identity: 2033 },
    ]);
    expect([0x0a00006f, 0x0a000070, 0x08080808].map((one) => trie.lookup4(ENDPOINT_KEY_IPV4, one)?.secLabel)).toEqual([2033, 6, 2]);
    expect(trie.delete(ipcacheKey4(0x0a00006f))).toBe(OK);
    expect(trie.delete(ipcacheKey4(0x0a00006f))).toBe(ENOENT);
    expect(trie.lookup4(ENDPOINT_KEY_IPV4, 0x0a00006f)?.secLabel).toBe(6);
  });

  test('host bits of a key do not count, and a full map refuses', () => {
    const trie = newIpcacheMap(1);
    fill(trie, [{ address: 0x0a0000ff, length: 24, identity: 7 }]);
    expect(trie.exact(ipcacheKey4(0x0a000000, 24))?.secLabel).toBe(7);
    expect(trie.update(ipcacheKey4(0x0a000001, 24), info(8))).toBe(OK);
    expect(trie.update(ipcacheKey4(0x0b000000, 24), info(9))).toBe(E2BIG);
    expect(trie.size).toBe(1);
  });
});
