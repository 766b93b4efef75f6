/** HTTP messages for property tests and fuzzing: mostly right, with every oddity that parsers are known to differ in. */
import fc from 'fast-check';
import { latin1 } from '../../src/net/bytes.ts';

const usually = <T>(good: readonly T[], odd: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const method = usually(['GET', 'POST', 'PUT', 'HEAD'], ['CONNECT', 'OPTIONS', 'SOURCE', 'M-SEARCH', 'get', 'GE T', 'BREW', 'QUERY', '']);
const target = usually(
  ['/', '/a', '/a?b', '//x/../y', '/%2e%2f'],
  [
    '*',
    '/a?b#c',
    'http://h/',
    'http://h?x',
    'HTTP://h',
    'h:80',
    '/a b',
    '/a\u0080',
    '/\u007f',
    'http://u@h:1/',
    'http://u@@h/',
    'ftp://x',
    '?',
    '',
  ],
);
const version = usually(['HTTP/1.1'], ['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/1.1 ', 'ICE/1.0', 'http/1.1', 'HTTP/11', '']);
const lineEnd = usually(['\r\n'], ['\n', '\r', '\n\r', '\r\r\n']);
const name = usually(
  ['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'X'],
  ['Transfer-Encodingx', 'Proxy-Connection', 'Upgrade', 'X Y', '', 'X\u0080', 'Content-Length ', 'Expect', 'te', 'Trailer'],
);
const value = usually(
  ['h', '5', '11', 'chunked', 'close', 'keep-alive'],
  [
    'Chunked ',
    'chunked\t',
    'gzip, chunked',
    'identity',
    'upgrade',
    '',
    '  a  ',
    'a\u0000',
    '5\t',
    '+5',
    '5,5',
    '99999999999999999999',
    '0005',
    'x\u0080y',
  ],
);
const folded = usually([''], [' x\r\n', '\tb\r\n', '  \r\n', ' 5\r\n', ' chunked\r\n']);
const header = fc.tuple(name, usually([': '], [':', ' : ', '']), value, lineEnd, folded).map((parts) => parts.join(''));
const body = fc.constantFrom(
  '',
  'hello',
  'hello world',
  '5\r\nhello\r\n0\r\n\r\n',
  '3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: x\r\n\r\n',
  '0\r\n\r\n',
  '5\nhello\n0\n\n',
  '5 \r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff1\r\n',
  '0\r\nContent-Length: x\r\n\r\n',
  '1;\n\r\nA\r\n0\r\n\r\n',
  '1\r\nAB\r\n',
);

/** The text of a request. */
export const requestText: fc.Arbitrary<string> = fc
  .tuple(
    method,
    usually([' '], ['  ', '\t', '']),
    target,
    usually([' '], ['  ', '']),
    version,
    lineEnd,
    fc.array(header, { maxLength: 4 }),
    lineEnd,
    body,
  )
  .map(
    ([verb, blank, where, gap, protocol, end, headers, last, rest]) =>
      verb + blank + where + gap + protocol + end + headers.join('') + last + rest,
  );

const statusLine = usually(
  ['HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.0 200 OK', 'HTTP/1.1 204', 'HTTP/1.1 304 x', 'HTTP/1.1 100 Continue'],
  [
    'HTTP/1.1 2000',
    'HTTP/1.1  200',
    'HTTP/1.1 20x',
    'HTTP/1.1\t200',
    'ICE/1.0 200',
    'HTTP/9.9 500 x',
    'http/1.1 200',
    'HTTP/1.1 99 x',
    'HTTP/1.1 101 S',
  ],
);

/** The text of a response. */
export const responseText: fc.Arbitrary<string> = fc
  .tuple(statusLine, lineEnd, fc.array(header, { maxLength: 4 }), lineEnd, body)
  .map(([status, end, headers, last, rest]) => status + end + headers.join('') + last + rest);

const mutation = fc.record({
  at: fc.nat(),
  byte: fc.oneof(fc.constantFrom(0, 9, 10, 13, 32, 58, 48), fc.integer({ min: 0, max: 255 })),
  kind: fc.constantFrom('set', 'insert', 'delete', 'repeat'),
});

/** Bytes with a few of them changed, put in, left out or repeated. */
export function mutated(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes, fc.array(mutation, { maxLength: 5 })).map(([original, mutations]) => {
    let list = [...original];
    for (const { at, byte, kind } of mutations) {
      const place = at % (list.length + 1);
      if (kind === 'repeat') {
        list = [...list.slice(0, place), ...list.slice(place, place + 8), ...list.slice(place)];
      } else {
        list.splice(place, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [byte]));
      }
    }
    return Uint8Array.from(list);
  });
}

/** Texts as bytes, one a character. */
export function bytesOf(text: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  return text.map((one) => latin1(one));
}

/** Bytes cut at random places, in order. */
export function cut(bytes: Uint8Array, points: readonly number[]): Uint8Array[] {
  const sorted = [...new Set(points.map((point) => point % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const point of [...sorted, bytes.length]) {
    if (point > from) {
      pieces.push(bytes.subarray(from, point));
      from = point;
    }
  }
  return pieces;
}
