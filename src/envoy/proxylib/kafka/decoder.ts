/**
 * Reading what Kafka's protocol is made of, big endian; the first failure makes all that follows read as nothing.
 * @see https://github.com/optiopay/kafka (proto/serialization.go#decoder)
 */
import { fromLatin1 } from '../../../net/bytes.ts';

/** The largest buffer the library allocates. @see https://github.com/optiopay/kafka (proto/utils.go#maxParseBufSize) */
export const MAX_PARSE_BUFFER = 100 * 65535;

/** The decoder. */
export class Decoder {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at: number;
  #failed = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  /** Whether something could not be read. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Place of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Makes the reading fail. */
  fail(): void {
    this.#failed = true;
  }

  /** Goes on at a place. */
  moveTo(at: number): void {
    this.#at = at;
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

  /** Eight bytes nobody looks at. */
  skip64(): void {
    this.#take(8);
  }

  /** A string; none and empty are one. */
  string(): string {
    const length = this.int16();
    if (length < 1) {
      return '';
    }
    const at = this.#take(length);
    return at < 0 ? '' : fromLatin1(this.#bytes, at, at + length);
  }

  /** Bytes nobody looks at. */
  skipBytes(): void {
    const length = this.int32();
    if (length > MAX_PARSE_BUFFER) {
      this.fail();
    } else if (length > 0) {
      this.#take(length);
    }
  }

  /** The items of an array; `null` for the null array, which fails where it may not be. @see https://github.com/optiopay/kafka (proto/serialization.go#decoder.DecodeArrayLen) */
  array<T>(nullable: boolean, item: () => T): T[] | null {
    const length = this.int32();
    if (length > MAX_PARSE_BUFFER || (length < 0 && !nullable)) {
      this.fail();
      return [];
    }
    if (length < 0) {
      return null;
    }
    const items: T[] = [];
    // After a failure nothing more is read, and the request is refused as a whole.
    for (let i = 0; i < length && !this.#failed; i++) {
      items.push(item());
    }
    return items;
  }

  /** Place of so many bytes, or -1 if they are not there. */
  #take(length: number): number {
    if (this.#failed || this.#at + length > this.#bytes.length) {
      this.#failed = true;
      return -1;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
