/**
 * Header matchers: the leaves of HTTP rules.
 * @see envoy:source/common/http/header_utility.cc#HeaderUtility::matchHeaders
 */
import type { HeaderMatcher, StringMatcher } from '../../xds/npds.ts';
import { type LiteralHint, literalHint } from '../literal_hint.ts';
import { compileRegex } from '../regex.ts';
import { firstMismatch } from '../regex_failure.ts';
import type { HeaderMap } from './header_map.ts';

/** A compiled matcher. */
export interface HeaderData {
  /** Lower-case header name. */
  readonly name: string;
  /** What is expected, in words: `regex "POST"`. */
  readonly text: string;
  /** The expression the value must match as a whole, or `null` if the test is another one. */
  readonly regex: string | null;
  /** What the value must be or begin with, or `null` if that is not known. */
  readonly hint: LiteralHint | null;
  matches(headers: HeaderMap): boolean;
}

/** What a matcher said, as data. */
export interface MatcherTrace {
  readonly header: string;
  /** `null`: the request does not have it. */
  readonly value: string | null;
  readonly wanted: string;
  readonly matched: boolean;
  /** Index of the first character at which the value leaves the expression, its length if more is missing; `null` if that says nothing. */
  readonly failsAt: number | null;
}

/** Compiles a matcher, or returns the text of the exception Envoy throws. */
export function compileHeaderMatcher(config: HeaderMatcher, maxProgramSize: number): HeaderData | string {
  const name = config.name.toLowerCase();
  const invert = config.invert_match === true;
  const not = invert ? 'not ' : '';
  const test = valueTest(config, maxProgramSize);
  if (typeof test === 'string') {
    return test;
  }
  if (test.kind === 'present') {
    const wanted = test.present !== invert;
    return { name, text: wanted ? 'present' : 'absent', regex: null, hint: null, matches: (headers) => headers.has(name) === wanted };
  }
  const emptyIfMissing = config.treat_missing_header_as_empty === true;
  const accepts = test.accepts;
  return {
    name,
    text: not + test.text,
    regex: invert ? null : test.regex,
    hint: invert ? null : hintOf(config),
    matches: (headers) => {
      const value = headers.getAll(name) ?? (emptyIfMissing ? '' : null);
      return value !== null && accepts(value) !== invert;
    },
  };
}

/** The hint of a matcher that is not inverted. */
function hintOf(config: HeaderMatcher): LiteralHint | null {
  if (config.exact_match !== undefined) {
    return config.exact_match === '' ? null : { kind: 'exact', text: config.exact_match };
  }
  if (config.safe_regex_match !== undefined) {
    return literalHint(config.safe_regex_match.regex);
  }
  return (config.prefix_match ?? '') === '' ? null : { kind: 'prefix', text: config.prefix_match as string };
}

/** `"PUT" is not regex "POST"`: why a matcher refused the headers. */
export function describeMismatch(matcher: HeaderData, headers: HeaderMap): string {
  const value = headers.getAll(matcher.name);
  const found = value === null ? 'missing' : JSON.stringify(value);
  return `${matcher.name} ${found}, wanted ${matcher.text}`;
}

/** What a matcher says to the headers, and for an expression where the value leaves it. */
export function traceMatcher(matcher: HeaderData, headers: HeaderMap): MatcherTrace {
  const value = headers.getAll(matcher.name);
  const matched = matcher.matches(headers);
  const failsAt = matched || value === null || matcher.regex === null ? null : firstMismatch(matcher.regex, value);
  return { header: matcher.name, value, wanted: matcher.text, matched, failsAt };
}

type ValueTest =
  | { readonly kind: 'present'; readonly present: boolean }
  | { readonly kind: 'value'; readonly text: string; readonly regex: string | null; readonly accepts: (value: string) => boolean };

