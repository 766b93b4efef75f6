/** Frames of HTTP/2 as tests write and read them. */
import { concatBytes, latin1 } from '../../src/net/bytes.ts';
import {
  CLIENT_PREFACE,
  FLAG,
  FRAME,
  FRAME_NAMES,
  frame,
  numberFrame,
  readFrameHeader,
  readU32,
  type Setting,
  settingsFrame,
} from '../../src/net/http2/frame.ts';
import { HpackEncoder } from '../../src/net/http2/hpack_encoder.ts';
import type { HeaderField } from '../../src/net/http2/hpack_table.ts';

/** The preface and settings of a client. */
export function hello(settings: readonly Setting[] = []): Uint8Array {
  return concatBytes([latin1(CLIENT_PREFACE), settingsFrame(settings)]);
}

/** A request's headers. */
export const GET: readonly HeaderField[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'h'],
];

/** Those of GET with some replaced, added, or (by `null`) left out. */
export function request(changes: Readonly<Record<string, string | null>> = {}): HeaderField[] {
  const kept = GET.flatMap(([name, value]): HeaderField[] => {
    const change = changes[name];
    return change === null ? [] : [[name, change ?? value]];
  });
  const added = Object.entries(changes).filter(
    (pair): pair is [string, string] => pair[1] !== null && !GET.some(([name]) => name === pair[0]),
  );
  return [...kept, ...added];
}

/** Writes frames of one connection, with one table of headers. */
export class FrameWriter {
  readonly #encoder = new HpackEncoder();

  headers(streamId: number, headers: readonly HeaderField[], flags: number = FLAG.END_STREAM | FLAG.END_HEADERS): Uint8Array {
    return frame(FRAME.HEADERS, flags, streamId, this.#encoder.encode(headers));
  }

  data(streamId: number, text: string, endStream = true): Uint8Array {
    return frame(FRAME.DATA, endStream ? FLAG.END_STREAM : 0, streamId, latin1(text));
  }

  /** A block cut in two. */
  split(streamId: number, headers: readonly HeaderField[], between: Uint8Array = new Uint8Array(0)): Uint8Array {
    const block = this.#encoder.encode(headers);
    return concatBytes([
      frame(FRAME.HEADERS, FLAG.END_STREAM, streamId, block.subarray(0, 3)),
      between,
      frame(FRAME.CONTINUATION, FLAG.END_HEADERS, streamId, block.subarray(3)),
    ]);
  }
}

export { FLAG, FRAME, frame, numberFrame };

/** A frame in words: `RST_STREAM 1 code 8`, `GOAWAY last 3 code 1`, `HEADERS 1 end`. */
export function readFrames(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const header = readFrameHeader(bytes, at);
    const payload = bytes.subarray(at + 9, at + 9 + header.length);
    at += 9 + header.length;
    const name = FRAME_NAMES[header.type] ?? `type ${header.type}`;
    const ack = (header.flags & FLAG.ACK) !== 0;
    switch (header.type) {
      case FRAME.SETTINGS:
      case FRAME.PING:
        texts.push(ack ? `${name} ack` : name);
        break;
      case FRAME.RST_STREAM:
        texts.push(`${name} ${header.streamId} code ${readU32(payload, 0)}`);
        break;
      case FRAME.GOAWAY:
        texts.push(`${name} last ${readU32(payload, 0)} code ${readU32(payload, 4)}`);
        break;
      case FRAME.WINDOW_UPDATE:
        texts.push(`${name} ${header.streamId} by ${readU32(payload, 0)}`);
        break;
      default:
        texts.push(`${name} ${header.streamId}${(header.flags & FLAG.END_STREAM) !== 0 ? ' end' : ''}`);
    }
  }
  return texts;
}
