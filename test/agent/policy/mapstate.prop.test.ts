import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newIdentity } from '../../../src/agent/identity/identity.ts';
import { cidrLabels } from '../../../src/agent/labels/cidr.ts';
import { IdentityNets } from '../../../src/agent/policy/identity_nets.ts';
import { MapState, packKey, unpackKey } from '../../../src/agent/policy/mapstate.ts';
import { type EntrySource, type MapStateEntry, newEntry, type PackedKey } from '../../../src/agent/policy/mapstate_entry.ts';
import { type IpPrefix, parsePrefix } from '../../../src/net/prefix.ts';
import { type Insert, refInsert, refOf, verdicts } from './mapstate_reference.ts';

const PREFIXES = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '192.168.0.0/16', 'fd00::/8'];
const WORLD = 2;
const FIRST_PREFIX = 1000;

function nets(): IdentityNets {
  const index = new IdentityNets();
  index.add(newIdentity(WORLD, [{ source: 'reserved', key: 'world', value: '' }]));
  PREFIXES.forEach((text, i) => {
    index.add(newIdentity(FIRST_PREFIX + i, cidrLabels(parsePrefix(text) as IpPrefix)));
  });
  return index;
}

const owners: readonly EntrySource[] = [1, 2, 3].map(() => ({ origins: [], policy: null }));

const insert: fc.Arbitrary<Insert> = fc.record({
  identity: fc.constantFrom(0, 1, WORLD, 300, 301, ...PREFIXES.map((_, i) => FIRST_PREFIX + i)),
  port: fc.constantFrom(0, 80, 443),
  proto: fc.constantFrom(0, 6, 17),
  deny: fc.boolean(),
  proxyPort: fc.constantFrom(0, 0, 10_000),
  owner: fc.constantFrom(...owners),
});

const inserts = fc
  .array(insert, { minLength: 1, maxLength: 8 })
  .map((list) => list.map((one) => (one.deny ? { ...one, proxyPort: 0 } : one)));

/** Keys of one owner and verdict share an entry, as those of a selector do; no insertion may change what others see of it. */
const ENTRIES = new Map<string, MapStateEntry>();

function entryOf({ deny, proxyPort, owner }: Insert): MapStateEntry {
  const name = `${owners.indexOf(owner as EntrySource)} ${proxyPort} ${deny}`;
  const entry = ENTRIES.get(name) ?? Object.freeze(newEntry(owner, [], proxyPort, deny));
  ENTRIES.set(name, entry);
  return entry;
}

function apply(state: MapState, insert: Insert, index: IdentityNets): void {
  state.denyPreferredInsert(insert.identity, insert.port, insert.proto, 0, entryOf(insert), index);
}

describe('deny-preferred insertion', () => {
  it('gives a result that scanning all entries in some order gives', () => {
    const index = nets();
    fc.assert(
      fc.property(inserts, fc.infiniteStream(fc.nat()), (list, randoms) => {
        const state = new MapState();
        for (const one of list) {
          const before = refOf(state);
          apply(state, one, index);
          const have = verdicts(refOf(state));
          const seen = new Set<string>();
          for (let attempt = 0; attempt < 40 && !seen.has(have); attempt++) {
            const ref = structuredClone(
              new Map([...before].map(([key, entry]) => [key, { ...entry, owners: new Set() }])),
            ) as typeof before;
            before.forEach((entry, key) => {
              entry.owners.forEach((owner) => {
                ref.get(key)?.owners.add(owner);
              });
            });
            refInsert(ref, one, index, (keys) => shuffled(keys, randoms));
            seen.add(verdicts(ref));
          }
          expect([...seen]).toContain(have);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is the same for any order of allows', () => {
    const index = nets();
    const allows = inserts.map((list) => list.map((one) => ({ ...one, deny: false })));
    fc.assert(
      fc.property(allows, (list) => {
        const forward = new MapState();
        const backward = new MapState();
        list.forEach((one) => {
          apply(forward, one, index);
        });
        [...list].reverse().forEach((one) => {
          apply(backward, one, index);
        });
        expect(verdicts(refOf(backward))).toBe(verdicts(refOf(forward)));
      }),
    );
  });

  it('leaves no allow that an identity’s own deny of all ports covers', () => {
    const index = nets();
    fc.assert(
      fc.property(inserts, fc.constantFrom(1, 300, FIRST_PREFIX), (list, denied) => {
        const state = new MapState();
        list.forEach((one) => {
          apply(state, one, index);
        });
        apply(state, { identity: denied, port: 0, proto: 0, deny: true, proxyPort: 0, owner: owners[0] as EntrySource }, index);
        state.forEach((identity, _port, _proto, _direction, entry) => {
          expect(identity === denied && !entry.isDeny).toBe(false);
        });
      }),
    );
  });

  it('leaves nothing beside a deny of everything', () => {
    const index = nets();
    fc.assert(
      fc.property(inserts, inserts, (before, after) => {
        const state = new MapState();
        before.forEach((one) => {
          apply(state, one, index);
        });
        apply(state, { identity: 0, port: 0, proto: 0, deny: true, proxyPort: 0, owner: owners[0] as EntrySource }, index);
        after.forEach((one) => {
          apply(state, one, index);
        });
        expect(refOf(state).size).toBe(1);
      }),
    );
  });

  it('records as changes exactly what changed', () => {
    const index = nets();
    fc.assert(
      fc.property(inserts, insert, (list, last) => {
        const state = new MapState();
        list.forEach((one) => {
          apply(state, one, index);
        });
        const before = refOf(state);
        const changes = { adds: new Set<PackedKey>(), deletes: new Set<PackedKey>() };
        const entry = newEntry(last.owner, [], last.deny ? 0 : last.proxyPort, last.deny);
        state.denyPreferredInsert(last.identity, last.port, last.proto, 0, entry, index, changes);
        const after = refOf(state);
        for (const [key, { deny, proxyPort }] of after) {
          const old = before.get(key);
          if (old === undefined || old.deny !== deny || old.proxyPort !== proxyPort) {
            expect(changes.adds.has(key)).toBe(true);
          }
        }
        for (const key of before.keys()) {
          if (!after.has(key)) {
            expect(changes.deletes.has(key)).toBe(true);
          }
        }
        expect([...changes.adds].some((key) => changes.deletes.has(key))).toBe(false);
      }),
    );
  });
});

describe('packed keys', () => {
  it('come back as they went in', () => {
    const key = fc.tuple(fc.nat(2 ** 28 - 1), fc.nat(65_535), fc.nat(255), fc.constantFrom(0 as const, 1 as const));
    fc.assert(
      fc.property(key, ([identity, destPort, nexthdr, trafficDirection]) => {
        const packed = packKey(identity, destPort, nexthdr, trafficDirection);
        expect(Number.isSafeInteger(packed)).toBe(true);
        expect(unpackKey(packed)).toEqual({ identity, destPort, nexthdr, trafficDirection });
      }),
    );
  });
});

function shuffled(keys: PackedKey[], randoms: fc.Stream<number>): PackedKey[] {
  const order = [...keys];
  for (let i = order.length - 1; i > 0; i--) {
    const j = (randoms.next().value as number) % (i + 1);
    [order[i], order[j]] = [order[j] as PackedKey, order[i] as PackedKey];
  }
  return order;
}
