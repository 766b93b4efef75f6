/**
 * YAML as kubectl prints it: members in the order of their names, lists not indented, strings plain where they stay strings.
 * @see https://pkg.go.dev/sigs.k8s.io/yaml#Marshal
 */

/** Where lines of running text are folded. @see https://pkg.go.dev/gopkg.in/yaml.v2 */
const WIDTH = 80;
/** Texts that YAML 1.1 would read as something else than a string. */
const RESOLVED =
  /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF|<<|[-+]?0x[0-9a-fA-F_]+|[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?|[-+]?(?:\.\d+|\d[\d_]*(?:\.\d*)?)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?)$/;

/** The document of a value, with its last newline. */
export function yamlText(value: unknown): string {
  return `${block(value, 0).replace(/^\n/, '')}\n`;
}

/** The value as it stands after `key:`: on the same line with a blank before it, or on lines of its own. */
function block(value: unknown, indent: number): string {
  const margin = ' '.repeat(indent);
  if (Array.isArray(value)) {
    return value.length === 0 ? ' []' : value.map((item) => `\n${margin}-${inItem(item, indent)}`).join('');
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => naturalOrder(a, b));
    return members.length === 0
      ? ' {}'
      : members
          .map(([key, one]) => {
            const text = `${margin}${scalar(key, indent, 0)}:`;
            return `\n${text}${Array.isArray(one) ? block(one, indent) : typeof one === 'object' && one !== null ? block(one, indent + 2) : ` ${scalar(one, indent + 2, text.length + 1)}`}`;
          })
          .join('');
  }
  return ` ${scalar(value, indent, indent)}`.replace(/^ (?=\n)/, '');
}

/** A list's item: its first line stands beside the dash. */
function inItem(item: unknown, indent: number): string {
  const text =
    Array.isArray(item) || (typeof item === 'object' && item !== null)
      ? block(item, indent + 2)
      : ` ${scalar(item, indent + 2, indent + 2)}`;
  return text.startsWith('\n') ? ` ${text.slice(1).trimStart()}` : text;
}

/** Names in the order of Go's YAML: numbers in them count as numbers, letters come after other characters. @see https://github.com/go-yaml/yaml/blob/v2/sorter.go */
function naturalOrder(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  let digits = false;
  for (let i = 0; i < left.length && i < right.length; i++) {
    const [c, d] = [left[i] as string, right[i] as string];
    if (c === d) {
      digits = isDigit(c);
      continue;
    }
    const [isLetterC, isLetterD] = [isLetter(c), isLetter(d)];
    if (isLetterC && isLetterD) {
      return c < d ? -1 : 1;
    }
    if (isLetterC !== isLetterD) {
      return digits === isLetterC ? 1 : -1;
    }
    const [numberA, numberB] = [leadingNumber(left, i), leadingNumber(right, i)];
    if (numberA !== numberB) {
      return numberA - numberB;
    }
    return c < d ? -1 : 1;
  }
  return left.length - right.length;
}

function leadingNumber(text: readonly string[], from: number): number {
  let start = from;
  while (start > 0 && isDigit(text[start - 1] as string)) {
    start--;
  }
  let end = from;
  while (end < text.length && isDigit(text[end] as string)) {
    end++;
  }
  return Number(text.slice(start, end).join('') || '0');
}

function isDigit(c: string): boolean {
  return c >= '0' && c <= '9';
}

function isLetter(c: string): boolean {
  return /\p{L}/u.test(c);
}

/** A scalar's text. `column` is where it begins. */
function scalar(value: unknown, indent: number, column: number): string {
  if (typeof value !== 'string') {
    return value === null || value === undefined ? 'null' : String(value);
  }
  if (value.includes('\n') && !/[^\n\t\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]/u.test(value)) {
    return literal(value, indent);
  }
  if (value === '' || RESOLVED.test(value)) {
    return `"${value}"`;
  }
  if (/[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(value)) {
    return doubleQuoted(value);
  }
  return folded(needsQuotes(value) ? `'${value.replaceAll("'", "''")}'` : value, indent, column);
}

/** Whether a plain scalar would be read as something else. @see https://github.com/go-yaml/yaml/blob/v2/emitterc.go */
function needsQuotes(value: string): boolean {
  return (
    /^[-?:](\s|$)/.test(value) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(value) ||
    /^(---|\.\.\.)/.test(value) ||
    /: |:$| #/.test(value) ||
    /^ | $/.test(value)
  );
}

function literal(value: string, indent: number): string {
  const margin = ' '.repeat(Math.max(indent, 2));
  const chomp = value.endsWith('\n') ? (value.endsWith('\n\n') || value === '\n' ? '+' : '') : '-';
  const hint = /^[ \n]/.test(value) ? '2' : '';
  const body = value.replace(/\n$/, '');
  return `|${hint}${chomp}\n${body
    .split('\n')
    .map((line) => (line === '' ? '' : margin + line))
    .join('\n')}`;
}

function doubleQuoted(value: string): string {
  const named: Readonly<Record<string, string>> = {
    '\n': '\\n',
    '\t': '\\t',
    '\r': '\\r',
    '"': '\\"',
    '\\': '\\\\',
    '\0': '\\0',
    '\x07': '\\a',
    '\b': '\\b',
    '\x0b': '\\v',
    '\f': '\\f',
    '\x1b': '\\e',
  };
  const text = [...value]
    .map((c) => {
      const code = c.codePointAt(0) ?? 0;
      return named[c] ?? (code < 0x20 || (code >= 0x7f && code < 0xa0) ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : c);
    })
    .join('');
  return `"${text}"`;
}

/** Breaks at single blanks once the line is full. */
function folded(text: string, indent: number, column: number): string {
  let result = '';
  let at = column;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    const breakable = c === ' ' && at > WIDTH && i > 0 && i < text.length - 1 && text.charAt(i - 1) !== ' ' && text.charAt(i + 1) !== ' ';
    if (breakable) {
      result += `\n${' '.repeat(indent)}`;
      at = indent;
    } else {
      result += c;
      at++;
    }
  }
  return result;
}
