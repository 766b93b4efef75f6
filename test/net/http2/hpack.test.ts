/** HPACK: the examples of RFC 7541's appendix C, and what a decoder must refuse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromLatin1, latin1 } from '../../../src/net/bytes.ts';
import { HpackDecoder } from '../../../src/net/http2/hpack_decoder.ts';
import { HpackEncoder } from '../../../src/net/http2/hpack_encoder.ts';
import type { HeaderField } from '../../../src/net/http2/hpack_table.ts';
import { huffmanDecode, huffmanEncode, huffmanLength } from '../../../src/net/http2/huffman.ts';

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

function decode(decoder: HpackDecoder, block: Uint8Array, pieces = 1): HeaderField[] | string {
  const headers: HeaderField[] = [];
  const size = Math.max(1, Math.ceil(block.length / pieces));
  for (let at = 0; at < block.length || at === 0; at += size) {
    const result = decoder.decode(
      block.subarray(at, at + size),
      at + size >= block.length,
      (name, value) => headers.push([name, value]) > 0,
    );
    if (result !== 'done') {
      return result;
    }
  }
  return headers;
}

const FIRST: HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const SECOND: HeaderField[] = [...FIRST, ['cache-control', 'no-cache']];
const THIRD: HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/index.html'],
  [':authority', 'www.example.com'],
  ['custom-key', 'custom-value'],
];

const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT';
const LOCATION: HeaderField = ['location', 'https://www.example.com'];
const COOKIE: HeaderField = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];
const RESPONSES: HeaderField[][] = [
  [[':status', '302'], ['cache-control', 'private'], ['date', DATE], LOCATION],
  [[':status', '307'], ['cache-control', 'private'], ['date', DATE], LOCATION],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', DATE.replace('21 GMT', '22 GMT')],
    LOCATION,
    ['content-encoding', 'gzip'],
    COOKIE,
  ],
];

describe('RFC 7541, appendix C', () => {
  it('C.2 representations', () => {
    expect(decode(new HpackDecoder(), hex('400a637573746f6d2d6b65790d637573746f6d2d686561646572'))).toEqual([
      ['custom-key', 'custom-header'],
    ]);
    expect(decode(new HpackDecoder(), hex('040c2f73616d706c652f70617468'))).toEqual([[':path', '/sample/path']]);
    expect(decode(new HpackDecoder(), hex('100870617373776f726406736563726574'))).toEqual([['password', 'secret']]);
    expect(decode(new HpackDecoder(), hex('82'))).toEqual([[':method', 'GET']]);
  });

  it.each([
    [
      'C.3',
      [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
    ],
    ['C.4', ['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf', '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf']],
  ])('%s requests on one connection, also byte by byte', (_name, blocks) => {
    for (const pieces of [1, 1000]) {
      const decoder = new HpackDecoder();
      expect(blocks.map((block) => decode(decoder, hex(block), pieces))).toEqual([FIRST, SECOND, THIRD]);
    }
  });

  it('C.4 is what the encoder writes, but for the path, which is not kept', () => {
    const encoder = new HpackEncoder();
    expect([FIRST, SECOND, THIRD].map((headers) => encoder.encode(headers))).toEqual(
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf', '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'].map(hex),
    );
  });

  it.each([
    [
      'C.5',
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
      ],
    ],
    [
      'C.6',
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
    ],
  ])('%s responses with a table of 256 bytes: old entries go', (_name, blocks) => {
    const decoder = new HpackDecoder();
    // The first block would begin with a size; here it is set as the examples say.
    expect(decode(decoder, hex('3fe101'))).toEqual([]);
    expect(blocks.map((block) => decode(decoder, hex(block)))).toEqual(RESPONSES);
  });
});

describe('what is not HPACK', () => {
  it.each([
    ['index 0', '80'],
    ['an index behind both tables', 'be'],
    ['a literal that ends early', '400a6375'],
    ['an integer without end', 'ffffffffffffffffff'],
    ['an integer above 32 bits', 'ff8080808010'],
    ['a size above what was allowed', '3fe21f'],
    ['a size after a header', '823fe101'],
    ['Huffman padding with a zero', '048118'],
    ['a length above 64 KiB', '047f828004'],
  ])('%s', (_name, block) => {
    expect(decode(new HpackDecoder(), hex(block))).toBe('invalid');
  });

  it('a table that shrank must be said first', () => {
    const decoder = new HpackDecoder();
    decoder.setMaximum(100);
    expect(decode(decoder, hex('82'))).toBe('invalid');
    const told = new HpackDecoder();
    told.setMaximum(100);
    expect(decode(told, hex('2082'))).toEqual([[':method', 'GET']]);
  });

  it('EOS and long padding are no Huffman code', () => {
    expect(huffmanDecode(hex('ffffffff'), 0, 4)).toBeNull();
    expect(huffmanDecode(hex('1fff'), 0, 2)).toBeNull();
    expect(huffmanDecode(hex('1f'), 0, 1)).toBe('a');
  });
});

describe('properties', () => {
  const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 });
  const name = fc.oneof(fc.constantFrom(':path', ':status', 'cookie', 'authorization', 'content-length', 'x-a', 'te', 'date'), octets);

  it('Huffman code and back', () => {
    fc.assert(
      fc.property(octets, (text) => {
        const out: number[] = [];
        huffmanEncode(text, out);
        expect(out.length).toBe(huffmanLength(text));
        expect(huffmanDecode(Uint8Array.from(out), 0, out.length)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('a decoder reads what an encoder wrote, with tables that change, in any pieces', () => {
    const block = fc.record({
      headers: fc.array(fc.tuple(name, octets), { maxLength: 12 }),
      maximum: fc.option(fc.constantFrom(0, 31, 64, 200, 4096)),
      pieces: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), (blocks) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder();
        for (const { headers, maximum, pieces } of blocks) {
          if (maximum !== null) {
            encoder.setPeerMaximum(maximum);
            decoder.setMaximum(maximum);
          }
          expect(decode(decoder, encoder.encode(headers), pieces)).toEqual(headers);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('any bytes: an answer, never an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), (blocks) => {
        const decoder = new HpackDecoder();
        for (const block of blocks) {
          decode(decoder, block, 3);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('texts are octets', () => {
    const encoder = new HpackEncoder();
    expect(decode(new HpackDecoder(), encoder.encode([['x', '\u00e9\u00ff']]))).toEqual([['x', fromLatin1(latin1('\u00e9\u00ff'))]]);
  });
});
