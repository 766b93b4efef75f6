import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RealizedEntry, RealizedMap } from '../../../src/agent/endpoint/realized_map.ts';
import { packKey } from '../../../src/agent/policy/mapstate.ts';

/** Identities up to the largest, few enough that keys come again. */
const key = fc
  .tuple(
    fc.oneof(fc.nat(40), fc.constantFrom(2 ** 24 + 1, 2 ** 28 - 1)),
    fc.constantFrom(0, 80, 65_535),
    fc.constantFrom(0, 6, 17),
    fc.constantFrom(0 as const, 1 as const),
  )
  .map(([identity, port, proto, direction]) => packKey(identity, port, proto, direction));
const entry = fc.record({ proxyPort: fc.constantFrom(0, 10_001, 65_535), deny: fc.boolean() });
const step = fc.oneof({ weight: 3, arbitrary: fc.tuple(key, entry) }, { weight: 2, arbitrary: fc.tuple(key, fc.constant(null)) });

describe('what an agent remembers of a policy map', () => {
  it('is what a Map would hold, in its order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const map = new RealizedMap();
        const model = new Map<number, RealizedEntry>();
        for (const [one, value] of steps) {
          if (value === null) {
            map.delete(one);
            model.delete(one);
          } else {
            map.set(one, value);
            model.set(one, value);
          }
          expect(map.size).toBe(model.size);
        }
        expect([...map]).toEqual([...model]);
        for (const [one] of steps) {
          const held = model.get(one);
          expect(map.holds(one, 10_001, true)).toBe(held?.proxyPort === 10_001 && held.deny);
          expect(map.holds(one, held?.proxyPort ?? 0, held?.deny ?? false)).toBe(held !== undefined);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('forgets what was deleted, however many keys come and go', () => {
    const map = new RealizedMap();
    for (let round = 0; round < 200; round++) {
      for (let identity = 0; identity < 50; identity++) {
        map.set(packKey(round * 50 + identity, 80, 6, 0), { proxyPort: 0, deny: false });
      }
      for (let identity = 0; identity < 50; identity++) {
        map.delete(packKey(round * 50 + identity, 80, 6, 0));
      }
    }
    expect(map.size).toBe(0);
    expect([...map]).toEqual([]);
  });
});
