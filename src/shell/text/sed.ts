/**
 * sed: `s`, `p`, `d`, `q` with addresses.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/sed.html
 * @remarks Not modelled: the hold space, branches, `a`, `i`, `c`, `y`, files that are edited.
 */
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused, type Tool } from '../tool.ts';
import { filtered, filterTool, joinLines, linesOf, readSources } from './filter.ts';
import { compileTextRegex, type TextRegex } from './regex.ts';

/** Where a command applies: a line's number, the last line, lines that match. */
type Address = number | '$' | TextRegex;

interface SedCommand {
  readonly from: Address | null;
  readonly to: Address | null;
  readonly negated: boolean;
  readonly action: { readonly kind: 'p' | 'd' | 'q' | '=' } | Substitution;
  /** Whether a range has begun. */
  inside: boolean;
}

interface Substitution {
  readonly kind: 's';
  readonly regex: TextRegex;
  readonly replacement: string;
  readonly global: boolean;
  readonly print: boolean;
  /** Which match is replaced. */
  readonly occurrence: number;
}

/** Longest line sed makes. */
const MAX_LINE = 1024 * 1024;

/** The tool. */
export const sedTool: Tool = filterTool({
  name: 'sed',
  summary: 'edit lines: s/…/…/, p, d, q with addresses',
  flags: [
    { name: 'quiet', short: 'n' },
    { name: 'regexp-extended', short: 'E' },
    { name: 'regexp-extended-gnu', short: 'r' },
    { name: 'expression', short: 'e', value: true },
  ],
  parse,
});

function parse(flags: Flags): Parsed {
  const given = flags.values('expression');
  const scripts = given.length > 0 ? given : flags.positional.slice(0, 1);
  if (scripts.length === 0) {
    return refused('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...');
  }
  const extended = flags.has('regexp-extended') || flags.has('regexp-extended-gnu');
  const commands: SedCommand[] = [];
  for (const script of scripts) {
    const error = parseScript(script, extended, commands);
    if (error !== null) {
      return refused(`sed: -e expression #1: ${error}`);
    }
  }
  const paths = given.length > 0 ? flags.positional : flags.positional.slice(1);
  return ready((context) => {
    const read = readSources('sed', paths, context);
    return filtered(
      joinLines(
        edit(
          linesOf(read.sources.map(({ text }) => text).join('')),
          commands.map((one) => ({ ...one })),
          flags.has('quiet'),
        ),
      ),
      read,
    );
  });
}

/** Adds the commands of a script; says what is wrong with it. */
function parseScript(script: string, extended: boolean, commands: SedCommand[]): string | null {
  let at = 0;
  const address = (): Address | string | null => {
    const number = /^[0-9]{1,9}/.exec(script.slice(at, at + 9))?.[0];
    if (number !== undefined) {
      at += number.length;
      return Number(number);
    }
    if (script.charAt(at) === '$') {
      at++;
      return '$';
    }
    if (script.charAt(at) !== '/') {
      return null;
    }
    const text = delimited('/');
    const regex =
      text === null ? 'unterminated address regex' : compileTextRegex(text, extended ? 'extended' : 'basic', { ignoreCase: false });
    return typeof regex === 'string' ? `!${regex}` : regex;
  };
  /** A text up to a delimiter; `\` before the delimiter protects it. */
  const delimited = (delimiter: string): string | null => {
    let text = '';
    for (at++; at < script.length; at++) {
      const c = script.charAt(at);
      if (c === delimiter) {
        return text;
      }
      if (c === '\\' && at + 1 < script.length) {
        at++;
        text += script.charAt(at) === delimiter ? delimiter : `\\${script.charAt(at)}`;
      } else {
        text += c;
      }
    }
    return null;
  };
  const isError = (value: unknown): value is string => typeof value === 'string' && value.startsWith('!');
  for (;;) {
    at += /^[\s;]*/.exec(script.slice(at))?.[0].length ?? 0;
    if (at >= script.length) {
      return null;
    }
    const from = address();
    at += from instanceof Object ? 1 : 0;
    let to: Address | string | null = null;
    if (script.charAt(at) === ',') {
      at++;
      to = address();
      at += to instanceof Object ? 1 : 0;
    }
    if (isError(from) || isError(to)) {
      return (isError(from) ? from : (to as string)).slice(1);
    }
    const negated = script.charAt(at) === '!';
    at += negated ? 1 : 0;
    const kind = script.charAt(at);
    const place = { from: from as Address | null, to: to as Address | null, negated, inside: false };
    if (kind === 'p' || kind === 'd' || kind === 'q' || kind === '=') {
      at++;
      commands.push({ ...place, action: { kind } });
    } else if (kind === 's') {
      at++;
      const delimiter = script.charAt(at);
      const pattern = delimited(delimiter);
      const replacement = pattern === null ? null : delimited(delimiter);
      if (pattern === null || replacement === null || delimiter === '') {
        return "unterminated `s' command";
      }
      at++;
      const letters = /^[gpiI0-9]*/.exec(script.slice(at))?.[0] ?? '';
      at += letters.length;
      const regex = compileTextRegex(pattern, extended ? 'extended' : 'basic', { ignoreCase: /[iI]/.test(letters) });
      if (typeof regex === 'string') {
        return regex;
      }
      const occurrence = Math.max(1, Number(/[0-9]+/.exec(letters)?.[0] ?? 1));
      commands.push({
        ...place,
        action: { kind: 's', regex, replacement, global: letters.includes('g'), print: letters.includes('p'), occurrence },
      });
    } else {
      return kind === '' ? 'missing command' : `unknown command: \`${kind}'; there are s, p, d, q, =`;
    }
    if (!/^\s*(?:[;\n}]|$)/.test(script.slice(at))) {
      return 'extra characters after command';
    }
  }
}

