/**
 * Header blocks to headers.
 * @see https://www.rfc-editor.org/rfc/rfc7541#section-3
 * @see nghttp2:lib/nghttp2_hd.c#nghttp2_hd_inflate_hd_nv
 */
import { concatBytes, fromLatin1, NO_BYTES } from '../bytes.ts';
import { DEFAULT_TABLE_SIZE, DynamicTable } from './hpack_table.ts';
import { huffmanDecode } from './huffman.ts';

/** Longest name or value. @see nghttp2:lib/nghttp2_hd.h#NGHTTP2_HD_MAX_NV */
const MAX_TEXT = 65536;
/** An index or a length above this is not one. */
const MAX_INTEGER = 0xffff_ffff;

/** Hears of each header; `false` ends the block. */
export type HeaderSink = (name: string, value: string) => boolean;

/** What came of a piece of a block: all read, stopped by the sink, or not HPACK. */
export type BlockResult = 'done' | 'stopped' | 'invalid';

/** Raised by the readers when an instruction goes on in the next piece. */
const MORE = -1;
const INVALID = -2;

/** The decoder of one direction. */
export class HpackDecoder {
  readonly #table = new DynamicTable();
  #maximum = DEFAULT_TABLE_SIZE;
  /** The table shrank: the next block must say so first. */
  #expectSize = false;
  #atStart = true;
  /** Begin of an instruction whose end has not come. */
  #rest: Uint8Array = NO_BYTES;
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;

  /** The peer acknowledged a table size. @see nghttp2:lib/nghttp2_hd.c#nghttp2_hd_inflate_change_table_size */
  setMaximum(size: number): void {
    this.#maximum = size;
    if (this.#table.capacity > size) {
      this.#expectSize = true;
      this.#table.resize(size);
    }
  }

  /** Reads a piece of a block; `final`: its last. */
  decode(piece: Uint8Array, final: boolean, sink: HeaderSink): BlockResult {
    this.#bytes = this.#rest.length === 0 ? piece : concatBytes([this.#rest, piece]);
    this.#rest = NO_BYTES;
    this.#at = 0;
    let stopped = false;
    while (this.#at < this.#bytes.length) {
      const from = this.#at;
      const result = this.#instruction(stopped ? () => true : sink);
      if (result === 'more') {
        if (final) {
          return 'invalid';
        }
        this.#rest = this.#bytes.slice(from);
        return stopped ? 'stopped' : 'done';
      }
      if (result === 'invalid') {
        return 'invalid';
      }
      // The rest of the block is read for the table's sake.
      stopped ||= result === 'stopped';
    }
    if (final) {
      this.#atStart = true;
    }
    return stopped ? 'stopped' : 'done';
  }

  #instruction(sink: HeaderSink): 'ok' | 'more' | 'invalid' | 'stopped' {
    const first = this.#bytes[this.#at] as number;
    if ((first & 0xe0) === 0x20) {
      return this.#resize();
    }
    if (this.#expectSize) {
      return 'invalid';
    }
    this.#atStart = false;
    if ((first & 0x80) !== 0) {
      const index = this.#integer(7);
      const field = index < 0 ? null : this.#table.get(index);
      return field === null ? (index === MORE ? 'more' : 'invalid') : sink(field[0], field[1]) ? 'ok' : 'stopped';
    }
    const indexed = (first & 0x40) !== 0;
    const index = this.#integer(indexed ? 6 : 4);
    if (index < 0) {
      return index === MORE ? 'more' : 'invalid';
    }
    const name = index === 0 ? this.#text() : (this.#table.get(index)?.[0] ?? INVALID);
    if (typeof name === 'number') {
      return name === MORE ? 'more' : 'invalid';
    }
    const value = this.#text();
    if (typeof value === 'number') {
      return value === MORE ? 'more' : 'invalid';
    }
    if (indexed) {
      this.#table.add(name, value);
    }
    return sink(name, value) ? 'ok' : 'stopped';
  }

  /** A size stands before the headers, and not above what was allowed. */
  #resize(): 'ok' | 'more' | 'invalid' {
    const size = this.#integer(5);
    if (size === MORE) {
      return 'more';
    }
    if (size < 0 || size > this.#maximum || !this.#atStart) {
      return 'invalid';
    }
    this.#expectSize = false;
    this.#table.resize(size);
    return 'ok';
  }

  /** @see https://www.rfc-editor.org/rfc/rfc7541#section-5.1 */
  #integer(prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = (this.#bytes[this.#at++] as number) & mask;
    if (value < mask) {
      return value;
    }
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) {
        return MORE;
      }
      value += (byte & 0x7f) * factor;
      if (value > MAX_INTEGER || factor > 2 ** 28) {
        return INVALID;
      }
      if ((byte & 0x80) === 0) {
        return value;
      }
    }
  }

  /** @see https://www.rfc-editor.org/rfc/rfc7541#section-5.2 */
  #text(): string | number {
    const first = this.#bytes[this.#at];
    if (first === undefined) {
      return MORE;
    }
    const length = this.#integer(7);
    if (length < 0) {
      return length;
    }
    if (length > MAX_TEXT) {
      return INVALID;
    }
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      return MORE;
    }
    const text = (first & 0x80) === 0 ? fromLatin1(this.#bytes, this.#at, end) : huffmanDecode(this.#bytes, this.#at, end);
    this.#at = end;
    return text === null || text.length > MAX_TEXT ? INVALID : text;
  }
}
