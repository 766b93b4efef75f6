import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, ENOENT, OK, type UpdateFlag } from '../../src/kernel/bpf_map.ts';
import { HashMap, type HashMapSpec } from '../../src/kernel/hash_map.ts';

/** A map of numbers, each of which lies in as many words; thirteen of them in eight buckets collide. */
function specOf<V>(type: 'hash' | 'lru_hash', maxEntries: number, words: number): HashMapSpec<number, V> {
  return {
    name: 'test',
    type,
    keySize: 4 * words,
    valueSize: 4,
    maxEntries,
    key: {
      pack: (key, into, at) => {
        into.fill(0, at, at + words);
        into[at + (key % words)] = key + 1;
      },
      unpack: (from, at) => from.subarray(at, at + words).reduce((sum, word) => sum + word, 0) - 1,
      toJson: (key) => ({ key }),
    },
    valueToJson: (value) => ({ value: String(value) }),
  };
}

function newMap(type: 'hash' | 'lru_hash', maxEntries: number, words: number): HashMap<number, number> {
  return new HashMap(specOf(type, maxEntries, words));
}

const key = fc.nat(12);
const operation = fc.oneof(
  fc.record({ kind: fc.constant('update' as const), key, value: fc.nat(99), flag: fc.constantFrom<UpdateFlag>(0, BPF_NOEXIST, BPF_EXIST) }),
  fc.record({ kind: fc.constant('lookup' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
);
const operations = fc.array(operation, { maxLength: 80 });

/** The least recently used key by second chance: the oldest that was not touched since the hand passed. */
class LruModel {
  readonly entries: { key: number; value: number; referenced: boolean }[] = [];

  evict(): void {
    for (;;) {
      const oldest = this.entries.shift();
      if (oldest === undefined || !oldest.referenced) {
        return;
      }
      this.entries.push({ ...oldest, referenced: false });
    }
  }
}

describe('hash maps', () => {
  test('behave as a list of pairs, whatever collides', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 4 }), operations, (capacity, words, steps) => {
        const map = newMap('hash', capacity, words);
        const model = new Map<number, number>();
        for (const step of steps) {
          switch (step.kind) {
            case 'lookup':
              expect(map.lookup(step.key)).toBe(model.get(step.key));
              break;
            case 'delete':
              expect(map.delete(step.key)).toBe(model.delete(step.key) ? OK : ENOENT);
              break;
            case 'update': {
              const known = model.has(step.key);
              const expected =
                known && step.flag === BPF_NOEXIST
                  ? EEXIST
                  : !known && step.flag === BPF_EXIST
                    ? ENOENT
                    : !known && model.size >= capacity
                      ? E2BIG
                      : OK;
              expect(map.update(step.key, step.value, step.flag)).toBe(expected);
              if (expected === OK) {
                model.set(step.key, step.value);
              }
            }
          }
          expect(map.size).toBe(model.size);
          expect([...map.entries()]).toEqual([...model]);
        }
      }),
    );
  });

  test('the LRU kind evicts what was not used, and never refuses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), operations, (capacity, words, steps) => {
        const map = newMap('lru_hash', capacity, words);
        const model = new LruModel();
        for (const step of steps) {
          const found = model.entries.find((entry) => entry.key === step.key);
          if (step.kind === 'delete') {
            expect(map.delete(step.key)).toBe(found === undefined ? ENOENT : OK);
            model.entries.splice(0, model.entries.length, ...model.entries.filter((entry) => entry !== found));
          } else if (step.kind === 'lookup') {
            expect(map.lookup(step.key)).toBe(found?.value);
            if (found !== undefined) {
              found.referenced = true;
            }
          } else {
            const result = map.update(step.key, step.value);
            expect(result).toBe(OK);
            if (found === undefined) {
              if (model.entries.length >= capacity) {
                model.evict();
              }
              model.entries.push({ key: step.key, value: step.value, referenced: false });
            } else {
              found.value = step.value;
              found.referenced = true;
            }
          }
          expect(map.size).toBeLessThanOrEqual(capacity);
          expect([...map.entries()]).toEqual(model.entries.map((entry) => [entry.key, entry.value]));
        }
      }),
    );
  });

  test('entries may be deleted while walking', () => {
    const map = newMap('hash', 100, 3);
    for (let i = 0; i < 50; i++) {
      map.update(i, i);
    }
    for (const [one] of map.entries()) {
      map.delete(one);
    }
    expect(map.size).toBe(0);
    expect([...map.entries()]).toEqual([]);
  });

  test('thousands of entries: what is there is found, in the order of creation, while memory grows and is given back', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3000), fc.boolean()), { minLength: 1000, maxLength: 3000 }), (steps) => {
        const map = newMap('hash', 10_000, 2);
        const model = new Map<number, number>();
        for (const [one, stays] of steps) {
          if (stays) {
            map.update(one, one * 2);
            model.set(one, one * 2);
          } else {
            map.delete(one - 1);
            model.delete(one - 1);
          }
        }
        expect([...map.entries()]).toEqual([...model]);
        for (let one = 0; one <= 3000; one += 7) {
          expect(map.lookup(one)).toBe(model.get(one));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('entries are deleted by their values, and told', () => {
    const map = newMap('lru_hash', 100, 1);
    for (let i = 0; i < 50; i++) {
      map.update(i, i % 3);
    }
    const told: number[] = [];
    expect(
      map.deleteWhere(
        (value) => value === 1,
        (one) => {
          expect(map.lookup(one)).toBeUndefined();
          told.push(one);
        },
      ),
    ).toBe(17);
    expect(told).toEqual(Array.from({ length: 17 }, (_, i) => i * 3 + 1));
    expect([...map.entries()].map(([one]) => one)).toEqual(Array.from({ length: 50 }, (_, i) => i).filter((i) => i % 3 !== 1));
  });

  test('a value is the stored one: programs update it in place', () => {
    const map = new HashMap<number, { count: number }>(specOf('hash', 1, 1));
    map.update(1, { count: 1 });
    const value = map.lookup(1);
    if (value !== undefined) {
      value.count = 5;
    }
    expect(map.lookup(1)).toEqual({ count: 5 });
  });

  test('values that are copied may be given to many entries: each counts for itself', () => {
    const map = new HashMap<number, { count: number }>({
      ...specOf<{ count: number }>('hash', 3, 1),
      copyValue: ({ count }) => ({ count }),
    });
    const given = { count: 1 };
    const add = (one: number): void => {
      const value = map.lookup(one);
      if (value !== undefined) {
        value.count += 1;
      }
    };
    map.update(1, given);
    map.update(2, given);
    map.update(3, given);
    add(1);
    add(1);
    add(2);
    expect([...map.entries()].map(([, value]) => value.count)).toEqual([3, 2, 1]);
    expect(given.count).toBe(1);
    map.update(1, given);
    add(1);
    expect([map.lookup(1)?.count, map.lookup(3)?.count]).toEqual([2, 1]);
  });
});
