/** HTTP/2 under fire: streams of frames, nearly right; however they are cut, the codecs report the same, and never throw. */
import fc from 'fast-check';
import type { HeaderMap } from '../../src/envoy/http/header_map.ts';
import { HeaderMap as Headers } from '../../src/envoy/http/header_map.ts';
import { type CodecConnection, Http2Codec } from '../../src/envoy/http/http2/codec_impl.ts';
import type { CodecStream } from '../../src/envoy/http/http2/codec_stream.ts';
import { concatBytes, fromLatin1 } from '../../src/net/bytes.ts';
import { settingsFrame } from '../../src/net/http2/frame.ts';
import { cut, mutated } from '../support/http_messages.ts';
import { FLAG, FRAME, FrameWriter, frame, hello, numberFrame, request } from '../support/http2_frames.ts';

const LIMITS = { maxHeadersBytes: 60 * 1024, maxHeadersCount: 100 };

interface Events {
  readonly list: string[];
  readonly connection: CodecConnection;
}

function newEvents(): Events {
  const list: string[] = [];
  return { list, connection: { open: true, write: () => undefined, scheduleClose: () => void list.push('close') } };
}

function listen(list: string[], name: string, stream: CodecStream): void {
  stream.setDecoder({
    decodeHeaders: (headers: HeaderMap, end) => void list.push(`${name} head ${JSON.stringify(headers.pairs())} ${end}`),
    decodeData: (bytes, end) => void list.push(`${name} data ${fromLatin1(bytes)} ${end}`),
    decodeTrailers: (headers) => void list.push(`${name} trailers ${JSON.stringify(headers.pairs())}`),
    onReset: (reason) => void list.push(`${name} reset ${reason}`),
  });
}

function feed(codec: Http2Codec, list: string[], pieces: readonly Uint8Array[]): string {
  for (const piece of pieces) {
    const error = codec.dispatch(piece);
    if (error !== null) {
      list.push(`error ${error.kind}`);
      break;
    }
  }
  // Resets are sent at the end of a piece, unless an error comes first; so only the order within a stream is the same for any cut.
  const failed = list.some((event) => event.startsWith('error'));
  const streams = new Map<string, string[]>();
  for (const event of list.filter((one) => !failed || !one.includes(' reset '))) {
    const name = /^(?:stream \d+|\w+)/.exec(event)?.[0] ?? '';
    streams.set(name, [...(streams.get(name) ?? []), event]);
  }
  return [...streams]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, events]) => events)
    .join('\n');
}

function serverEvents(pieces: readonly Uint8Array[]): string {
  const { list, connection } = newEvents();
  const codec = new Http2Codec({ server: true, ...LIMITS }, connection, {
    onNewStream: (stream) => listen(list, `stream ${stream.id}`, stream),
  });
  return feed(codec, list, pieces);
}

function clientEvents(pieces: readonly Uint8Array[]): string {
  const { list, connection } = newEvents();
  const codec = new Http2Codec({ server: false, ...LIMITS }, connection, { onGoaway: () => void list.push('goaway') });
  for (const method of ['GET', 'HEAD']) {
    const stream = codec.newStream();
    listen(list, method, stream);
    stream.encodeHeaders(Headers.of(request({ ':method': method })).pairs(), true);
  }
  return feed(codec, list, pieces);
}

/** Pieces of a connection of either end; the headers share one table. */
function frames(server: boolean): fc.Arbitrary<Uint8Array> {
  const headers = server
    ? [...request({ 'x-a': 'b', cookie: 'c' })]
    : ([
        [':status', '200'],
        ['x-a', 'b'],
      ] as const);
  const piece = fc.tuple(
    fc.constantFrom('headers', 'open', 'data', 'end', 'trailers', 'split', 'ping', 'settings', 'window', 'reset', 'priority', 'goaway'),
    fc.constantFrom(1, 3, 5, 0, 2),
  );
  return fc.array(piece, { maxLength: 12 }).map((list) => {
    const writer = new FrameWriter();
    const bytes = list.map(([kind, id]): Uint8Array => {
      switch (kind) {
        case 'headers':
          return writer.headers(id, headers);
        case 'open':
          return writer.headers(id, headers, FLAG.END_HEADERS);
        case 'data':
        case 'end':
          return writer.data(id, 'body', kind === 'end');
        case 'trailers':
          return writer.headers(id, [['x-end', '1']]);
        case 'split':
          return writer.split(id, headers);
        case 'ping':
          return frame(FRAME.PING, 0, 0, new Uint8Array(8));
        case 'settings':
          return settingsFrame([[4, 10]]);
        case 'window':
          return numberFrame(FRAME.WINDOW_UPDATE, id, 1);
        case 'reset':
          return numberFrame(FRAME.RST_STREAM, id, 8);
        case 'priority':
          return frame(FRAME.PRIORITY, 0, id, new Uint8Array([0, 0, 0, 7, 1]));
        case 'goaway':
          return frame(FRAME.GOAWAY, 0, 0, new Uint8Array(8));
      }
    });
    return concatBytes([server ? hello() : settingsFrame([]), ...bytes]);
  });
}

/** The property of one end. */
export function http2Property(server: boolean): fc.IProperty<unknown> {
  const events = server ? serverEvents : clientEvents;
  return fc.property(fc.oneof(frames(server), mutated(frames(server))), fc.array(fc.nat(400), { maxLength: 8 }), (bytes, points) => {
    const [pieces, whole] = [events(cut(bytes, points)), events([bytes])];
    if (pieces !== whole) {
      throw new Error(`cut differently:\n${pieces}\n-- whole:\n${whole}`);
    }
  });
}
