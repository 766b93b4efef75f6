import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChunks, decodeInit, encodeChunks, encodeInit } from '../../src/net/sctp.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const chunk = fc.record({ type: fc.nat(255), flags: fc.nat(255), value: bytes });
const word = fc.integer({ min: 0, max: 0xffffffff });
const half = fc.nat(0xffff);

describe('SCTP chunks', () => {
  it('come back as they were', () => {
    fc.assert(fc.property(fc.array(chunk, { maxLength: 5 }), (chunks) => void expect(decodeChunks(encodeChunks(chunks))).toEqual(chunks)));
  });

  it('are whole words', () => {
    fc.assert(fc.property(fc.array(chunk, { maxLength: 5 }), (chunks) => void expect(encodeChunks(chunks).length % 4).toBe(0)));
  });

  it('of an INIT come back, with and without a cookie', () => {
    const init = fc.record({
      tag: word,
      window: word,
      outStreams: half,
      inStreams: half,
      tsn: word,
      cookie: fc.option(bytes),
    });
    fc.assert(fc.property(init, (one) => void expect(decodeInit(encodeInit(one))).toEqual(one)));
  });

  it('never break the reader', () => {
    fc.assert(
      fc.property(bytes, (any) => {
        decodeInit(any);
        for (const { value } of decodeChunks(any) ?? []) {
          expect(value.length).toBeLessThanOrEqual(any.length);
        }
      }),
    );
  });
});
