import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromLatin1, fromUtf8, latin1, newBytes, utf8 } from '../../src/net/bytes.ts';
import { parseIpv4 } from '../../src/net/ipv4.ts';

describe('bytes and text', () => {
  test('ISO 8859-1 comes back as it went, at any place in an array and however often', () => {
    const text = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 700 }).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(text, fc.nat(20), fc.nat(20), (one, before, after) => {
        const all = concatBytes([newBytes(before), latin1(one), newBytes(after)]);
        expect(fromLatin1(all, before, before + one.length)).toBe(one);
        expect(fromLatin1(all, before, before + one.length)).toBe(one);
      }),
    );
  });

  test('UTF-8 is what the platform makes of it', () => {
    const encoder = new TextEncoder();
    const decoder = new TextDecoder();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.uint8Array({ maxLength: 40 }), (text, bytes) => {
        expect([...utf8(text)]).toEqual([...encoder.encode(text)]);
        expect(fromUtf8(utf8(text))).toBe(decoder.decode(encoder.encode(text)).replace(/^\ufeff/, ''));
        // How many replacement characters an ill-formed sequence becomes differs; what is well-formed does not.
        expect(fromUtf8(bytes).replaceAll('\ufffd', '')).toBe(
          new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).replaceAll('\ufffd', ''),
        );
      }),
    );
  });

  test('new arrays are zero and do not share their bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 30 }), (lengths) => {
        const arrays = lengths.map((length) => newBytes(length));
        for (const [i, array] of arrays.entries()) {
          expect(array.every((byte) => byte === 0)).toBe(true);
          array.fill(i + 1);
        }
        expect(arrays.every((array, i) => array.every((byte) => byte === i + 1))).toBe(true);
      }),
    );
  });
});

describe('dotted quads', () => {
  test.each(['010.0.0.1', '1.2.3', '1.2.3.4.5', '256.0.0.1', '1.2.3.4 ', '', '1..2.3', '1.2.3.0004', '-1.2.3.4', '1.2.3.4a', '+1.2.3.4'])(
    '%j is none',
    (text) => {
      expect(parseIpv4(text)).toBeNull();
    },
  );

  test('every address reads back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
        expect(parseIpv4([...octets].join('.'))).toBe(new DataView(octets.slice().buffer).getUint32(0));
      }),
    );
  });

  test('digits and dots in any order are read as the strict grammar says', () => {
    const grammar = /^(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$/;
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', '1', '2', '5', '.', 'a'), maxLength: 16 }), (text) => {
        expect(parseIpv4(text) !== null).toBe(grammar.test(text));
      }),
    );
  });
});
