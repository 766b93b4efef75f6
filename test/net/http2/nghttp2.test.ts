/** The session against Node's, which is nghttp2 itself: the same bytes of a client, and what a server says to them. */

import type { ServerHttp2Stream } from 'node:http2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../src/net/bytes.ts';
import { readFrameHeader, SETTING } from '../../../src/net/http2/frame.ts';
import { Http2Peer } from '../../../src/workloads/http2_peer.ts';
import { FLAG, FRAME, FrameWriter, frame, hello, numberFrame, readFrames, request } from '../../support/http2_frames.ts';
import { nodeServer, turn } from '../../support/node_http2.ts';

const NONE = new Uint8Array(0);

/** What both say; window updates and the own settings are a matter of configuration. */
interface Reaction {
  readonly frames: readonly string[];
  readonly requests: readonly string[];
}

function kept(bytes: Uint8Array): string[] {
  return readFrames(bytes).filter((text) => !/^(WINDOW_UPDATE|SETTINGS$)/.test(text));
}

function ours(bytes: Uint8Array): Reaction {
  const out: Uint8Array[] = [];
  const requests: string[] = [];
  const peer: Http2Peer = new Http2Peer(true, { settings: [], connectionWindow: 65535 }, (sent) => void out.push(sent), {
    onHeaders: (streamId, headers) => {
      requests.push(`${streamId} ${JSON.stringify(headers.filter(([name]) => !name.startsWith(':')).sort())}`);
    },
    onMessage: (streamId) => peer.respond(streamId, [[':status', '200']], null),
  });
  peer.receive(bytes);
  return { frames: kept(concatBytes([NONE, ...out])), requests };
}

async function theirs(bytes: Uint8Array): Promise<Reaction> {
  const { server, accept } = nodeServer();
  const requests: string[] = [];
  server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, raw: string[]) => {
    stream.on('error', () => undefined);
    const pairs = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] as string]] : []));
    requests.push(`${stream.id} ${JSON.stringify(pairs.filter(([name]) => !(name as string).startsWith(':')).sort())}`);
    stream.on('data', () => undefined);
    stream.on('end', () => {
      if (!stream.destroyed) {
        stream.respond({ ':status': 200 }, { endStream: true, sendDate: false } as never);
      }
    });
  });
  const end = accept();
  const out: Uint8Array[] = [];
  end.give(bytes);
  for (let i = 0; i < 6; i++) {
    await turn();
    out.push(end.take());
  }
  end.duplex.destroy();
  await turn();
  return { frames: kept(concatBytes([NONE, ...out])), requests };
}

/** A frame that nghttp2 tells its user is invalid ends a connection of Node's with INTERNAL_ERROR, whatever nghttp2's own code. */
function comparable(reaction: Reaction): Reaction {
  return { ...reaction, frames: reaction.frames.map((text) => text.replace(/^(GOAWAY last \d+ code) [1-9]$/, '$1 of an error')) };
}

const w = (): FrameWriter => new FrameWriter();

