import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Defragmenter, ipFragment } from '../../src/kernel/ip_fragment.ts';
import { makePacket, type Packet } from '../../src/net/packet.ts';
import { IPPROTO_UDP } from '../../src/net/protocol.ts';
import { SECOND, SimClock } from '../../src/sim/clock.ts';
import { SimScheduler } from '../../src/sim/scheduler.ts';

const datagram = (payload: Uint8Array, ipId = 7): Packet =>
  makePacket({ id: 1, src: 1, dst: 2, protocol: IPPROTO_UDP, l4: { kind: 'udp', sport: 5, dport: 6 }, payload, ipId, dontFragment: false });

test('pieces fit, and give the datagram again in whatever order they come and however often', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 0, maxLength: 5000 }),
      fc.integer({ min: 68, max: 1500 }),
      fc.infiniteStream(fc.nat()),
      (payload, mtu, draws) => {
        const packet = datagram(payload);
        let id = 1;
        const pieces = ipFragment(packet, mtu, () => ++id);
        expect(pieces.every((piece) => piece.length - 14 <= mtu)).toBe(true);
        const waiting = [...pieces, ...pieces.slice(0, 1)];
        const defragmenter = new Defragmenter(new SimScheduler(new SimClock(0, 0)), () => undefined);
        const whole: Packet[] = [];
        for (const draw of draws) {
          const [piece] = waiting.splice(draw % waiting.length, 1);
          const result = piece === undefined ? null : defragmenter.add(piece);
          if (result !== null) {
            whole.push(result);
          }
          if (waiting.length === 0) {
            break;
          }
        }
        const [first] = whole;
        expect(first?.l4).toEqual(packet.l4);
        expect(Buffer.from(first?.payload ?? []).equals(Buffer.from(payload))).toBe(true);
        expect(first?.length).toBe(packet.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('a datagram that stays incomplete is given up after 30 s, and its sender hears of it if the first piece came', () => {
  const clock = new SimClock(0, 0);
  const scheduler = new SimScheduler(clock);
  const expired: Packet[] = [];
  const defragmenter = new Defragmenter(scheduler, (first) => expired.push(first));
  const [first, second] = ipFragment(datagram(new Uint8Array(2000)), 1500, () => 2) as [Packet, Packet];
  const [, other] = ipFragment(datagram(new Uint8Array(2000), 8), 1500, () => 3) as [Packet, Packet];
  defragmenter.add(first);
  defragmenter.add(other);
  scheduler.runUntil(31 * SECOND);
  expect(expired).toEqual([first]);
  expect(defragmenter.add(second)).toBeNull();
});