function valueTest(config: HeaderMatcher, maxProgramSize: number): ValueTest | string {
  if (config.exact_match !== undefined) {
    const wanted = config.exact_match;
    return { kind: 'value', text: `exact ${JSON.stringify(wanted)}`, regex: null, accepts: (value) => wanted === '' || value === wanted };
  }
  if (config.safe_regex_match !== undefined) {
    return regexTest(config.safe_regex_match.regex, maxProgramSize);
  }
  if (config.range_match !== undefined) {
    return rangeTest(config.range_match.start ?? '0', config.range_match.end ?? '0');
  }
  if (config.present_match !== undefined) {
    return { kind: 'present', present: config.present_match };
  }
  if (config.prefix_match !== undefined) {
    const wanted = config.prefix_match;
    return { kind: 'value', text: `prefix ${JSON.stringify(wanted)}`, regex: null, accepts: (value) => value.startsWith(wanted) };
  }
  if (config.suffix_match !== undefined) {
    const wanted = config.suffix_match;
    return { kind: 'value', text: `suffix ${JSON.stringify(wanted)}`, regex: null, accepts: (value) => value.endsWith(wanted) };
  }
  if (config.contains_match !== undefined) {
    const wanted = config.contains_match;
    return { kind: 'value', text: `containing ${JSON.stringify(wanted)}`, regex: null, accepts: (value) => value.includes(wanted) };
  }
  if (config.string_match !== undefined) {
    return stringTest(config.string_match, maxProgramSize);
  }
  return { kind: 'present', present: true };
}

function regexTest(pattern: string, maxProgramSize: number): ValueTest | string {
  const regex = compileRegex(pattern, maxProgramSize);
  if ('error' in regex) {
    return regex.error;
  }
  return { kind: 'value', text: `regex ${JSON.stringify(pattern)}`, regex: pattern, accepts: (value) => regex.matches(value) };
}

/** int64 in [start, end). */
function rangeTest(start: string, end: string): ValueTest {
  const low = BigInt(start);
  const high = BigInt(end);
  return {
    kind: 'value',
    text: `in [${start}, ${end})`,
    regex: null,
    accepts: (value) => {
      const digits = value.trim();
      if (!/^[+-]?[0-9]{1,19}$/.test(digits)) {
        return false;
      }
      const number = BigInt(digits.replace(/^\+/, ''));
      return number === BigInt.asIntN(64, number) && number >= low && number < high;
    },
  };
}

/** A test of texts with its words, or the text of the exception Envoy throws. */
export function compileStringMatcher(
  config: StringMatcher,
  maxProgramSize: number,
): { readonly text: string; readonly accepts: (value: string) => boolean } | string {
  const test = stringTest(config, maxProgramSize);
  return typeof test === 'string' || test.kind === 'value' ? test : 'StringMatcher has no match pattern';
}

/** @see envoy:source/common/common/matchers.cc#StringMatcherImpl::match */
function stringTest(config: StringMatcher, maxProgramSize: number): ValueTest | string {
  if (config.safe_regex !== undefined) {
    return config.ignore_case === true ? 'ignore_case has no effect for safe_regex.' : regexTest(config.safe_regex.regex, maxProgramSize);
  }
  const fold = config.ignore_case === true ? (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase()) : (text: string) => text;
  const entries: readonly (readonly [string, string | undefined, (value: string, wanted: string) => boolean])[] = [
    ['exact', config.exact, (value, wanted) => value === wanted],
    ['prefix', config.prefix, (value, wanted) => value.startsWith(wanted)],
    ['suffix', config.suffix, (value, wanted) => value.endsWith(wanted)],
    ['containing', config.contains, (value, wanted) => value.includes(wanted)],
  ];
  for (const [word, wanted, test] of entries) {
    if (wanted !== undefined) {
      const folded = fold(wanted);
      return { kind: 'value', text: `${word} ${JSON.stringify(wanted)}`, regex: null, accepts: (value) => test(fold(value), folded) };
    }
  }
  return 'StringMatcher has no match pattern';
}
