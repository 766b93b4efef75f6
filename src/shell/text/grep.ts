/** grep. @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/grep.html */
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused, type Tool } from '../tool.ts';
import { filterTool, joinLines, linesOf, readSources } from './filter.ts';
import { compileTextRegex, type RegexSyntax, type TextRegex } from './regex.ts';

const FLAGS = [
  { name: 'extended-regexp', short: 'E' },
  { name: 'fixed-strings', short: 'F' },
  { name: 'basic-regexp', short: 'G' },
  { name: 'perl-regexp', short: 'P' },
  { name: 'ignore-case', short: 'i' },
  { name: 'invert-match', short: 'v' },
  { name: 'count', short: 'c' },
  { name: 'line-number', short: 'n' },
  { name: 'only-matching', short: 'o' },
  { name: 'quiet', short: 'q' },
  { name: 'silent' },
  { name: 'no-messages', short: 's' },
  { name: 'word-regexp', short: 'w' },
  { name: 'line-regexp', short: 'x' },
  { name: 'files-with-matches', short: 'l' },
  { name: 'no-filename', short: 'h' },
  { name: 'with-filename', short: 'H' },
  { name: 'regexp', short: 'e', value: true },
  { name: 'max-count', short: 'm', value: true },
  { name: 'after-context', short: 'A', value: true },
  { name: 'before-context', short: 'B', value: true },
  { name: 'context', short: 'C', value: true },
  { name: 'color', value: true, bare: 'auto' },
  { name: 'line-buffered' },
];

/** `grep`, and `egrep` and `fgrep` of old. */
export const grepTools: readonly Tool[] = [
  grepTool('grep', 'lines that match an expression', null),
  grepTool('egrep', 'grep -E', 'extended'),
  grepTool('fgrep', 'grep -F', 'fixed'),
];

function grepTool(name: string, summary: string, syntax: RegexSyntax | null): Tool {
  return filterTool({ name, summary, flags: FLAGS, parse: (flags) => parse(name, flags, syntax) });
}

function parse(name: string, flags: Flags, fixed: RegexSyntax | null): Parsed {
  const given = flags.values('regexp');
  const patterns = given.length > 0 ? given : flags.positional.slice(0, 1);
  if (patterns.length === 0) {
    return refused(`Usage: ${name} [OPTION]... PATTERNS [FILE]...`, 2);
  }
  const syntax =
    fixed ?? (flags.has('fixed-strings') ? 'fixed' : flags.has('extended-regexp') || flags.has('perl-regexp') ? 'extended' : 'basic');
  const around = flags.has('line-regexp') ? 'line' : flags.has('word-regexp') ? 'word' : null;
  const regexes: TextRegex[] = [];
  for (const pattern of patterns.flatMap((one) => one.split('\n'))) {
    const regex = compileTextRegex(pattern, syntax, { ignoreCase: flags.has('ignore-case'), ...(around === null ? {} : { around }) });
    if (typeof regex === 'string') {
      return refused(`${name}: ${regex}`, 2);
    }
    regexes.push(regex);
  }
  for (const flag of ['max-count', 'after-context', 'before-context', 'context']) {
    const value = flags.value(flag);
    if (value !== null && !/^[0-9]{1,9}$/.test(value)) {
      return refused(`${name}: ${value}: invalid ${flag === 'max-count' ? 'max count' : 'context length argument'}`, 2);
    }
  }
  const paths = given.length > 0 ? flags.positional : flags.positional.slice(1);
  return ready((context) => {
    const read = readSources(name, paths, context);
    const named = (paths.length > 1 || flags.has('with-filename')) && !flags.has('no-filename');
    let stdout = '';
    let found = 0;
    for (const source of read.sources) {
      const label = source.name === '-' ? '(standard input)' : source.name;
      const { lines, count } = select(linesOf(source.text), regexes, flags, named ? label : null);
      found += count;
      if (flags.has('count')) {
        stdout += `${named ? `${label}:` : ''}${count}\n`;
      } else if (flags.has('files-with-matches')) {
        stdout += count > 0 ? `${label}\n` : '';
      } else {
        stdout += joinLines(lines);
      }
    }
    const quiet = flags.has('quiet') || flags.has('silent');
    return {
      exitCode: found > 0 && (quiet || read.stderr === '') ? 0 : read.stderr !== '' ? 2 : 1,
      stdout: quiet ? '' : stdout,
      stderr: flags.has('no-messages') ? '' : read.stderr,
    };
  });
}

function select(
  lines: readonly string[],
  regexes: readonly TextRegex[],
  flags: Flags,
  label: string | null,
): { readonly lines: string[]; readonly count: number } {
  const numberOf = (name: string): number => Number(flags.value(name) ?? flags.value('context') ?? 0);
  const max = Number(flags.value('max-count') ?? Number.POSITIVE_INFINITY);
  const only = flags.has('only-matching');
  const [before, after] = only ? [0, 0] : [numberOf('before-context'), numberOf('after-context')];
  const out: string[] = [];
  const prefix = (i: number, mark: string): string =>
    (label === null ? '' : `${label}${mark}`) + (flags.has('line-number') ? `${i + 1}${mark}` : '');
  let shown = -1;
  let count = 0;
  for (const [i, line] of lines.entries()) {
    if (count >= max) {
      break;
    }
    if (regexes.some((regex) => regex.test(line)) === flags.has('invert-match')) {
      continue;
    }
    count++;
    if (only) {
      out.push(...matchesOf(line, regexes).map((match) => prefix(i, ':') + match));
      continue;
    }
    const from = Math.max(shown + 1, i - before);
    if (before + after > 0 && shown >= 0 && from > shown + 1) {
      out.push('--');
    }
    const to = Math.min(lines.length - 1, i + after);
    for (let at = from; at <= to; at++) {
      const hit = at === i || regexes.some((regex) => regex.test(lines[at] as string)) !== flags.has('invert-match');
      if (at > i && hit) {
        break;
      }
      out.push(prefix(at, hit ? ':' : '-') + (lines[at] as string));
      shown = at;
    }
  }
  return { lines: out, count };
}

function matchesOf(line: string, regexes: readonly TextRegex[]): string[] {
  const found: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const next = regexes
      .map((regex) => regex.find(line, at))
      .filter((match) => match !== null)
      .sort((a, b) => a.start - b.start || b.end - a.end)[0];
    if (next === undefined) {
      break;
    }
    if (next.end > next.start) {
      found.push(line.slice(next.start, next.end));
    }
    at = Math.max(next.end, next.start + 1);
  }
  return found;
}
