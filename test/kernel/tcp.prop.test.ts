import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isErrno, type TcpSocket } from '../../src/kernel/socket.ts';
import { Reassembly } from '../../src/kernel/tcp/reassembly.ts';
import { seqAdd, seqDiff } from '../../src/kernel/tcp/seq.ts';
import { concatBytes } from '../../src/net/bytes.ts';
import { IPV4_ANY } from '../../src/net/ipv4.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { newWire, SERVER } from './wire.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });

describe('TCP', () => {
  test('whatever is lost, both streams arrive whole and in order, and nothing is left behind', () => {
    const writes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { maxLength: 5 });
    fc.assert(
      fc.property(writes, writes, fc.array(fc.boolean(), { maxLength: 40 }), (there, back, losses) => {
        const wire = newWire((_packet, n) => losses[n] ?? false);
        const got: { server: Uint8Array[]; client: Uint8Array[] } = { server: [], client: [] };
        const ends: string[] = [];
        const write = (socket: TcpSocket, parts: readonly Uint8Array[]): void => {
          for (const part of parts) {
            socket.write(part);
          }
          socket.end();
        };
        wire.b.listen({
          local: { address: IPV4_ANY, port: 80 },
          onAccept: (socket) => ({
            onConnected: () => write(socket, back),
            onData: (_socket, bytes) => void got.server.push(bytes),
            onEnd: () => void ends.push('server'),
          }),
        });
        const client = wire.a.connect({
          remote: { address: SERVER, port: 80 },
          handlers: {
            onConnected: (socket) => write(socket, there),
            onData: (_socket, bytes) => void got.client.push(bytes),
            onEnd: () => void ends.push('client'),
          },
        });
        expect(isErrno(client)).toBe(false);
        wire.scheduler.runUntil(2000 * SECOND);
        expect([...concatBytes([new Uint8Array(0), ...got.server])]).toEqual(there.flatMap((part) => [...part]));
        expect([...concatBytes([new Uint8Array(0), ...got.client])]).toEqual(back.flatMap((part) => [...part]));
        expect(ends.sort()).toEqual(['client', 'server']);
        expect([wire.a.tcp.size, wire.b.tcp.size]).toEqual([0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  test('segments in any order and any overlap become the stream, each byte once', () => {
    const cuts = fc.array(fc.tuple(fc.nat(60), fc.nat(30)), { maxLength: 30 });
    fc.assert(
      fc.property(u32, fc.uint8Array({ maxLength: 60 }), cuts, (start, stream, pieces) => {
        const queue = new Reassembly();
        queue.start(start);
        const out: number[] = [];
        const add = (from: number, length: number): void => {
          const payload = stream.subarray(from, from + length);
          out.push(...queue.add(seqAdd(start, Math.min(from, stream.length)), payload, from + length >= stream.length));
        };
        for (const [from, length] of pieces) {
          add(from, length);
          expect(out).toEqual([...stream.subarray(0, out.length)]);
          expect(queue.next).toBe(seqAdd(start, out.length + (queue.finished ? 1 : 0)));
        }
        add(0, stream.length);
        expect(out).toEqual([...stream]);
        expect(queue.finished).toBe(true);
      }),
    );
  });

  test('sequence numbers wrap', () => {
    fc.assert(
      fc.property(u32, fc.integer({ min: -0x7fffffff, max: 0x7fffffff }), (seq, distance) => {
        expect(seqDiff(seqAdd(seq, distance), seq)).toBe(distance);
      }),
    );
    expect(seqAdd(0xffffffff, 2)).toBe(1);
    expect(seqDiff(1, 0xffffffff)).toBe(2);
  });
});
