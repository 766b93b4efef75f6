/**
 * Rules by what the path and the method must be, so that those which cannot match cost nothing. Only for verdicts without side effects: there the
 * order does not matter, and neither does who is asked in vain.
 */

import type { HeaderMap } from '../http/header_map.ts';
import type { HeaderData } from '../http/header_matcher.ts';
import type { LiteralHint } from '../literal_hint.ts';

/** Items under one kind of key. */
interface Keyed<T> {
  readonly exact: Map<string, T[]>;
  readonly prefixes: Map<string, T[]>;
  /** Lengths of the prefixes. */
  readonly lengths: Set<number>;
  readonly others: T[];
}

function keyed<T>(): Keyed<T> {
  return { exact: new Map(), prefixes: new Map(), lengths: new Set(), others: [] };
}

/** The index. */
export class RuleIndex<T> {
  readonly #byPath = keyed<T>();
  /** What has no hint for the path. */
  readonly #byMethod = keyed<T>();

  /** Adds an item with the matchers that must all hold for it. */
  add(item: T, matchers: readonly HeaderData[]): void {
    const path = hintFor(matchers, ':path');
    if (path !== null) {
      put(this.#byPath, path, item);
      return;
    }
    const method = hintFor(matchers, ':method');
    if (method !== null) {
      put(this.#byMethod, method, item);
    } else {
      this.#byMethod.others.push(item);
    }
  }

  /** Whether any item that may match passes the test. */
  some(headers: HeaderMap, test: (item: T) => boolean): boolean {
    return (
      find(this.#byPath, headers.getAll(':path'), test) ||
      find(this.#byMethod, headers.getAll(':method'), test) ||
      this.#byMethod.others.some(test)
    );
  }
}

function hintFor(matchers: readonly HeaderData[], name: string): LiteralHint | null {
  return matchers.find((matcher) => matcher.name === name && matcher.hint !== null)?.hint ?? null;
}

function put<T>(under: Keyed<T>, { kind, text }: LiteralHint, item: T): void {
  const map = kind === 'exact' ? under.exact : under.prefixes;
  const list = map.get(text);
  if (list === undefined) {
    map.set(text, [item]);
  } else {
    list.push(item);
  }
  if (kind === 'prefix') {
    under.lengths.add(text.length);
  }
}

function find<T>(under: Keyed<T>, value: string | null, test: (item: T) => boolean): boolean {
  if (value === null) {
    return false;
  }
  if (under.exact.get(value)?.some(test) === true) {
    return true;
  }
  for (const length of under.lengths) {
    if (length <= value.length && under.prefixes.get(value.slice(0, length))?.some(test) === true) {
      return true;
    }
  }
  return false;
}
