/**
 * The static and the dynamic table of HPACK.
 * @see https://www.rfc-editor.org/rfc/rfc7541#section-2.3
 */

/** One header: lower-case name and value, a character an octet. */
export type HeaderField = readonly [name: string, value: string];

/** @see https://www.rfc-editor.org/rfc/rfc7541#appendix-A */
export const STATIC_TABLE: readonly HeaderField[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Bytes an entry counts beside its text. */
const ENTRY_OVERHEAD = 32;

/** What a header takes of the table. */
export function entrySize(name: string, value: string): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** Size of the table before anybody says otherwise. @see https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
export const DEFAULT_TABLE_SIZE = 4096;

/** A dynamic table; the newest entry comes first. */
export class DynamicTable {
  readonly #entries: HeaderField[] = [];
  #size = 0;
  #capacity = DEFAULT_TABLE_SIZE;

  /** Bytes the table may hold. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Number of entries. */
  get length(): number {
    return this.#entries.length;
  }

  /** The header at an index of both tables, from 1; `null` if there is none. */
  get(index: number): HeaderField | null {
    if (index <= STATIC_TABLE.length) {
      return STATIC_TABLE[index - 1] ?? null;
    }
    return this.#entries[this.#entries.length - (index - STATIC_TABLE.length)] ?? null;
  }

  /** Adds a header; one that is larger than the table empties it. */
  add(name: string, value: string): void {
    const size = entrySize(name, value);
    this.#evict(this.#capacity - size);
    if (size <= this.#capacity) {
      this.#entries.push([name, value]);
      this.#size += size;
    }
  }

  /** Changes what the table may hold. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** Index of an entry from the newest, and whether its value fits too; an exact one is preferred. `-1`: no such name. */
  find(name: string, value: string): { readonly index: number; readonly exact: boolean } {
    let byName = -1;
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const [key, own] = this.#entries[i] as HeaderField;
      if (key === name) {
        const index = STATIC_TABLE.length + this.#entries.length - i;
        if (own === value) {
          return { index, exact: true };
        }
        byName = byName < 0 ? index : byName;
      }
    }
    return { index: byName, exact: false };
  }

  #evict(limit: number): void {
    let gone = 0;
    while (this.#size > Math.max(0, limit) && gone < this.#entries.length) {
      const [name, value] = this.#entries[gone] as HeaderField;
      this.#size -= entrySize(name, value);
      gone += 1;
    }
    this.#entries.splice(0, gone);
  }
}
