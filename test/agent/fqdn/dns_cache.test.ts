import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DnsCache } from '../../../src/agent/fqdn/dns_cache.ts';
import { DnsZombies } from '../../../src/agent/fqdn/dns_zombies.ts';
import { SECOND } from '../../../src/sim/clock.ts';

const cache = (options: Partial<ConstructorParameters<typeof DnsCache>[0]> = {}): DnsCache =>
  new DnsCache({ minTtl: 0, perHostLimit: 0, tracksExpiry: true, ...options });
const zombies = (max = 100, perHost = 0): DnsZombies => new DnsZombies({ max, perHost });
const at = (seconds: number): number => seconds * SECOND;

describe('DnsCache', () => {
  it('gives the addresses of a name in ascending order, and the names of an address', () => {
    const one = cache();
    one.update(at(1), 'a.', [3, 1], 60);
    one.update(at(2), 'b.', [1], 60);
    expect(one.lookup('a.')).toEqual([1, 3]);
    expect(one.lookupIp(1)).toEqual(['a.', 'b.']);
    expect([...one.lookupMatching((name) => name !== 'a.')]).toEqual([['b.', [1]]]);
  });

  it('says whether an answer brings something: a new address, or a later end', () => {
    const one = cache();
    expect(one.update(at(1), 'a.', [1], 60)).toBe(true);
    expect(one.update(at(1), 'a.', [1], 60)).toBe(false);
    expect(one.update(at(2), 'a.', [1], 60)).toBe(true);
    expect(one.update(at(2), 'a.', [2], 1)).toBe(true);
    expect(one.update(at(2), 'a.', [1], 1)).toBe(false);
  });

  it('raises a time to live to the minimum', () => {
    const one = cache({ minTtl: 3600 });
    one.update(at(0), 'a.', [1], 5);
    expect(one.dump()[0]?.ttl).toBe(3600);
  });

  it('expires after the time to live, not at it, and hands the address over', () => {
    const one = cache();
    const dead = zombies();
    one.update(at(10), 'a.', [1], 30);
    expect(one.gc(at(40), dead)).toEqual([]);
    expect(one.lookup('a.')).toEqual([1]);
    expect(one.gc(at(42), dead)).toEqual(['a.']);
    expect(one.lookup('a.')).toEqual([]);
    expect(dead.gc().alive.map(({ ip, names, deletePendingAt }) => [ip, names, deletePendingAt])).toEqual([[1, ['a.'], at(40)]]);
  });

  it('keeps the youngest addresses of a name over the limit', () => {
    const one = cache({ perHostLimit: 2 });
    const dead = zombies();
    one.update(at(1), 'a.', [1], 10);
    one.update(at(2), 'a.', [2], 10);
    one.update(at(3), 'a.', [3], 10);
    expect(one.lookup('a.')).toEqual([1, 2, 3]);
    expect(one.gc(at(4), dead)).toEqual(['a.']);
    expect(one.lookup('a.')).toEqual([2, 3]);
  });

  it('forgets by name and by time of the look-up', () => {
    const one = cache();
    one.update(at(1), 'a.', [1], 60);
    one.update(at(5), 'b.', [2], 60);
    expect(one.forceExpire(at(3))).toEqual(['a.']);
    expect(one.forceExpire(at(9), (name) => name === 'c.')).toEqual([]);
    expect(one.dump().map(({ name }) => name)).toEqual(['b.']);
  });

  it('replaced by name from other caches, holds what they hold', () => {
    const global = cache({ tracksExpiry: false });
    global.update(at(1), 'a.', [1, 2], 60);
    const pod = cache();
    pod.update(at(2), 'a.', [2, 3], 60);
    global.replaceFromCacheByNames(['a.'], [pod]);
    expect(global.lookup('a.')).toEqual([2, 3]);
  });

  it('without tracking never forgets by itself', () => {
    const global = cache({ tracksExpiry: false });
    global.update(at(1), 'a.', [1], 1);
    expect(global.gc(at(100), zombies())).toEqual([]);
    expect(global.lookup('a.')).toEqual([1]);
  });

  it('holds an address exactly until its last answer is over', () => {
    const answer = fc.record({ time: fc.nat(100), name: fc.constantFrom('a.', 'b.'), ip: fc.nat(3), ttl: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 20 }), fc.nat(200), (answers, now) => {
        const one = cache();
        const sorted = [...answers].sort((a, b) => a.time - b.time);
        for (const { time, name, ip, ttl } of sorted) {
          one.update(at(time), name, [ip], ttl);
        }
        one.gc(at(now), zombies());
        for (const name of ['a.', 'b.']) {
          const live = new Set(sorted.filter((one) => one.name === name && one.time + one.ttl >= now).map(({ ip }) => ip));
          expect(one.lookup(name)).toEqual([...live].sort((a, b) => a - b));
        }
      }),
    );
  });
});

describe('DnsZombies', () => {
  it('die when garbage collection has seen no connection since the entry was over', () => {
    const one = zombies();
    one.upsert(at(10), 1, 'a.');
    expect(one.gc().dead).toEqual([]);
    one.setCtGcTime(at(10));
    expect(one.gc().alive.length).toBe(1);
    one.setCtGcTime(at(11));
    expect(one.gc().dead.map(({ ip }) => ip)).toEqual([1]);
    expect(one.gc()).toEqual({ alive: [], dead: [] });
  });

  it('live while a connection does', () => {
    const one = zombies();
    one.upsert(at(10), 1, 'a.');
    one.markAlive(at(20), 1);
    one.setCtGcTime(at(20));
    expect(one.gc().alive.length).toBe(1);
    one.setCtGcTime(at(21));
    expect(one.gc().dead.length).toBe(1);
  });

  it('one live connection keeps the other addresses of its name', () => {
    const one = zombies();
    one.upsert(at(10), 1, 'a.');
    one.upsert(at(10), 2, 'a.');
    one.upsert(at(10), 3, 'b.');
    one.markAlive(at(20), 1);
    one.setCtGcTime(at(20));
    const { alive, dead } = one.gc();
    expect([alive.map(({ ip }) => ip), dead.map(({ ip }) => ip)]).toEqual([[1, 2], [3]]);
  });

  it('the longest unused go first when there are too many', () => {
    const one = zombies(2);
    for (const [ip, seen] of [
      [1, 30],
      [2, 10],
      [3, 20],
    ] as const) {
      one.upsert(at(5), ip, `${ip}.`);
      one.markAlive(at(seen), ip);
    }
    expect(one.gc().dead.map(({ ip }) => ip)).toEqual([2]);
    const perName = zombies(100, 1);
    perName.upsert(at(5), 1, 'a.');
    perName.upsert(at(6), 2, 'a.');
    expect(perName.gc().dead.map(({ ip }) => ip)).toEqual([1]);
  });
});
