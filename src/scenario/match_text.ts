/** Compares texts the way expectations ask for. */
import type { TextMatcher } from './schema/expect.ts';

/** Why a text does not match, or `null` if it does. The reason is one line, shown after "instead". */
export function mismatch(matcher: TextMatcher, text: string): string | null {
  const { equals, words, contains, excludes, matches, lines } = matcher;
  if (equals !== undefined && trimmedLines(equals) !== trimmedLines(text)) {
    return firstDifference(trimmedLines(equals), trimmedLines(text));
  }
  if (words !== undefined && collapsed(words) !== collapsed(text)) {
    return firstDifference(collapsed(words), collapsed(text));
  }
  const absent = (contains ?? []).find((part) => !text.includes(part));
  if (absent !== undefined) {
    return `${quoted(absent)} does not occur in ${shown(text)}`;
  }
  const present = (excludes ?? []).find((part) => text.includes(part));
  if (present !== undefined) {
    return `${quoted(present)} occurs`;
  }
  const unmatched = (matches ?? []).find((regex) => !new RegExp(regex, 'm').test(text));
  if (unmatched !== undefined) {
    return `/${unmatched}/ matches nowhere in ${shown(text)}`;
  }
  const found = new Set(collapsed(text).split('\n'));
  const missing = (lines ?? []).find((line) => !found.has(collapsed(line)));
  if (missing !== undefined) {
    const near = nearestLine(collapsed(missing), [...found]);
    return `no line ${quoted(collapsed(missing))}${near === null ? '' : `; the nearest is ${quoted(near)}`}`;
  }
  return matcher.json === undefined ? null : jsonMismatch(matcher.json, text);
}

/** The expectation in one line. */
export function matcherText(matcher: TextMatcher): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(matcher)) {
    const one =
      key === 'json'
        ? shown(JSON.stringify(value))
        : (Array.isArray(value) ? value : [value]).map((item) => shown(String(item))).join(', ');
    parts.push(key === 'equals' ? one : `${key} ${one}`);
  }
  return parts.join('; ');
}

/** A text in quotes, on one line, cut if long. */
export function shown(text: string, limit = 72): string {
  const flat = text.replace(/[\r\n]+$/, '');
  return quoted(flat.length > limit ? `${flat.slice(0, limit - 1)}…` : flat);
}

/** Whether `value` has at least what `wanted` has: members of objects, and lists item by item. */
export function includesJson(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(value) && value.length === wanted.length && wanted.every((one, i) => includesJson(value[i], one));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    return (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.entries(wanted).every(([key, one]) => Object.hasOwn(value, key) && includesJson((value as Record<string, unknown>)[key], one))
    );
  }
  return value === wanted;
}

function jsonMismatch(wanted: unknown, text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `the text is no JSON: ${shown(text)}`;
  }
  return holds(value, wanted) ? null : 'no such value in the JSON';
}

function holds(value: unknown, wanted: unknown): boolean {
  return (
    includesJson(value, wanted) || (typeof value === 'object' && value !== null && Object.values(value).some((one) => holds(one, wanted)))
  );
}

function trimmedLines(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n+$/, '');
}

function collapsed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
    .join('\n');
}

function firstDifference(wanted: string, text: string): string {
  const want = wanted.split('\n');
  const have = text.split('\n');
  if (want.length === 1 && have.length === 1) {
    return shown(text);
  }
  const i = want.findIndex((line, at) => line !== have[at]);
  const at = i < 0 ? want.length : i;
  const instead = have[at] === undefined ? 'the text ends' : shown(have[at]);
  return want[at] === undefined
    ? `line ${at + 1} is too many: ${instead}`
    : `line ${at + 1}: ${instead} where ${shown(want[at])} is expected`;
}

/** The line that shares most words with the wanted one, if any does. */
function nearestLine(wanted: string, lines: readonly string[]): string | null {
  const words = new Set(wanted.split(' '));
  let best: string | null = null;
  let score = 0;
  for (const line of lines) {
    const shared = line.split(' ').filter((word) => words.has(word)).length;
    if (shared > score) {
      best = line;
      score = shared;
    }
  }
  return best;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
