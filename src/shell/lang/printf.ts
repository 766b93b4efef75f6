/** printf(1) and the escapes of `echo -e`. @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/printf.html */

/** A format may be used again this often for further arguments. */
const MAX_ROUNDS = 10_000;
/** Widest field. */
const MAX_WIDTH = 10_000;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\u001b',
  '\\': '\\',
};

/** Replaces `\n`, `\t`, `\0ooo`, `\xhh`. */
export function unescape(text: string): string {
  return text.replace(/\\(?:0([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([ntrabfve\\]))/g, (_, octal?: string, hex?: string, letter?: string) =>
    letter !== undefined
      ? (ESCAPES[letter] as string)
      : String.fromCharCode(octal === undefined ? Number.parseInt(hex as string, 16) : Number.parseInt(octal, 8)),
  );
}

/** The text of a format with its arguments. The format is used again until no argument is left. */
export function formatText(format: string, args: readonly string[]): { readonly text: string; readonly error: string | null } {
  const pieces = format.match(/%%|%[-+ 0#]*[0-9*]*(?:\.[0-9*]+)?[a-zA-Z]|[^%]+|%/g) ?? [];
  let rest = [...args];
  let text = '';
  let error: string | null = null;
  let rounds = 0;
  do {
    for (const piece of pieces) {
      const spec = /^%([-+ 0#]*)([0-9]*)(?:\.([0-9]+))?([sdiuxXcbqfo])$/.exec(piece);
      if (spec === null) {
        text += piece === '%%' ? '%' : piece.startsWith('%') ? '' : unescape(piece);
        error ??= piece.startsWith('%') && piece !== '%%' ? `\`${piece}': invalid directive` : null;
        continue;
      }
      const [arg = ''] = rest;
      rest = rest.slice(1);
      const [, flags, width, precision, kind] = spec as unknown as [string, string, string, string | undefined, string];
      const one = convert(kind, arg, precision === undefined ? null : Number(precision));
      error ??= one.error;
      text += pad(one.text, flags, Math.min(MAX_WIDTH, Number(width)));
    }
  } while (rest.length > 0 && /%[-+ 0#]*[0-9]*(?:\.[0-9]+)?[a-zA-Z]/.test(format) && error === null && ++rounds < MAX_ROUNDS);
  return { text, error };
}

function convert(kind: string, arg: string, precision: number | null): { readonly text: string; readonly error: string | null } {
  switch (kind) {
    case 's':
      return { text: precision === null ? arg : arg.slice(0, precision), error: null };
    case 'b':
      return { text: unescape(arg), error: null };
    case 'q':
      return { text: quoteWord(arg), error: null };
    case 'c':
      return { text: arg.slice(0, 1), error: null };
    default: {
      const value = arg === '' ? 0 : /^["']/.test(arg) ? (arg.codePointAt(1) ?? 0) : Number(arg);
      const error = Number.isNaN(value) ? `${arg}: invalid number` : null;
      const known = Number.isNaN(value) ? 0 : value;
      const radix = kind === 'o' ? 8 : kind.toLowerCase() === 'x' ? 16 : 10;
      const text = kind === 'f' ? known.toFixed(Math.min(20, precision ?? 6)) : Math.trunc(known).toString(radix);
      return { text: kind === 'X' ? text.toUpperCase() : text, error };
    }
  }
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes('-')) {
    return text.padEnd(width);
  }
  return flags.includes('0') && /^-?[0-9]/.test(text) ? text.padStart(width, '0') : text.padStart(width);
}

/** A word as `set -x` and `export -p` show it. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_%+,./:=@^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
