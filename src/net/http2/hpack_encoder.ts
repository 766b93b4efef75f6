/**
 * Headers to header blocks, choosing as nghttp2 does: a header is indexed unless its name says that its values seldom come again.
 * @see nghttp2:lib/nghttp2_hd.c#nghttp2_hd_deflate_hd_bufs
 */
import { DEFAULT_TABLE_SIZE, DynamicTable, entrySize, type HeaderField, STATIC_TABLE } from './hpack_table.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';

/** Headers whose values are not kept. @see nghttp2:lib/nghttp2_hd.c#hd_deflate_decide_indexing */
const NOT_INDEXED: ReadonlySet<string> = new Set([
  ':path',
  'age',
  'content-length',
  'etag',
  'if-modified-since',
  'if-none-match',
  'location',
  'set-cookie',
]);

/** A cookie shorter than this is taken for a secret one could guess. */
const SHORT_COOKIE = 20;

type Indexing = 'with' | 'without' | 'never';

/** First byte and prefix bits of a literal. */
const LITERAL: Readonly<Record<Indexing, readonly [first: number, prefix: number]>> = {
  with: [0x40, 6],
  without: [0, 4],
  never: [0x10, 4],
};

let staticNames: Map<string, number> | null = null;

/** The encoder of one direction. */
export class HpackEncoder {
  readonly #table = new DynamicTable();
  /** Largest table this side wants to keep. */
  readonly #own = DEFAULT_TABLE_SIZE;
  /** Smallest and last size since the last block, or `null`: unchanged. */
  #changed: { least: number; last: number } | null = null;

  /** The peer says how large a table it keeps. @see nghttp2:lib/nghttp2_hd.c#nghttp2_hd_deflate_change_table_size */
  setPeerMaximum(size: number): void {
    const next = Math.min(size, this.#own);
    this.#table.resize(next);
    this.#changed = { least: Math.min(this.#changed?.least ?? next, next), last: next };
  }

  /** A block of the headers. */
  encode(headers: readonly HeaderField[]): Uint8Array {
    const out: number[] = [];
    if (this.#changed !== null) {
      if (this.#changed.least < this.#changed.last) {
        integer(out, 0x20, 5, this.#changed.least);
      }
      integer(out, 0x20, 5, this.#changed.last);
      this.#changed = null;
    }
    for (const [name, value] of headers) {
      this.#header(out, name, value);
    }
    return Uint8Array.from(out);
  }

  #header(out: number[], name: string, value: string): void {
    const indexing = this.#indexing(name, value);
    const found = this.#search(name, value, indexing === 'never');
    if (found.exact) {
      integer(out, 0x80, 7, found.index);
      return;
    }
    if (indexing === 'with') {
      this.#table.add(name, value);
    }
    const [first, prefix] = LITERAL[indexing];
    integer(out, first, prefix, found.index);
    if (found.index === 0) {
      text(out, name);
    }
    text(out, value);
  }

  #indexing(name: string, value: string): Indexing {
    if (name === 'authorization' || (name === 'cookie' && value.length < SHORT_COOKIE)) {
      return 'never';
    }
    return NOT_INDEXED.has(name) || entrySize(name, value) > (this.#table.capacity * 3) / 4 ? 'without' : 'with';
  }

  /** @see nghttp2:lib/nghttp2_hd.c#search_hd_table */
  #search(name: string, value: string, nameOnly: boolean): { readonly index: number; readonly exact: boolean } {
    const dynamic = this.#table.find(name, value);
    if (dynamic.exact && !nameOnly) {
      return dynamic;
    }
    const byName = staticIndex(name);
    if (byName > 0) {
      for (let i = byName; !nameOnly && STATIC_TABLE[i - 1]?.[0] === name; i++) {
        if (STATIC_TABLE[i - 1]?.[1] === value) {
          return { index: i, exact: true };
        }
      }
      return { index: byName, exact: false };
    }
    return { index: Math.max(0, dynamic.index), exact: false };
  }
}

/** The first static entry of a name, or 0. */
function staticIndex(name: string): number {
  if (staticNames === null) {
    staticNames = new Map();
    for (let i = STATIC_TABLE.length; i > 0; i--) {
      staticNames.set((STATIC_TABLE[i - 1] as HeaderField)[0], i);
    }
  }
  return staticNames.get(name) ?? 0;
}

/** @see https://www.rfc-editor.org/rfc/rfc7541#section-5.1 */
function integer(out: number[], first: number, prefix: number, value: number): void {
  const mask = (1 << prefix) - 1;
  if (value < mask) {
    out.push(first | value);
    return;
  }
  out.push(first | mask);
  let rest = value - mask;
  while (rest >= 128) {
    out.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}

/** Huffman code where it is shorter. */
function text(out: number[], value: string): void {
  const length = huffmanLength(value);
  if (length < value.length) {
    integer(out, 0x80, 7, length);
    huffmanEncode(value, out);
    return;
  }
  integer(out, 0, 7, value.length);
  for (let i = 0; i < value.length; i++) {
    out.push(value.charCodeAt(i));
  }
}
