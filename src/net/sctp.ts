/**
 * SCTP chunks: what follows the common header.
 * @see https://www.rfc-editor.org/rfc/rfc9260#section-3
 */
import { concatBytes } from './bytes.ts';

/** Chunk types. @see linux:include/linux/sctp.h#enum sctp_cid */
export const SCTP_INIT = 1;
export const SCTP_INIT_ACK = 2;
export const SCTP_ABORT = 6;
export const SCTP_SHUTDOWN = 7;
export const SCTP_SHUTDOWN_ACK = 8;
export const SCTP_ERROR = 9;
export const SCTP_COOKIE_ECHO = 10;
export const SCTP_COOKIE_ACK = 11;
export const SCTP_SHUTDOWN_COMPLETE = 14;

/** ABORT and SHUTDOWN COMPLETE: the verification tag is the receiver's own, reflected. */
export const SCTP_FLAG_T = 1;

/** Parameter of INIT ACK that holds the state cookie. */
const PARAM_STATE_COOKIE = 7;
const CHUNK_HEADER = 4;
const INIT_FIXED = 16;

/** One chunk. */
export interface SctpChunk {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
}

/** What INIT and INIT ACK say of their sender. */
export interface SctpInit {
  /** Verification tag that packets to the sender must carry. */
  readonly tag: number;
  readonly window: number;
  readonly outStreams: number;
  readonly inStreams: number;
  readonly tsn: number;
  /** Only in INIT ACK. */
  readonly cookie: Uint8Array | null;
}

/** The bytes of chunks, each padded to a multiple of four. */
export function encodeChunks(chunks: readonly SctpChunk[]): Uint8Array {
  return concatBytes(chunks.map(({ type, flags, value }) => padded([type, flags], value)));
}

/** The chunks of a packet, or `null` when the bytes are none. */
export function decodeChunks(bytes: Uint8Array): SctpChunk[] | null {
  const chunks: SctpChunk[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = at + CHUNK_HEADER > bytes.length ? 0 : uint16(bytes, at + 2);
    if (length < CHUNK_HEADER || at + length > bytes.length) {
      return null;
    }
    chunks.push({ type: bytes[at] as number, flags: bytes[at + 1] as number, value: bytes.subarray(at + CHUNK_HEADER, at + length) });
    at += (length + 3) & ~3;
  }
  return chunks;
}

/** The value of an INIT or INIT ACK chunk. */
export function encodeInit(init: SctpInit): Uint8Array {
  const fixed = concatBytes([
    words([init.tag, init.window]),
    Uint8Array.from([init.outStreams >>> 8, init.outStreams & 255, init.inStreams >>> 8, init.inStreams & 255]),
    words([init.tsn]),
  ]);
  return init.cookie === null ? fixed : concatBytes([fixed, padded([0, PARAM_STATE_COOKIE], init.cookie)]);
}

/** Reads it back; `null` when it is too short or its parameters run over the end. */
export function decodeInit(value: Uint8Array): SctpInit | null {
  if (value.length < INIT_FIXED) {
    return null;
  }
  let cookie: Uint8Array | null = null;
  for (let at = INIT_FIXED; at < value.length; ) {
    const length = at + CHUNK_HEADER > value.length ? 0 : uint16(value, at + 2);
    if (length < CHUNK_HEADER || at + length > value.length) {
      return null;
    }
    if (uint16(value, at) === PARAM_STATE_COOKIE) {
      cookie = value.subarray(at + CHUNK_HEADER, at + length);
    }
    at += (length + 3) & ~3;
  }
  return {
    tag: uint32(value, 0),
    window: uint32(value, 4),
    outStreams: uint16(value, 8),
    inStreams: uint16(value, 10),
    tsn: uint32(value, 12),
    cookie,
  };
}

/** 32-bit words in network byte order. */
export function words(values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]));
}

/** A 32-bit word in network byte order. */
export function uint32(bytes: Uint8Array, at: number): number {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0;
}

/** Two bytes of kind, two of length, the value, padding that the length does not count. */
function padded(kind: readonly [number, number], value: Uint8Array): Uint8Array {
  const length = CHUNK_HEADER + value.length;
  const out = new Uint8Array((length + 3) & ~3);
  out.set([...kind, length >>> 8, length & 255]);
  out.set(value, CHUNK_HEADER);
  return out;
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
