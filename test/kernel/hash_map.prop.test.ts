import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, ENOENT, OK, type UpdateFlag } from '../../src/kernel/bpf_map.ts';
import { HashMap } from '../../src/kernel/hash_map.ts';

/** A map of numbers whose hashes collide as often as `buckets` says. */
function newMap(type: 'hash' | 'lru_hash', maxEntries: number, buckets: number): HashMap<number, number> {
  return new HashMap({
    name: 'test',
    type,
    keySize: 4,
    valueSize: 4,
    maxEntries,
    key: { hash: (key) => key % buckets, equals: (a, b) => a === b, copy: (key) => key, toJson: (key) => ({ key }) },
    valueToJson: (value) => ({ value }),
  });
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
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 13 }), operations, (capacity, buckets, steps) => {
        const map = newMap('hash', capacity, buckets);
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
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 13 }), operations, (capacity, buckets, steps) => {
        const map = newMap('lru_hash', capacity, buckets);
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

  test('a value is the stored one: programs update it in place', () => {
    const map = new HashMap<number, { count: number }>({ ...newMap('hash', 1, 1).spec, valueToJson: ({ count }) => ({ count }) });
    map.update(1, { count: 1 });
    const value = map.lookup(1);
    if (value !== undefined) {
      value.count = 5;
    }
    expect(map.lookup(1)).toEqual({ count: 5 });
  });
});
