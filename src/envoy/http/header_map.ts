/**
 * Header maps: ordered pairs of lower-case name and value (one character per byte), pseudo headers first.
 * @see envoy:source/common/http/header_map_impl.cc#HeaderMapImpl
 */

/** One header. */
export type HeaderPair = readonly [name: string, value: string];

/**
 * Headers Envoy keeps in fixed slots: a second one is joined to the first with a comma instead of becoming another line.
 * @see envoy:envoy/http/header_map.h#INLINE_REQ_STRING_HEADERS
 * @remarks Simplified: headers that filters compiled into the real binary register as custom inline headers stay separate lines here.
 */
const INLINE: ReadonlySet<string> = new Set([
  ':authority',
  ':method',
  ':path',
  ':protocol',
  ':scheme',
  ':status',
  'connection',
  'content-length',
  'content-type',
  'date',
  'expect',
  'forwarded-for',
  'grpc-message',
  'grpc-status',
  'grpc-timeout',
  'keep-alive',
  'location',
  'proxy-connection',
  'proxy-status',
  'server',
  'te',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-client-trace-id',
  'x-envoy-attempt-count',
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-external-address',
  'x-envoy-force-trace',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-internal',
  'x-envoy-ip-tags',
  'x-envoy-max-retries',
  'x-envoy-original-path',
  'x-envoy-original-url',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-service-time',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
]);

/** A mutable header map. Names are given in lower case; `host` is `:authority`. */
export class HeaderMap {
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #pseudo = 0;

  /** A map of the given pairs; names may have any case. */
  static of(pairs: readonly HeaderPair[]): HeaderMap {
    const map = new HeaderMap();
    for (const [name, value] of pairs) {
      map.add(name.toLowerCase(), value);
    }
    return map;
  }

  /** Number of headers. */
  get size(): number {
    return this.#names.length;
  }

  /** Name of the header at a position. */
  nameAt(index: number): string {
    return this.#names[index] as string;
  }

  /** Value of the header at a position. */
  valueAt(index: number): string {
    return this.#values[index] as string;
  }

  /** The first value of a header, or `null`. */
  get(name: string): string | null {
    const index = this.#names.indexOf(canonical(name));
    return index < 0 ? null : (this.#values[index] as string);
  }

  /** Whether the header is there. */
  has(name: string): boolean {
    return this.#names.includes(canonical(name));
  }

  /** All values of a header joined with commas, or `null`. @see envoy:source/common/http/header_utility.cc#HeaderUtility::getAllOfHeaderAsString */
  getAll(name: string): string | null {
    const key = canonical(name);
    const first = this.#names.indexOf(key);
    if (first < 0) {
      return null;
    }
    let text = this.#values[first] as string;
    for (let i = this.#names.indexOf(key, first + 1); i >= 0; i = this.#names.indexOf(key, i + 1)) {
      text += `,${this.#values[i] as string}`;
    }
    return text;
  }

  /** How many lines the header has. */
  count(name: string): number {
    const key = canonical(name);
    let count = 0;
    for (let i = this.#names.indexOf(key); i >= 0; i = this.#names.indexOf(key, i + 1)) {
      count += 1;
    }
    return count;
  }

  /** Adds a header; a header of a fixed slot is joined to the one already there. @see envoy:source/common/http/header_map_impl.cc#HeaderMapImpl::insertByKey */
  add(name: string, value: string): void {
    const key = canonical(name);
    if (INLINE.has(key)) {
      const index = this.#names.indexOf(key);
      if (index >= 0) {
        const old = this.#values[index] as string;
        this.#values[index] = old === '' ? value : value === '' ? old : `${old},${value}`;
        return;
      }
    }
    this.#insert(key, value);
  }

  /** Sets the header where it stands, or adds it. */
  set(name: string, value: string): void {
    const key = canonical(name);
    const index = this.#names.indexOf(key);
    if (index < 0) {
      this.#insert(key, value);
    } else {
      this.#values[index] = value;
    }
  }

  /** Removes the header and adds it anew at the end. @see envoy:source/common/http/header_map_impl.cc#HeaderMapImpl::setReferenceKey */
  replace(name: string, value: string): void {
    this.remove(name);
    this.#insert(canonical(name), value);
  }

  /** Removes all lines of a header; returns whether there were any. */
  remove(name: string): boolean {
    const key = canonical(name);
    let index = this.#names.indexOf(key);
    if (index < 0) {
      return false;
    }
    for (; index >= 0; index = this.#names.indexOf(key, index)) {
      this.#names.splice(index, 1);
      this.#values.splice(index, 1);
      if (index < this.#pseudo) {
        this.#pseudo -= 1;
      }
    }
    return true;
  }

  /** Removes every header whose name is in the set: one pass instead of one per name. */
  removeAll(names: ReadonlySet<string>): void {
    for (let i = this.#names.length - 1; i >= 0; i--) {
      if (names.has(this.#names[i] as string)) {
        this.#names.splice(i, 1);
        this.#values.splice(i, 1);
        if (i < this.#pseudo) {
          this.#pseudo -= 1;
        }
      }
    }
  }

  /** A copy of the names, in order. */
  names(): string[] {
    return this.#names.slice();
  }

  /** A copy of the values, in the order of the names. */
  values(): string[] {
    return this.#values.slice();
  }

  /** The headers as pairs, in order. */
  pairs(): HeaderPair[] {
    return this.#names.map((name, i) => [name, this.#values[i] as string]);
  }

  #insert(key: string, value: string): void {
    if (key.charCodeAt(0) === 0x3a) {
      this.#names.splice(this.#pseudo, 0, key);
      this.#values.splice(this.#pseudo, 0, value);
      this.#pseudo += 1;
    } else {
      this.#names.push(key);
      this.#values.push(value);
    }
  }
}

function canonical(name: string): string {
  return name === 'host' ? ':authority' : name;
}
