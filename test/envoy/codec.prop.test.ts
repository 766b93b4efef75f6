import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1 } from '../../src/net/bytes.ts';
import { SECOND } from '../../src/sim/clock.ts';
import { cut } from '../support/http_messages.ts';
import { allowAll, answer, EXHAUST, LANDING, OK_RESPONSE, Rig } from './support.ts';

const messages = [
  LANDING,
  EXHAUST,
  'GET /a//b/../c HTTP/1.1\r\nHost: h\r\nX: folded\r\n  more\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world',
  'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nT: x\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /a%2fb HTTP/1.1\nHost: h\n\n',
  'GARBAGE\r\n\r\n',
  'PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok',
];

/** Sends the pieces one after the other and returns everything anybody saw. */
function run(pieces: readonly Uint8Array[]): object {
  const rig = new Rig({ policies: [allowAll()], backend: answer(OK_RESPONSE) });
  const client = rig.client();
  for (const piece of pieces) {
    client.socket.write(piece);
  }
  rig.settle(3 * SECOND);
  return { received: client.received, ended: client.ended, upstream: unchunk(rig.backendReceived.join('')), logs: rig.logTypes() };
}

/** Chunk boundaries follow the reads; the data does not. */
function unchunk(text: string): string {
  return text.replace(/(?<=transfer-encoding: chunked\r\n\r\n)(?:[0-9a-f]+\r\n[\s\S]*?\r\n)+/g, (chunks) =>
    chunks.replace(/[0-9a-f]+\r\n([\s\S]*?)\r\n/g, '$1'),
  );
}

describe('the HTTP/1 codec', () => {
  it('gives the same result for any cut of the same bytes', () => {
    const input = fc.array(fc.constantFrom(...messages), { minLength: 1, maxLength: 3 }).map((list) => list.join(''));
    fc.assert(
      fc.property(input, fc.array(fc.nat(1000), { maxLength: 12 }), (text, points) => {
        const bytes = latin1(text);
        expect(run(cut(bytes, points))).toEqual(run([bytes]));
      }),
      { numRuns: 150 },
    );
  });

  it('byte by byte too', () => {
    for (const text of messages) {
      const bytes = latin1(text);
      expect(run([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(run([bytes]));
    }
  });

  it('survives mutated requests', () => {
    const mutation = fc.record({
      at: fc.nat(2000),
      byte: fc.integer({ min: 0, max: 255 }),
      kind: fc.constantFrom('set', 'insert', 'delete'),
    });
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.array(mutation, { minLength: 1, maxLength: 6 }), (text, mutations) => {
        const bytes = [...latin1(text)];
        for (const { at, byte, kind } of mutations) {
          bytes.splice(at % (bytes.length + 1), kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [byte]));
        }
        const result = run([Uint8Array.from(bytes)]) as { received: string };
        expect(result.received).toMatch(/^$|^HTTP\/1\.1 [1-5][0-9]{2} /);
      }),
      { numRuns: 400 },
    );
  });

  it('survives mutated responses', () => {
    fc.assert(
      fc.property(fc.nat(113), fc.integer({ min: 0, max: 255 }), fc.nat(113), (at, byte, cutAt) => {
        const bytes = latin1(OK_RESPONSE);
        bytes[at] = byte;
        const rig = new Rig({
          backend: (socket) => {
            socket.write(bytes.subarray(0, cutAt));
            socket.write(bytes.subarray(cutAt));
            socket.close();
          },
        });
        const client = rig.client();
        client.send(LANDING);
        rig.settle(3 * SECOND);
        expect(client.received).toMatch(/^HTTP\/1\.1 [0-9]{3} /);
      }),
      { numRuns: 200 },
    );
  });

  it('bounds what a client can make it keep', () => {
    for (const endless of [
      'GET /',
      'GET / HTTP/1.1\r\nHost: ',
      'GET / HTTP/1.1\r\nA: b\r\n',
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;',
    ]) {
      const rig = new Rig({ policies: [allowAll()] });
      const client = rig.client();
      client.send(endless);
      const unit = endless.endsWith('\r\n') ? 'A: b\r\n'.repeat(200) : 'x'.repeat(1200);
      for (let i = 0; i < 100 && !client.ended; i++) {
        client.send(unit);
        rig.settle(10_000_000);
      }
      rig.settle(2 * SECOND);
      expect(client.received + String(client.ended)).toMatch(/HTTP\/1\.1 4|true/);
      expect(client.ended).toBe(true);
    }
  });
});
