import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fifo } from '../../src/sim/fifo.ts';

describe('a queue that keeps its memory', () => {
  test('gives what an array gives, however many wait', () => {
    const bursts = fc.array(fc.tuple(fc.constantFrom(1, 2, 40, 1500), fc.constantFrom(0, 1, 39, 1499)), { maxLength: 8 });
    fc.assert(
      fc.property(bursts, (list) => {
        const queue = new Fifo<number>();
        const model: number[] = [];
        let next = 0;
        for (const [pushed, taken] of list) {
          for (let i = 0; i < pushed; i++) {
            queue.push(next);
            model.push(next++);
          }
          for (let i = 0; i < taken; i++) {
            expect(queue.shift()).toBe(model.shift());
          }
          expect([queue.size, queue.first, queue.some((one) => one === next - 1)]).toEqual([
            model.length,
            model[0],
            model.includes(next - 1),
          ]);
        }
      }),
      { numRuns: 15 },
    );
  });
});
