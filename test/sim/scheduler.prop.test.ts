import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimClock } from '../../src/sim/clock.ts';
import { SimScheduler, type Timer } from '../../src/sim/scheduler.ts';

/** What to do: ask for a callback, take one back, or (inside a callback) ask for another. */
const plan = fc.array(
  fc.record({ delay: fc.nat(6), cancel: fc.option(fc.nat(40), { nil: null }), next: fc.option(fc.nat(4), { nil: null }) }),
  { maxLength: 40 },
);

describe('scheduler', () => {
  test('runs what is due by instant, then in the order of asking; what was cancelled never runs', () => {
    fc.assert(
      fc.property(plan, (steps) => {
        const scheduler = new SimScheduler(new SimClock(0, 0));
        const ran: [at: number, order: number][] = [];
        const cancelled = new Set<number>();
        const timers: Timer[] = [];
        let order = 0;
        const ask = (delay: number, next: number | null): void => {
          const mine = order++;
          timers[mine] = scheduler.after(delay, 'test', () => {
            ran.push([scheduler.clock.now(), mine]);
            if (next !== null) {
              ask(next, null);
            }
          });
        };
        for (const { delay, cancel, next } of steps) {
          ask(delay, next);
          if (cancel !== null && timers[cancel]?.pending === true) {
            timers[cancel]?.cancel();
            cancelled.add(cancel);
          }
        }
        scheduler.runUntil(100);
        expect(scheduler.clock.now()).toBe(100);
        expect(ran.length).toBe(order - cancelled.size);
        expect(ran.some(([, mine]) => cancelled.has(mine))).toBe(false);
        expect(ran).toEqual([...ran].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
        expect(scheduler.nextAt()).toBeNull();
      }),
    );
  });

  test('thousands of cancelled timers leave nothing behind', () => {
    const scheduler = new SimScheduler(new SimClock(0, 0));
    let ran = 0;
    for (let i = 0; i < 20_000; i++) {
      scheduler.after(1_000_000 + i, 'lost', () => (ran += 1)).cancel();
    }
    scheduler.after(5, 'kept', () => (ran += 1));
    scheduler.runUntil(2_000_000_000);
    expect(ran).toBe(1);
  });

  test('background work is no work left to do', () => {
    const scheduler = new SimScheduler(new SimClock(0, 0));
    scheduler.after(3, 'periodic:gc', () => undefined);
    scheduler.after(4, 'idle:time-wait', () => undefined);
    expect(scheduler.nextForegroundAt()).toBeNull();
    scheduler.after(9, 'work', () => undefined);
    expect(scheduler.nextForegroundAt()).toBe(9);
    expect(scheduler.nextAt()).toBe(3);
  });

  test('a callback of the same instant runs after everything already due then', () => {
    const scheduler = new SimScheduler(new SimClock(0, 0));
    const heard: string[] = [];
    scheduler.after(1, 'a', () => {
      heard.push('a');
      scheduler.after(0, 'c', () => void heard.push('c'));
    });
    scheduler.after(1, 'b', () => void heard.push('b'));
    scheduler.runUntil(1);
    expect(heard).toEqual(['a', 'b', 'c']);
  });

  test('a negative delay is a mistake of the engine', () => {
    expect(() => new SimScheduler(new SimClock(0, 0)).after(-1, 'wrong', () => undefined)).toThrow(/negative delay for wrong/);
  });
});
