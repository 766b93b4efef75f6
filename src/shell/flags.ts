/**
 * Command line flags as pflag reads them: `--name`, `--name=value`, `--name value`, `-n`, `-nvalue`, grouped one-letter switches.
 * @see https://pkg.go.dev/github.com/spf13/pflag
 */

import { nearest } from '../net/nearest_word.ts';

/** A flag a command knows. */
export interface FlagSpec {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Whether it takes a value; otherwise it is a switch. */
  readonly value?: boolean;
  /** The value of a flag that is given without one (pflag's NoOptDefVal), for instance `--follow`, `--follow=false`. Only for flags with a value. */
  readonly bare?: string;
  /** Values to offer when the flag is completed. */
  readonly choices?: readonly string[];
}

/** Parsed arguments. */
export interface Flags {
  /** What is not a flag, in order. */
  readonly positional: readonly string[];
  /** How many of them stand before `--`; `null` without a `--`. @see https://pkg.go.dev/github.com/spf13/pflag#FlagSet.ArgsLenAtDash */
  readonly dash: number | null;
  /** Whether a switch is on. */
  has(name: string): boolean;
  /** How often a flag was given. */
  count(name: string): number;
  /** The last value of a flag, or `null`. */
  value(name: string): string | null;
  /** All values of a flag as they were given. */
  values(name: string): readonly string[];
  /** All values of a flag. Commas separate, as in slices. */
  list(name: string): readonly string[];
  /** All flags with their values as given: for commands in which their order counts. */
  readonly given: readonly (readonly [string, string])[];
}

/** Parsed arguments or the error pflag prints. */
export type FlagsResult = { readonly ok: true; readonly flags: Flags } | { readonly ok: false; readonly error: string };

/** Parses arguments. */
export function parseFlags(args: readonly string[], specs: readonly FlagSpec[]): FlagsResult {
  const positional: string[] = [];
  const seen: (readonly [string, string])[] = [];
  let dash: number | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      dash = positional.length;
      positional.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      positional.push(arg);
      continue;
    }
    const taken = arg.startsWith('--') ? longFlag(arg, args[i + 1], specs, seen) : shortFlags(arg, args[i + 1], specs, seen);
    if (typeof taken === 'string') {
      return { ok: false, error: taken };
    }
    i += taken;
  }
  const values = (name: string): string[] => seen.filter(([flag]) => flag === name).map(([, value]) => value);
  return {
    ok: true,
    flags: {
      positional,
      dash,
      has: (name) => (values(name).at(-1) ?? 'false') !== 'false',
      count: (name) => values(name).length,
      value: (name) => values(name).at(-1) ?? null,
      values,
      list: (name) => values(name).flatMap((value) => value.split(',')),
      given: seen,
    },
  };
}

/** A line for a person who typed a flag nobody knows: the nearest, or all that are known; `null` for other errors. */
export function flagHint(error: string, specs: readonly FlagSpec[]): string | null {
  const name = /^unknown flag: --(\S+)/.exec(error)?.[1];
  if (name === undefined && !error.startsWith('unknown shorthand flag')) {
    return null;
  }
  const known = specs.map((spec) => spec.name);
  const meant = name === undefined ? null : nearest(name, known);
  return meant === null ? `Known flags: ${known.map((one) => `--${one}`).join(', ')}` : `Did you mean --${meant}?`;
}

/** Number of further arguments taken, or an error. */
function longFlag(arg: string, next: string | undefined, specs: readonly FlagSpec[], seen: (readonly [string, string])[]): number | string {
  const equals = arg.indexOf('=');
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const spec = specs.find((one) => one.name === name);
  if (spec === undefined) {
    return `unknown flag: --${name}`;
  }
  if (equals >= 0) {
    seen.push([name, arg.slice(equals + 1)]);
    return 0;
  }
  if (spec.value !== true || spec.bare !== undefined) {
    seen.push([name, spec.bare ?? 'true']);
    return 0;
  }
  if (next === undefined) {
    return `flag needs an argument: --${name}`;
  }
  seen.push([name, next]);
  return 1;
}

function shortFlags(
  arg: string,
  next: string | undefined,
  specs: readonly FlagSpec[],
  seen: (readonly [string, string])[],
): number | string {
  for (let i = 1; i < arg.length; i++) {
    const letter = arg.charAt(i);
    const spec = specs.find((one) => one.short === letter);
    if (spec === undefined) {
      return `unknown shorthand flag: '${letter}' in ${arg}`;
    }
    if (spec.value !== true || (spec.bare !== undefined && arg.charAt(i + 1) !== '=')) {
      seen.push([spec.name, spec.bare ?? 'true']);
      continue;
    }
    const rest = arg.slice(i + 1).replace(/^=/, '');
    if (rest !== '') {
      seen.push([spec.name, rest]);
      return 0;
    }
    if (next === undefined) {
      return `flag needs an argument: '${letter}' in ${arg}`;
    }
    seen.push([spec.name, next]);
    return 1;
  }
  return 0;
}

/**
 * What may stand for the last of some words as far as flags go: the values of the flag before it, or flags if it begins like one; `null` if an
 * argument stands there. A flag whose values are not known gives none.
 */
export function completeFlags(words: readonly string[], specs: readonly FlagSpec[]): readonly string[] | null {
  const [before, last] = [words.at(-2) ?? '', words.at(-1) ?? ''];
  const valued = specs.find(
    ({ name, short, value }) => value === true && (before === `--${name}` || (short !== undefined && before === `-${short}`)),
  );
  if (valued !== undefined && valued.bare === undefined) {
    return valued.choices ?? [];
  }
  return last.startsWith('-') ? specs.map(({ name }) => `--${name}`) : null;
}
