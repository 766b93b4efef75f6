import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MonitorEvent } from '../../src/monitor/event.ts';
import { EventRing } from '../../src/monitor/event_ring.ts';

const event = (at: number): MonitorEvent => ({ kind: 'agent', at, wallMillis: 0, name: 'test', text: '' });

describe('event ring', () => {
  test('holds the latest events in order, and a follower sees every one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(40), fc.nat(40), (capacity, before, after) => {
        const ring = new EventRing(capacity);
        for (let i = 0; i < before; i++) {
          ring.push(event(i));
        }
        const follower = ring.follow();
        for (let i = before; i < before + after; i++) {
          ring.push(event(i));
        }
        follower.stop();
        ring.push(event(before + after));
        expect(ring.since(before).map(({ at }) => at)).toEqual(
          ring
            .since(0)
            .map(({ at }) => at)
            .filter((at) => at >= before),
        );
        const total = before + after + 1;
        const held = Math.min(capacity, total);
        expect(ring.since(0).map(({ at }) => at)).toEqual(Array.from({ length: held }, (_, i) => total - held + i));
        expect(follower.events.map(({ at }) => at)).toEqual(Array.from({ length: after }, (_, i) => before + i));
      }),
    );
  });
});
