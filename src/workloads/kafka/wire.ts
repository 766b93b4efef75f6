/**
 * Kafka's protocol as bytes: the types its messages are made of, and the frames of a connection.
 * @see https://kafka.apache.org/protocol#protocol_types
 */
import { concatBytes, fromUtf8, NO_BYTES, utf8 } from '../../net/bytes.ts';

/** Kinds of requests. @see https://kafka.apache.org/protocol#protocol_api_keys */
export const API = {
  PRODUCE: 0,
  FETCH: 1,
  LIST_OFFSETS: 2,
  METADATA: 3,
  OFFSET_COMMIT: 8,
  OFFSET_FETCH: 9,
  FIND_COORDINATOR: 10,
  JOIN_GROUP: 11,
  HEARTBEAT: 12,
  LEAVE_GROUP: 13,
  SYNC_GROUP: 14,
  API_VERSIONS: 18,
} as const;

/** Error codes. @see https://kafka.apache.org/protocol#protocol_error_codes */
export const ERRORS: Readonly<Record<number, string>> = {
  0: 'NONE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  25: 'UNKNOWN_MEMBER_ID',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  30: 'GROUP_AUTHORIZATION_FAILED',
  35: 'UNSUPPORTED_VERSION',
};

/** Puts a message together. */
export class Writer {
  readonly #out: number[] = [];

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#out);
  }

  int8(value: number): this {
    this.#out.push(value & 0xff);
    return this;
  }

  int16(value: number): this {
    return this.int8(value >> 8).int8(value);
  }

  int32(value: number): this {
    return this.int16(value >> 16).int16(value);
  }

  /** A safe integer. */
  int64(value: number): this {
    return this.int32(Math.floor(value / 0x1_0000_0000)).int32(value);
  }

  string(value: string | null): this {
    const bytes = value === null ? NO_BYTES : utf8(value);
    this.int16(value === null ? -1 : bytes.length);
    return this.raw(bytes);
  }

  /** Bytes with their length. */
  blob(value: Uint8Array | null): this {
    this.int32(value === null ? -1 : value.length);
    return this.raw(value ?? NO_BYTES);
  }

  raw(value: Uint8Array): this {
    for (const byte of value) {
      this.#out.push(byte);
    }
    return this;
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) {
      write(item);
    }
    return this;
  }
}

/** Takes a message apart; after its end everything is 0 and empty. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Whether more was asked for than there is. */
  short = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  int8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getInt8(at);
  }

  int16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getInt16(at);
  }

  int32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getInt32(at);
  }

  int64(): number {
    const high = this.int32();
    return high * 0x1_0000_0000 + (this.int32() >>> 0);
  }

  string(): string {
    return fromUtf8(this.#raw(this.int16()));
  }

  blob(): Uint8Array {
    return this.#raw(this.int32());
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.#raw(this.#bytes.length - this.#at);
  }

  array<T>(read: () => T): T[] {
    const length = this.int32();
    const items: T[] = [];
    for (let i = 0; i < length && !this.short; i++) {
      items.push(read());
    }
    return items;
  }

  #raw(length: number): Uint8Array {
    const at = this.#take(Math.max(0, length));
    return at < 0 ? NO_BYTES : this.#bytes.subarray(at, at + Math.max(0, length));
  }

  #take(length: number): number {
    const at = this.#at;
    if (this.short || at + length > this.#bytes.length) {
      this.short = true;
      return -1;
    }
    this.#at += length;
    return at;
  }
}

/** A message with its length before it. */
export function framed(message: Uint8Array): Uint8Array {
  return new Writer().blob(message).bytes;
}

/** Collects what arrives and gives back whole messages. */
export class Frames {
  #buffered: Uint8Array = NO_BYTES;

  push(bytes: Uint8Array): Uint8Array[] {
    this.#buffered = this.#buffered.length === 0 ? bytes : concatBytes([this.#buffered, bytes]);
    const messages: Uint8Array[] = [];
    while (this.#buffered.length >= 4) {
      const view = new DataView(this.#buffered.buffer, this.#buffered.byteOffset, this.#buffered.byteLength);
      const end = 4 + Math.max(0, view.getInt32(0));
      if (this.#buffered.length < end) {
        break;
      }
      messages.push(this.#buffered.subarray(4, end));
      this.#buffered = this.#buffered.subarray(end);
    }
    return messages;
  }
}
