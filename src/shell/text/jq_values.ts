/** What jq does with JSON values. */

/** From a value to values. */
export type Filter = (input: unknown) => Iterable<unknown>;

/** An error while a filter is parsed or runs; caught where the filter is applied. */
export class JqError extends Error {}

/** A filter may make this many values. */
const MAX_VALUES = 200_000;
/** Values nest at most this deep. */
const MAX_DEPTH = 200;
/** Longest text a filter makes. */
const MAX_TEXT = 4 * 1024 * 1024;

/** Ends the filter with an error. */
export function fail(message: string): never {
  throw new JqError(message);
}

/** All values. */
export function collect(values: Iterable<unknown>): unknown[] {
  const all: unknown[] = [];
  for (const value of values) {
    all.push(value);
    if (all.length > MAX_VALUES) {
      fail('too many values');
    }
  }
  return all;
}

/** The first value, or `null`. */
export function first(values: Iterable<unknown>): unknown {
  for (const value of values) {
    return value;
  }
  return null;
}

/** Combines every value of one filter with every one of another. */
export function both(left: Filter, right: Filter, combine: (a: unknown, b: unknown) => unknown): Filter {
  return function* (input) {
    for (const a of left(input)) {
      for (const b of right(input)) {
        yield combine(a, b);
      }
    }
  };
}

/** `.name`, `[n]` */
export function index(filter: Filter, key: Filter): Filter {
  return function* (input) {
    for (const value of filter(input)) {
      for (const one of key(input)) {
        yield member(value, one);
      }
    }
  };
}

/** A filter whose errors are no values. */
export function quiet(filter: Filter): Filter {
  return function* (input) {
    try {
      yield* filter(input);
    } catch (error) {
      if (!(error instanceof JqError)) {
        throw error;
      }
    }
  };
}

function member(value: unknown, key: unknown): unknown {
  if (value === null) {
    return null;
  }
  if (typeof key === 'string' && typeof value === 'object' && !Array.isArray(value)) {
    return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : null;
  }
  if (typeof key === 'number' && Array.isArray(value)) {
    return (value as unknown[])[key < 0 ? value.length + Math.floor(key) : Math.floor(key)] ?? null;
  }
  const what = typeof key === 'string' ? `"${key}"` : typeName(key);
  return fail(`Cannot index ${typeName(value)} with ${what}`);
}

/** `[]` */
export function items(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    return value as unknown[];
  }
  return typeof value === 'object' && value !== null ? Object.values(value) : fail(`Cannot iterate over ${typeName(value)}`);
}

/** `[from:to]` */
export function slice(value: unknown, from: unknown, to: unknown): unknown {
  const bounds = [Number(from ?? 0), to === undefined || to === null ? undefined : Number(to)] as const;
  if (typeof value === 'string') {
    return [...value].slice(...bounds).join('');
  }
  return value === null ? null : Array.isArray(value) ? value.slice(...bounds) : fail(`Cannot index ${typeName(value)} with object`);
}

/** `..` */
export function* descend(value: unknown, depth: number): Generator<unknown> {
  yield value;
  if (typeof value === 'object' && value !== null && depth < MAX_DEPTH) {
    for (const one of items(value)) {
      yield* descend(one, depth + 1);
    }
  }
}

/** An object, or an error. */
export function objectOf(value: unknown, otherwise: string): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(`${typeName(value)} (${short(value)}) ${otherwise}`);
}

/** The name of a type. */
export function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

/** Everything but `null` and `false`. */
export function truthy(value: unknown): boolean {
  return value !== null && value !== false;
}

/** A text as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `+` */
export function add(a: unknown, b: unknown): unknown {
  if (a === null || b === null) {
    return a ?? b;
  }
  if (typeof a === 'number' && typeof b === 'number') {
    return a + b;
  }
  if (typeof a === 'string' && typeof b === 'string') {
    return a.length + b.length > MAX_TEXT ? fail('the text is too long') : a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length + b.length > MAX_VALUES ? fail('too many values') : [...(a as unknown[]), ...(b as unknown[])];
  }
  if (typeName(a) === 'object' && typeName(b) === 'object') {
    return { ...(a as object), ...(b as object) };
  }
  return fail(`${typeName(a)} (${short(a)}) and ${typeName(b)} (${short(b)}) cannot be added`);
}

/** `-` */
export function subtract(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') {
    return a - b;
  }
  return Array.isArray(a) && Array.isArray(b)
    ? a.filter((one) => !b.some((other) => order(one, other) === 0))
    : fail(`${typeName(a)} (${short(a)}) and ${typeName(b)} (${short(b)}) cannot be subtracted`);
}

/** `*`, `/`, `%` */
export function multiply(operator: string, a: unknown, b: unknown): unknown {
  if (operator === '/' && typeof a === 'string' && typeof b === 'string') {
    return a.split(b);
  }
  if (typeof a !== 'number' || typeof b !== 'number') {
    return fail(`${typeName(a)} (${short(a)}) and ${typeName(b)} (${short(b)}) cannot be ${operator === '*' ? 'multiplied' : 'divided'}`);
  }
  if (operator !== '*' && b === 0) {
    return fail(`${typeName(a)} (${short(a)}) and ${typeName(b)} (${short(b)}) cannot be divided because the divisor is zero`);
  }
  return operator === '*' ? a * b : operator === '/' ? a / b : Math.trunc(a) % Math.trunc(b);
}

/** A comparison. */
export function compareBy(operator: string, a: unknown, b: unknown): boolean {
  const sign = order(a, b);
  switch (operator) {
    case '==':
      return sign === 0;
    case '!=':
      return sign !== 0;
    case '<':
      return sign < 0;
    case '<=':
      return sign <= 0;
    case '>':
      return sign > 0;
    default:
      return sign >= 0;
  }
}

const RANKS = ['null', 'boolean', 'number', 'string', 'array', 'object'];

/** jq's order of all values. */
export function order(a: unknown, b: unknown): number {
  const [x, y] = [typeName(a), typeName(b)];
  if (x !== y) {
    return RANKS.indexOf(x) - RANKS.indexOf(y);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    const at = a.findIndex((one, i) => i >= b.length || order(one, b[i]) !== 0);
    return at < 0 ? a.length - b.length : at >= b.length ? 1 : order(a[at], b[at]);
  }
  if (x === 'object') {
    const [p, q] = [Object.entries(a as object).sort(byKey), Object.entries(b as object).sort(byKey)];
    return (
      order(
        p.map(([key]) => key),
        q.map(([key]) => key),
      ) ||
      order(
        p.map(([, value]) => value),
        q.map(([, value]) => value),
      )
    );
  }
  return (a as number) < (b as number) ? -1 : Number((a as number) > (b as number));
}

/** Whether a value holds another: texts by part, arrays and objects member by member. */
export function contains(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    return a.includes(b);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return b.every((one) => a.some((other) => contains(other, one)));
  }
  if (typeName(a) === 'object' && typeName(b) === 'object') {
    return Object.entries(b as object).every(
      ([key, one]) => Object.hasOwn(a as object, key) && contains((a as Record<string, unknown>)[key], one),
    );
  }
  return typeName(a) === typeName(b)
    ? order(a, b) === 0
    : fail(`${typeName(a)} (${short(a)}) and ${typeName(b)} (${short(b)}) cannot have their containment checked`);
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 11 ? `${text.slice(0, 10)}...` : text;
}
