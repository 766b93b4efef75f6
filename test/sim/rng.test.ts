import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/sim/rng.ts';

const draw = (rng: Rng, count = 8): number[] => Array.from({ length: count }, () => rng.uint32());

describe('random numbers', () => {
  test('equal seeds give equal streams, and the streams of two names differ', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), fc.string(), (seed, one, other) => {
        expect(draw(new Rng(seed))).toEqual(draw(new Rng(seed)));
        expect(draw(new Rng(seed).fork(one))).toEqual(draw(new Rng(seed).fork(one)));
        if (one !== other && [...one, ...other].every((c) => c.charCodeAt(0) < 256)) {
          expect(draw(new Rng(seed).fork(one))).not.toEqual(draw(new Rng(seed).fork(other)));
        }
      }),
    );
  });

  test('a fork does not depend on what its parent has drawn', () => {
    const parent = new Rng(7);
    const before = draw(parent.fork('child'));
    draw(parent);
    expect(draw(parent.fork('child'))).toEqual(before);
  });

  test('a number below a bound is below it, and every one comes about equally often', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 0x1_0000_0000 }), (seed, bound) => {
        const rng = new Rng(seed);
        for (let i = 0; i < 20; i++) {
          const value = rng.below(bound);
          expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
        }
      }),
    );
    const rng = new Rng(1);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) {
      const value = rng.below(6);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(9_600);
    expect(Math.max(...counts)).toBeLessThan(10_400);
  });

  test('UUIDs are of version 4, digits are hexadecimal and of the length asked for', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (seed, digits) => {
        expect(new Rng(seed).uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(new Rng(seed).hex(digits)).toMatch(new RegExp(`^[0-9a-f]{${digits}}$`));
      }),
    );
  });
});
