/** The functions of jq that are available. */
import { add, collect, contains, type Filter, fail, first, items, objectOf, order, textOf, truthy, typeName } from './jq_values.ts';

/** Functions without arguments. */
export const FUNCTIONS: Readonly<Record<string, (input: unknown) => unknown>> = {
  length: (input) =>
    input === null
      ? 0
      : typeof input === 'number'
        ? Math.abs(input)
        : typeof input === 'string'
          ? [...input].length
          : collect(items(input)).length,
  keys: (input) => (Array.isArray(input) ? input.map((_, i) => i) : Object.keys(objectOf(input, 'has no keys')).sort()),
  values: (input) => input,
  type: (input) => typeName(input),
  not: (input) => !truthy(input),
  add: (input) => collect(items(input)).reduce((sum, one) => add(sum, one), null),
  first: (input) => collect(items(input))[0] ?? null,
  last: (input) => collect(items(input)).at(-1) ?? null,
  reverse: (input) => collect(items(input)).reverse(),
  sort: (input) => collect(items(input)).sort(order),
  unique: (input) => {
    const sorted = collect(items(input)).sort(order);
    return sorted.filter((one, i) => i === 0 || order(one, sorted[i - 1]) !== 0);
  },
  min: (input) => collect(items(input)).sort(order)[0] ?? null,
  max: (input) => collect(items(input)).sort(order).at(-1) ?? null,
  tostring: (input) => textOf(input),
  tonumber: (input) => (Number.isNaN(Number(input)) ? fail(`Cannot parse ${JSON.stringify(input)} as a number`) : Number(input)),
  to_entries: (input) => Object.entries(objectOf(input, 'has no keys')).map(([key, value]) => ({ key, value })),
  ascii_downcase: (input) => textOf(input).toLowerCase(),
  ascii_upcase: (input) => textOf(input).toUpperCase(),
};

/** Functions with one argument. */
export const HIGHER: Readonly<Record<string, (filter: Filter) => Filter>> = {
  select: (filter) => (input) =>
    collect(filter(input))
      .filter(truthy)
      .map(() => input),
  map: (filter) => (input) => [collect(items(input)).flatMap((one) => collect(filter(one)))],
  has: (filter) => (input) => [
    Array.isArray(input)
      ? Number(first(filter(input))) < input.length
      : Object.hasOwn(objectOf(input, 'has no keys'), textOf(first(filter(input)))),
  ],
  contains: (filter) => (input) => [contains(input, first(filter(input)))],
  startswith: (filter) => (input) => [textOf(input).startsWith(textOf(first(filter(input))))],
  endswith: (filter) => (input) => [textOf(input).endsWith(textOf(first(filter(input))))],
  join: (filter) => (input) => [
    collect(items(input))
      .map((one) => (one === null ? '' : textOf(one)))
      .join(textOf(first(filter(input)))),
  ],
  split: (filter) => (input) => [textOf(input).split(textOf(first(filter(input))))],
  sort_by: (filter) => (input) => [collect(items(input)).sort((a, b) => order(first(filter(a)), first(filter(b))))],
  any: (filter) => (input) => [collect(items(input)).some((one) => truthy(first(filter(one))))],
  all: (filter) => (input) => [collect(items(input)).every((one) => truthy(first(filter(one))))],
};