const CASES: readonly (readonly [name: string, bytes: () => readonly Uint8Array[]])[] = [
  ['a request', () => [hello(), w().headers(1, request())]],
  ['a request with a body', () => [hello(), w().headers(1, request({ ':method': 'POST' }), FLAG.END_HEADERS), w().data(1, 'x')]],
  ['a PING', () => [hello(), frame(FRAME.PING, 0, 0, new Uint8Array(8))]],
  ['a PING that answers', () => [hello(), frame(FRAME.PING, FLAG.ACK, 0, new Uint8Array(8))]],
  ['a PING of seven bytes', () => [hello(), frame(FRAME.PING, 0, 0, new Uint8Array(7))]],
  ['a PING on a stream', () => [hello(), frame(FRAME.PING, 0, 1, new Uint8Array(8))]],
  ['a block in two frames', () => [hello(), w().split(1, request())]],
  ['a PING inside a block', () => [hello(), w().split(1, request(), frame(FRAME.PING, 0, 0, new Uint8Array(8)))]],
  ['a CONTINUATION alone', () => [hello(), frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, NONE)]],
  ['no method', () => [hello(), w().headers(1, request({ ':method': null }))]],
  ['no path', () => [hello(), w().headers(1, request({ ':path': null }))]],
  ['no scheme', () => [hello(), w().headers(1, request({ ':scheme': null }))]],
  ['no authority', () => [hello(), w().headers(1, request({ ':authority': null }))]],
  ['host in place of an authority', () => [hello(), w().headers(1, request({ ':authority': null, host: 'h' }))]],
  ['a path without a slash', () => [hello(), w().headers(1, request({ ':path': 'x' }))]],
  ['an asterisk', () => [hello(), w().headers(1, request({ ':path': '*' }))]],
  ['OPTIONS *', () => [hello(), w().headers(1, request({ ':path': '*', ':method': 'OPTIONS' }))]],
  ['CONNECT', () => [hello(), w().headers(1, request({ ':path': null, ':scheme': null, ':method': 'CONNECT' }))]],
  ['CONNECT with a path', () => [hello(), w().headers(1, request({ ':method': 'CONNECT' }))]],
  ['a name in upper case', () => [hello(), w().headers(1, request({ 'X-A': 'b' }))]],
  ['a name with a blank is passed over', () => [hello(), w().headers(1, request({ 'x a': 'b' }))]],
  ['a value with a NUL is passed over', () => [hello(), w().headers(1, request({ x: 'a\0b' }))]],
  ['a value with a line end is passed over', () => [hello(), w().headers(1, request({ x: 'a\r\nb: c' }))]],
  ['Connection', () => [hello(), w().headers(1, request({ connection: 'close' }))]],
  ['Transfer-Encoding', () => [hello(), w().headers(1, request({ 'transfer-encoding': 'chunked' }))]],
  ['te: trailers', () => [hello(), w().headers(1, request({ te: 'trailers' }))]],
  ['te: gzip', () => [hello(), w().headers(1, request({ te: 'gzip' }))]],
  ['a pseudo header of responses', () => [hello(), w().headers(1, request({ ':status': '200' }))]],
  ['an unknown pseudo header', () => [hello(), w().headers(1, request({ ':x': 'y' }))]],
  ['a pseudo header after others', () => [hello(), w().headers(1, [['x', 'y'], ...request()])]],
  ['a pseudo header twice', () => [hello(), w().headers(1, [...request(), [':path', '/x']])]],
  [
    'two lengths',
    () => [
      hello(),
      w().headers(1, [...request({ ':method': 'POST' }), ['content-length', '1'], ['content-length', '1']], FLAG.END_HEADERS),
    ],
  ],
  ['a length that is none', () => [hello(), w().headers(1, request({ 'content-length': 'x' }))]],
  ['less than announced', () => [hello(), w().headers(1, request({ 'content-length': '3' }), FLAG.END_HEADERS), w().data(1, 'x')]],
  ['more than announced', () => [hello(), w().headers(1, request({ 'content-length': '1' }), FLAG.END_HEADERS), w().data(1, 'xyz')]],
  ['an announced body that does not come', () => [hello(), w().headers(1, request({ 'content-length': '3' }))]],
  ['a stream of even number', () => [hello(), w().headers(2, request())]],
  ['stream 0', () => [hello(), w().headers(0, request())]],
  ['data on stream 0', () => [hello(), w().data(0, 'x')]],
  ['data on an idle stream', () => [hello(), w().data(1, 'x')]],
  ['RST_STREAM on an idle stream', () => [hello(), numberFrame(FRAME.RST_STREAM, 1, 8)]],
  ['RST_STREAM on stream 0', () => [hello(), numberFrame(FRAME.RST_STREAM, 0, 8)]],
  ['RST_STREAM of a live stream', () => [hello(), w().headers(1, request(), FLAG.END_HEADERS), numberFrame(FRAME.RST_STREAM, 1, 8)]],
  ['WINDOW_UPDATE of nothing', () => [hello(), numberFrame(FRAME.WINDOW_UPDATE, 0, 0)]],
  ['WINDOW_UPDATE beyond the limit', () => [hello(), numberFrame(FRAME.WINDOW_UPDATE, 0, 0x7fffffff)]],
  ['WINDOW_UPDATE of an idle stream', () => [hello(), numberFrame(FRAME.WINDOW_UPDATE, 1, 5)]],
  [
    'WINDOW_UPDATE beyond the limit of a stream',
    () => [hello(), w().headers(1, request(), FLAG.END_HEADERS), numberFrame(FRAME.WINDOW_UPDATE, 1, 0x7fffffff)],
  ],
  ['ENABLE_PUSH 2', () => [hello([[SETTING.ENABLE_PUSH, 2]])]],
  ['a window of 2^31', () => [hello([[SETTING.INITIAL_WINDOW_SIZE, 0x80000000]])]],
  ['a frame size of 1', () => [hello([[SETTING.MAX_FRAME_SIZE, 1]])]],
  ['an unknown setting', () => [hello([[0x99, 1]])]],
  ['SETTINGS on a stream', () => [hello(), frame(FRAME.SETTINGS, 0, 1, NONE)]],
  ['SETTINGS of seven bytes', () => [hello(), frame(FRAME.SETTINGS, 0, 0, new Uint8Array(7))]],
  ['an acknowledgement with settings', () => [hello(), frame(FRAME.SETTINGS, FLAG.ACK, 0, new Uint8Array(6))]],
  ['PUSH_PROMISE of a client', () => [hello(), frame(FRAME.PUSH_PROMISE, FLAG.END_HEADERS, 1, new Uint8Array(5))]],
  ['GOAWAY', () => [hello(), frame(FRAME.GOAWAY, 0, 0, new Uint8Array(8)), w().headers(1, request())]],
  ['GOAWAY of three bytes', () => [hello(), frame(FRAME.GOAWAY, 0, 0, new Uint8Array(3))]],
  ['an unknown frame', () => [hello(), frame(0x42, 0, 0, new Uint8Array(3)), w().headers(1, request())]],
  ['PRIORITY', () => [hello(), frame(FRAME.PRIORITY, 0, 1, new Uint8Array([0, 0, 0, 0, 9]))]],
  ['PRIORITY on itself', () => [hello(), frame(FRAME.PRIORITY, 0, 1, new Uint8Array([0, 0, 0, 1, 9]))]],
  ['PRIORITY of four bytes', () => [hello(), frame(FRAME.PRIORITY, 0, 1, new Uint8Array(4))]],
  [
    'headers after the end',
    () => {
      const one = w();
      return [hello(), one.headers(1, request(), FLAG.END_HEADERS), one.data(1, 'x'), one.headers(3, request())];
    },
  ],
  [
    'trailers',
    () => {
      const one = w();
      return [hello(), one.headers(1, request(), FLAG.END_HEADERS), one.data(1, 'x', false), one.headers(1, [['x-end', 'y']])];
    },
  ],
  [
    'trailers that end nothing',
    () => {
      const one = w();
      return [hello(), one.headers(1, request(), FLAG.END_HEADERS), one.headers(1, [['x-end', 'y']], FLAG.END_HEADERS)];
    },
  ],
  [
    'trailers with a pseudo header',
    () => {
      const one = w();
      return [hello(), one.headers(1, request(), FLAG.END_HEADERS), one.headers(1, [[':path', '/y']])];
    },
  ],
  [
    'a smaller stream number',
    () => {
      const one = w();
      return [hello(), one.headers(5, request()), one.headers(3, request())];
    },
  ],
  ['a block that is not HPACK', () => [hello(), frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 1, new Uint8Array([0x80]))]],
  [
    'padding',
    () => [
      hello(),
      w().headers(1, request(), FLAG.END_HEADERS),
      frame(FRAME.DATA, FLAG.END_STREAM | FLAG.PADDED, 1, new Uint8Array([2, 65, 0, 0])),
    ],
  ],
  [
    'too much padding',
    () => [
      hello(),
      w().headers(1, request(), FLAG.END_HEADERS),
      frame(FRAME.DATA, FLAG.END_STREAM | FLAG.PADDED, 1, new Uint8Array([9, 65, 0, 0])),
    ],
  ],
  [
    'padding without its length',
    () => [hello(), w().headers(1, request(), FLAG.END_HEADERS), frame(FRAME.DATA, FLAG.END_STREAM | FLAG.PADDED, 1, NONE)],
  ],
  ['a frame above the limit', () => [hello(), w().headers(1, request(), FLAG.END_HEADERS), frame(FRAME.DATA, 0, 1, new Uint8Array(16385))]],
  ['no SETTINGS first', () => [hello().subarray(0, 24), frame(FRAME.PING, 0, 0, new Uint8Array(8))]],
];