function edit(lines: readonly string[], commands: readonly SedCommand[], quiet: boolean): string[] {
  const out: string[] = [];
  for (const [i, original] of lines.entries()) {
    let line = original;
    let deleted = false;
    let quit = false;
    for (const command of commands) {
      if (applies(command, line, i + 1, i === lines.length - 1) === command.negated) {
        continue;
      }
      const { action } = command;
      if (action.kind === 's') {
        const changed = substitute(line, action);
        if (changed !== null) {
          line = changed.slice(0, MAX_LINE);
          out.push(...(action.print ? [line] : []));
        }
      } else if (action.kind === 'p' || action.kind === '=') {
        out.push(action.kind === 'p' ? line : String(i + 1));
      } else {
        deleted = action.kind === 'd';
        quit = action.kind === 'q';
        break;
      }
    }
    if (!quiet && !deleted) {
      out.push(line);
    }
    if (quit) {
      break;
    }
  }
  return out;
}

function applies(command: SedCommand, line: string, number: number, last: boolean): boolean {
  const hits = (address: Address): boolean =>
    address === '$' ? last : typeof address === 'number' ? number === address : address.test(line);
  const { from, to } = command;
  if (from === null) {
    return true;
  }
  if (to === null) {
    return hits(from);
  }
  if (command.inside) {
    command.inside = !(typeof to === 'number' ? number >= to : hits(to));
    return typeof to !== 'number' || number <= to;
  }
  command.inside = hits(from) && !(typeof to === 'number' && to <= number);
  return hits(from);
}

/** `null` if nothing matched. */
function substitute(line: string, { regex, replacement, global, occurrence }: Substitution): string | null {
  let out = '';
  let at = 0;
  let count = 0;
  let changed = false;
  while (at <= line.length) {
    const match = regex.find(line, at);
    if (match === null || (changed && !global)) {
      break;
    }
    count++;
    out += line.slice(at, match.start);
    if (count >= occurrence) {
      out += fill(replacement, match.groups);
      changed = true;
    } else {
      out += line.slice(match.start, match.end);
    }
    if (match.end === match.start) {
      out += line.slice(match.end, match.end + 1);
      at = match.end + 1;
    } else {
      at = match.end;
    }
  }
  return changed ? out + line.slice(at) : null;
}

function fill(replacement: string, groups: readonly (string | null)[]): string {
  return replacement.replace(/\\([0-9n&\\/t])|\\(.)|&/g, (whole, escaped?: string, other?: string) => {
    if (whole === '&') {
      return groups[0] ?? '';
    }
    if (escaped === 'n' || escaped === 't') {
      return escaped === 'n' ? '\n' : '\t';
    }
    return escaped !== undefined && /[0-9]/.test(escaped) ? (groups[Number(escaped)] ?? '') : (escaped ?? other ?? '');
  });
}
