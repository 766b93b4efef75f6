/**
 * Cassandra's native protocol, version 4: frames, and what their bodies are made of.
 * @see https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec
 */
import { concatBytes, fromUtf8, NO_BYTES, utf8 } from '../../net/bytes.ts';

/** Kinds of frames. */
export const OPCODE = {
  ERROR: 0x00,
  STARTUP: 0x01,
  READY: 0x02,
  OPTIONS: 0x05,
  SUPPORTED: 0x06,
  QUERY: 0x07,
  RESULT: 0x08,
  REGISTER: 0x0b,
} as const;

/** Kinds of results. */
export const RESULT = { VOID: 1, ROWS: 2, SET_KEYSPACE: 3, SCHEMA_CHANGE: 5 } as const;

const HEADER_BYTES = 9;
const VERSION = 4;

/** A frame. */
export interface CqlFrame {
  readonly stream: number;
  readonly opcode: number;
  readonly body: Uint8Array;
}

/** The bytes of a frame. */
export function encodeFrame({ stream, opcode, body }: CqlFrame, response: boolean): Uint8Array {
  const version = response ? 0x80 | VERSION : VERSION;
  return concatBytes([Uint8Array.from([version, 0]), u16(stream), Uint8Array.of(opcode), u32(body.length), body]);
}

/** Collects what arrives and gives back whole frames. */
export class FrameStream {
  #buffered: Uint8Array = NO_BYTES;

  push(bytes: Uint8Array): CqlFrame[] {
    this.#buffered = this.#buffered.length === 0 ? bytes : concatBytes([this.#buffered, bytes]);
    const frames: CqlFrame[] = [];
    while (this.#buffered.length >= HEADER_BYTES) {
      const reader = new BodyReader(this.#buffered);
      reader.u16();
      const stream = reader.u16();
      const opcode = reader.u8();
      const end = HEADER_BYTES + reader.u32();
      if (this.#buffered.length < end) {
        break;
      }
      frames.push({ stream, opcode, body: this.#buffered.subarray(HEADER_BYTES, end) });
      this.#buffered = this.#buffered.subarray(end);
    }
    return frames;
  }
}

/** Takes a body apart; after its end everything is 0 and empty. */
export class BodyReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    this.#at += 1;
    return this.#bytes[this.#at - 1] ?? 0;
  }

  u16(): number {
    return this.u8() * 256 + this.u8();
  }

  u32(): number {
    return this.u16() * 65536 + this.u16();
  }

  string(): string {
    return fromUtf8(this.#take(this.u16()));
  }

  longString(): string {
    return fromUtf8(this.#take(this.u32()));
  }

  /** A value; `null` for null. */
  value(): Uint8Array | null {
    const length = this.u32() | 0;
    return length < 0 ? null : this.#take(length);
  }

  #take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** Two bytes, most significant first. */
export function u16(value: number): Uint8Array {
  return Uint8Array.from([value >>> 8, value]);
}

/** Four bytes. */
export function u32(value: number): Uint8Array {
  return Uint8Array.from([value >>> 24, value >>> 16, value >>> 8, value]);
}

/** A text with its length in two bytes. */
export function shortText(text: string): Uint8Array {
  const bytes = utf8(text);
  return concatBytes([u16(bytes.length), bytes]);
}

/** A text with its length in four bytes. */
export function longText(text: string): Uint8Array {
  const bytes = utf8(text);
  return concatBytes([u32(bytes.length), bytes]);
}

/** A value; `null` for null. */
export function valueBytes(value: Uint8Array | null): Uint8Array {
  return value === null ? u32(0xffffffff) : concatBytes([u32(value.length), value]);
}