/** Where Node puts itself between nghttp2 and the wire. */
const NODE_ONLY: Readonly<Record<string, string>> = {
  'a PING that answers': 'Node takes an answer to no PING of its own for an error',
  GOAWAY: 'Node closes when the peer says goodbye; nghttp2 goes on',
};

describe('nghttp2 in Node says the same', () => {
  it.each(CASES)('%s', async (name, bytes) => {
    const all = concatBytes(bytes());
    const [mine, node] = [ours(all), await theirs(all)];
    if (NODE_ONLY[name] === undefined) {
      expect(comparable(mine)).toEqual(comparable(node));
    } else {
      expect(mine).not.toEqual(node);
    }
  });

  it('to damaged bytes too', async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...CASES), damage, async ([name, make], flips) => {
        // Node ends the connection for a stream's window too.
        fc.pre(NODE_ONLY[name] === undefined && name !== 'WINDOW_UPDATE beyond the limit of a stream');
        const bytes = concatBytes(make()).slice();
        for (const [at, value] of flips) {
          // After the preface: what it must be is not in question.
          bytes[24 + (at % (bytes.length - 24))] = value;
        }
        fc.pre(!isNodesOwn(bytes));
        const [mine, node] = [ours(bytes), await theirs(bytes)];
        expect(mine.requests).toEqual(node.requests);
        // With requests in work Node ends a connection without a word.
        if (mine.requests.length === 0) {
          expect(comparable(mine)).toEqual(comparable(node));
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** Whether Node does here what nghttp2 does not, or a frame is cut short: headers in it may be judged earlier than by us. */
function isNodesOwn(bytes: Uint8Array): boolean {
  let at = 24;
  while (at + 9 <= bytes.length) {
    at += 9 + readFrameHeader(bytes, at).length;
  }
  return at !== bytes.length || readFrames(bytes.subarray(24)).some((text) => text === 'PING ack' || text.startsWith('GOAWAY'));
}
