/**
 * HTTP/2 frames: the nine bytes before each, and the payloads of those that are not header blocks.
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-6
 */
import { latin1 } from '../bytes.ts';

/** What a client says first. @see https://www.rfc-editor.org/rfc/rfc9113#section-3.4 */
export const CLIENT_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Bytes before a payload. */
export const FRAME_HEADER_BYTES = 9;

/** Types of frames. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Names of the types. */
export const FRAME_NAMES: readonly string[] = Object.keys(FRAME);

/** Flags; their meaning depends on the type. */
export const FLAG = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** @see https://www.rfc-editor.org/rfc/rfc9113#section-7 */
export const ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

const ERROR_NAMES: readonly string[] = Object.keys(ERROR);

/** `PROTOCOL_ERROR` for 1. */
export function errorName(code: number): string {
  return ERROR_NAMES[code] ?? `0x${code.toString(16)}`;
}

/** @see https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const;

/** One setting. */
export type Setting = readonly [id: number, value: number];

/** Frame and window sizes of the protocol. */
export const DEFAULT_WINDOW = 65535;
export const MAX_WINDOW = 0x7fff_ffff;
export const DEFAULT_MAX_FRAME_SIZE = 16384;
export const LARGEST_MAX_FRAME_SIZE = 0xff_ffff;

/** A frame without its payload. */
export interface FrameHeader {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** Reads a frame header. */
export function readFrameHeader(bytes: Uint8Array, at = 0): FrameHeader {
  return {
    length: ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number),
    type: bytes[at + 3] as number,
    flags: bytes[at + 4] as number,
    streamId: readU32(bytes, at + 5) & MAX_WINDOW,
  };
}

/** A whole frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  bytes[0] = payload.length >> 16;
  bytes[1] = payload.length >> 8;
  bytes[2] = payload.length;
  bytes[3] = type;
  bytes[4] = flags;
  writeU32(bytes, 5, streamId);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** A SETTINGS frame. */
export function settingsFrame(settings: readonly Setting[]): Uint8Array {
  const payload = new Uint8Array(settings.length * 6);
  settings.forEach(([id, value], i) => {
    payload[i * 6] = id >> 8;
    payload[i * 6 + 1] = id;
    writeU32(payload, i * 6 + 2, value);
  });
  return frame(FRAME.SETTINGS, 0, 0, payload);
}

/** The settings of a payload. */
export function readSettings(payload: Uint8Array): Setting[] {
  const settings: Setting[] = [];
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    settings.push([((payload[at] as number) << 8) | (payload[at + 1] as number), readU32(payload, at + 2)]);
  }
  return settings;
}

/** A frame whose payload is one number: RST_STREAM and WINDOW_UPDATE. */
export function numberFrame(type: number, streamId: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeU32(payload, 0, value);
  return frame(type, 0, streamId, payload);
}

/** A GOAWAY frame; `reason` is its debug data. */
export function goawayFrame(lastStreamId: number, code: number, reason: string): Uint8Array {
  const payload = new Uint8Array(8 + reason.length);
  writeU32(payload, 0, lastStreamId);
  writeU32(payload, 4, code);
  payload.set(latin1(reason), 8);
  return frame(FRAME.GOAWAY, 0, 0, payload);
}

/** Header frames of a block: HEADERS and as many CONTINUATIONs as it takes. */
export function headerFrames(streamId: number, block: Uint8Array, endStream: boolean): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  do {
    const piece = block.subarray(at, at + DEFAULT_MAX_FRAME_SIZE);
    const last = at + piece.length >= block.length ? FLAG.END_HEADERS : 0;
    const flags = at === 0 ? last | (endStream ? FLAG.END_STREAM : 0) : last;
    frames.push(frame(at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, flags, streamId, piece));
    at += piece.length;
  } while (at < block.length);
  return frames;
}

/** Four bytes as a number. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  );
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
