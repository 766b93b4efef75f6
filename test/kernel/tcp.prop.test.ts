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
  /** Fewer losses than anything is repeated: a SYN-ACK goes out six times, a SYN seven, data sixteen. */
  const SURVIVABLE = 5;

  interface Exchange {
    readonly server: number[];
    readonly client: number[];
    readonly ends: string[];
    readonly errors: string[];
    readonly left: number[];
  }

  function exchange(there: readonly Uint8Array[], back: readonly Uint8Array[], losses: readonly boolean[]): Exchange {
    const wire = newWire((_packet, n) => losses[n] ?? false);
    const got: { server: Uint8Array[]; client: Uint8Array[] } = { server: [], client: [] };
    const ends: string[] = [];
    const errors: string[] = [];
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
        onError: (_socket, error) => void errors.push(error),
      },
    });
    expect(isErrno(client)).toBe(false);
    wire.scheduler.runUntil(2000 * SECOND);
    const bytes = (parts: Uint8Array[]): number[] => [...concatBytes([new Uint8Array(0), ...parts])];
    return { server: bytes(got.server), client: bytes(got.client), ends: ends.sort(), errors, left: [wire.a.tcp.size, wire.b.tcp.size] };
  }

  const flat = (parts: readonly Uint8Array[]): number[] => parts.flatMap((part) => [...part]);

  test('while less is lost than is repeated both streams arrive whole, and nothing is left; else a beginning of them', () => {
    const writes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { maxLength: 5 });
    fc.assert(
      fc.property(writes, writes, fc.array(fc.boolean(), { maxLength: 40 }), (there, back, losses) => {
        const { server, client, ends, left } = exchange(there, back, losses);
        expect(server).toEqual(flat(there).slice(0, server.length));
        expect(client).toEqual(flat(back).slice(0, client.length));
        if (losses.filter((lost) => lost).length <= SURVIVABLE) {
          expect([server.length, client.length]).toEqual([flat(there).length, flat(back).length]);
          expect([ends, left]).toEqual([
            ['client', 'server'],
            [0, 0],
          ]);
        }
      }),
      {
        numRuns: 60,
        examples: [
          [[], [], new Array<boolean>(7).fill(true)],
          [[new Uint8Array([1])], [new Uint8Array([2])], [true, true, true, true, true]],
        ],
      },
    );
  });

  test('a SYN whose six repetitions are lost too ends in a time-out', () => {
    const { ends, errors, left } = exchange([], [], new Array<boolean>(7).fill(true));
    expect([ends, errors, left]).toEqual([[], ['ETIMEDOUT'], [0, 0]]);
    expect(exchange([], [], new Array<boolean>(6).fill(true)).ends).toEqual(['client', 'server']);
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
