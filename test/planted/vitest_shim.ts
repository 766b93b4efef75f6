/** Stands for vitest where property tests are run to find planted bugs: collects the tests; a few matchers are enough. */
import { isDeepStrictEqual } from 'node:util';

/** A collected test. */
export interface Collected {
  readonly name: string;
  readonly run: () => unknown;
}

/** All tests of the bundle, in order. */
export const collected: Collected[] = [];
const path: string[] = [];

/** @see https://vitest.dev/api/describe.html */
export function describe(name: string, body: () => void): void {
  path.push(name);
  body();
  path.pop();
}

function collect(name: string, run: () => unknown): void {
  collected.push({ name: [...path, name].join(' > '), run });
}

export const it = Object.assign(collect, {
  each:
    (rows: readonly unknown[]) =>
    (name: string, run: (...args: unknown[]) => unknown): void => {
      for (const row of rows) {
        collect(`${name} ${JSON.stringify(row)}`, () => run(...(Array.isArray(row) ? row : [row])));
      }
    },
});
export const test = it;

/** Nothing is prepared and cleaned up: tests that need it are not run here. */
export function beforeAll(): void {}
export function afterAll(): void {}

type Matcher = (got: unknown, ...wanted: unknown[]) => boolean;

const MATCHERS: Readonly<Record<string, Matcher>> = {
  toBe: (got, wanted) => Object.is(got, wanted),
  toEqual: (got, wanted) => isDeepStrictEqual(plain(got), plain(wanted)),
  toBeNull: (got) => got === null,
  toBeDefined: (got) => got !== undefined,
  toContain: (got, wanted) => (typeof got === 'string' ? got.includes(String(wanted)) : [...(got as Iterable<unknown>)].includes(wanted)),
  toHaveLength: (got, wanted) => (got as { readonly length: number }).length === wanted,
  toMatch: (got, wanted) => new RegExp(wanted as RegExp).test(String(got)),
  toMatchObject: (got, wanted) => matches(got, wanted),
  toBeLessThan: (got, wanted) => (got as number) < (wanted as number),
  toBeLessThanOrEqual: (got, wanted) => (got as number) <= (wanted as number),
  toBeGreaterThan: (got, wanted) => (got as number) > (wanted as number),
  toBeGreaterThanOrEqual: (got, wanted) => (got as number) >= (wanted as number),
};

/** @see https://vitest.dev/api/expect.html */
export function expect(got: unknown): Record<string, unknown> {
  const matchers = (negated: boolean): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(MATCHERS).map(([name, holds]) => [
        name,
        (...wanted: unknown[]): void => {
          if (holds(got, ...wanted) === negated) {
            throw new Error(`expected ${text(got)} ${negated ? 'not ' : ''}${name} ${wanted.map(text).join(', ')}`);
          }
        },
      ]),
    );
  return { ...matchers(false), not: matchers(true) };
}

/** Members that are `undefined` do not count. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value) || typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, plain(one)]),
  );
}

function matches(got: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) {
    return Object.is(got, wanted);
  }
  return (
    typeof got === 'object' &&
    got !== null &&
    Object.entries(wanted).every(([key, one]) => matches((got as Record<string, unknown>)[key], one))
  );
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
