/**
 * Regular expressions of grep and sed, in linear time: POSIX syntax is rewritten to RE2's.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/V1_chap09.html
 * @remarks Not modelled: back-references in expressions; the leftmost match is RE2's first, not POSIX's longest.
 */
import { RE2JS } from 're2js';

/** Kinds of syntax: basic (`grep`, `sed`), extended (`-E`), fixed text (`-F`). */
export type RegexSyntax = 'basic' | 'extended' | 'fixed';

/** A compiled expression. */
export interface TextRegex {
  test(text: string): boolean;
  /** The first match at or after an offset: where it begins and ends, and its groups. */
  find(text: string, from: number): { readonly start: number; readonly end: number; readonly groups: readonly (string | null)[] } | null;
}

/** Compiles an expression, or says what is wrong with it. */
export function compileTextRegex(
  pattern: string,
  syntax: RegexSyntax,
  options: { readonly ignoreCase: boolean; readonly around?: 'word' | 'line' },
): TextRegex | string {
  if (pattern.length > 10_000) {
    return 'Regular expression too big';
  }
  const body = syntax === 'fixed' ? RE2JS.quote(pattern) : syntax === 'basic' ? fromBasic(pattern) : fromExtended(pattern);
  const whole = options.around === 'word' ? `\\b(?:${body})\\b` : options.around === 'line' ? `^(?:${body})$` : body;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(whole, options.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    return `Invalid regular expression: ${String((error as Error).message).replace(/^error parsing regexp: /, '')}`;
  }
  return {
    test: (text) => compiled.matcher(text).find(),
    find: (text, from) => {
      const matcher = compiled.matcher(text);
      return matcher.find(from)
        ? {
            start: matcher.start(),
            end: matcher.end(),
            groups: Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? null),
          }
        : null;
    },
  };
}

/** In basic syntax `+ ? | ( ) { }` are operators only after a backslash; a `*` that begins an expression is a character. */
function fromBasic(pattern: string): string {
  let out = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern.charAt(i);
    const next = pattern.charAt(i + 1);
    if (c === '\\' && next !== '') {
      i++;
      out += '+?|(){}'.includes(next) ? next : escape(next);
    } else if (c === '[') {
      const set = bracket(pattern, i);
      out += set.text;
      i = set.end;
    } else if ('+?|(){}'.includes(c) || (c === '*' && (out === '' || out.endsWith('(') || out === '^'))) {
      out += `\\${c}`;
    } else if (
      (c === '^' && i > 0 && !/[(|]$/.test(out)) ||
      (c === '$' && next !== '' && !pattern.startsWith('\\)', i + 1) && !pattern.startsWith('\\|', i + 1))
    ) {
      out += `\\${c}`;
    } else {
      out += c;
    }
  }
  return out;
}

function fromExtended(pattern: string): string {
  let out = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern.charAt(i);
    if (c === '\\' && i + 1 < pattern.length) {
      i++;
      out += escape(pattern.charAt(i));
    } else if (c === '[') {
      const set = bracket(pattern, i);
      out += set.text;
      i = set.end;
    } else {
      out += c === '{' && !/^\{[0-9]*,?[0-9]*\}/.test(pattern.slice(i, i + 12)) ? '\\{' : c;
    }
  }
  return out;
}

/** What a backslash makes of a letter: GNU's classes stay, other letters lose it. */
function escape(c: string): string {
  return c === '<' || c === '>' ? '\\b' : /[wWsSdDbB]/.test(c) || !/[A-Za-z0-9]/.test(c) ? `\\${c}` : c;
}

/** A bracket expression, in which a backslash is a character. */
function bracket(pattern: string, start: number): { readonly text: string; readonly end: number } {
  let end = start + 1;
  end += pattern.charAt(end) === '^' ? 1 : 0;
  end += pattern.charAt(end) === ']' ? 1 : 0;
  while (end < pattern.length && pattern.charAt(end) !== ']') {
    const close = pattern.startsWith('[:', end) ? pattern.indexOf(':]', end) : -1;
    end = close < 0 ? end + 1 : close + 2;
  }
  const inner = pattern.slice(start + 1, end).replaceAll('\\', '\\\\');
  const safe = inner.replace(/^(\^?)\]/, '$1\\]').replace(/\[(?!:)/g, '\\[');
  return { text: `[${safe}]`, end };
}
