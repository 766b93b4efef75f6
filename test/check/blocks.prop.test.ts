import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK, searchBlocks } from '../../src/check/run/blocks.ts';

/** The values that are tried. */
function tried(seed: number, first: number, count: number): number[] {
  const values: number[] = [];
  const property = fc.property(fc.nat(1e9), (value) => {
    values.push(value);
    return true;
  });
  expect(searchBlocks({ seed, count, path: first === 0 ? '' : String(first), number: 1 }, property)).toEqual({ runs: count, found: null });
  return values;
}

describe('blocks of cases', () => {
  it('are the same in whatever parts they are tried', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 3 * BLOCK - 1 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.nat(1e9), cuts, (seed, some) => {
        const edges = [0, ...[...some].sort((a, b) => a - b), 3 * BLOCK];
        const parts = edges.slice(1).flatMap((end, i) => tried(seed, edges[i] as number, end - (edges[i] as number)));
        expect(parts).toEqual(tried(seed, 0, 3 * BLOCK));
      }),
      { numRuns: 30 },
    );
  });

  it('differ from each other', () => {
    const blocks = Array.from({ length: 20 }, (_, i) => tried(1, i * BLOCK, BLOCK).join());
    expect(new Set(blocks).size).toBe(20);
  });

  it('find what is found again by its path, in the first block and in later ones', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 10_000 }), (seed, rarity) => {
        const pairs = fc.property(fc.tuple(fc.nat(1e9), fc.nat(1e9)), ([a, b]) => (a ^ b) % rarity !== 0);
        const { found } = searchBlocks({ seed, count: 8 * BLOCK, path: '', number: 1 }, pairs);
        if (found !== null) {
          expect(searchBlocks({ seed, count: 1, path: found.path, number: 1 }, pairs)).toEqual({ runs: 1, found });
        }
      }),
      { numRuns: 60 },
    );
  });
});
