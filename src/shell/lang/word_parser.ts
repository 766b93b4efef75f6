/**
 * Words: quotes, variables, substitutions, here-documents.
 * @remarks Not modelled: `~`, arrays, process substitution.
 */
import { Cursor, type PendingHeredoc } from './cursor.ts';
import type { List, Word, WordPart } from './syntax.ts';

/** Parses commands up to `)` or the end; handed in by the parser of commands. */
export type ParseList = (cursor: Cursor) => List;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATORS = [':-', ':=', ':+', ':?', '##', '%%', '-', '=', '+', '?', '#', '%'];
/** What ends a word outside of quotes. */
const ENDS = ' \t\r\n|&;<>()';

/** Reads a word; empty if none stands here. `ends`: characters that end it. */
export function readWord(cursor: Cursor, parseList: ParseList, ends = ENDS): WordPart[] {
  const parts: WordPart[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') {
      parts.push({ kind: 'text', text, quoted: false });
      text = '';
    }
  };
  while (!cursor.atEnd && !ends.includes(cursor.peek())) {
    const c = cursor.peek();
    if (c === '\\' || c === "'" || c === '"' || c === '$' || c === '`') {
      if (c === '\\' && cursor.peek(1) === '\n') {
        cursor.i += 2;
        continue;
      }
      const special = readSpecial(cursor, parseList);
      if (special === null) {
        text += c;
        cursor.i++;
      } else {
        flush();
        parts.push(...special);
      }
    } else {
      text += c;
      cursor.i++;
    }
  }
  flush();
  return parts;
}

/** A quote, an escape, an expansion; `null` for a `$` that is only a character. */
function readSpecial(cursor: Cursor, parseList: ParseList): readonly WordPart[] | null {
  switch (cursor.peek()) {
    case '\\': {
      const text = cursor.peek(1);
      cursor.i += 2;
      return [{ kind: 'text', text: text === '' ? '\\' : text, quoted: true }];
    }
    case "'": {
      const end = cursor.text.indexOf("'", cursor.i + 1);
      if (end < 0) {
        cursor.failAtEnd("the quote ' is not closed");
      }
      const text = cursor.text.slice(cursor.i + 1, end);
      cursor.i = end + 1;
      return [{ kind: 'text', text, quoted: true }];
    }
    case '"':
      cursor.i++;
      return readQuoted(cursor, parseList, '"');
    default:
      if (cursor.startsWith("$'")) {
        return [ansiQuoted(cursor)];
      }
      return one(readExpansion(cursor, parseList, false));
  }
}

function one(part: WordPart | null): readonly WordPart[] | null {
  return part === null ? null : [part];
}

/** The rest of a double-quoted text up to and with its closing quote; with `closing` empty, the whole text. */
function readQuoted(cursor: Cursor, parseList: ParseList, closing: '"' | ''): WordPart[] {
  const parts: WordPart[] = [];
  let text = '';
  while (!cursor.atEnd && (closing === '' || cursor.peek() !== closing)) {
    const c = cursor.peek();
    const next = cursor.peek(1);
    if (c === '\\' && (next === '\n' || '$`\\'.includes(next) || (closing === '"' && next === '"')) && next !== '') {
      text += next === '\n' ? '' : next;
      cursor.i += 2;
      continue;
    }
    const part = c === '$' || c === '`' ? readExpansion(cursor, parseList, true) : null;
    if (part === null) {
      text += c;
      cursor.i++;
    } else {
      parts.push({ kind: 'text', text, quoted: true }, part);
      text = '';
    }
  }
  if (closing !== '' && !cursor.take(closing)) {
    cursor.failAtEnd('the quote " is not closed');
  }
  parts.push({ kind: 'text', text, quoted: true });
  return parts;
}

/** `$name`, `${…}`, `$(…)`, `$((…))`, `` `…` ``; `null` and no progress if the character stands for itself. */
function readExpansion(cursor: Cursor, parseList: ParseList, quoted: boolean): WordPart | null {
  if (cursor.peek() === '`') {
    return backticks(cursor, parseList, quoted);
  }
  if (cursor.startsWith('$((')) {
    const arithmetic = readArithmetic(cursor, parseList, quoted);
    if (arithmetic !== null) {
      return arithmetic;
    }
  }
  if (cursor.take('$(')) {
    const script = cursor.nested(() => parseList(cursor));
    if (!cursor.take(')')) {
      cursor.failAtEnd('$( is not closed');
    }
    return { kind: 'command', script, quoted };
  }
  if (cursor.take('${')) {
    return cursor.nested(() => readBraced(cursor, parseList, quoted));
  }
  const special = /[0-9?!#$@*-]/.exec(cursor.peek(1));
  const name = special?.[0] ?? nameAt(cursor, cursor.i + 1);
  if (name === '') {
    return null;
  }
  cursor.i += 1 + name.length;
  return { kind: 'variable', name, quoted, length: false, operator: '', operand: [] };
}

function readBraced(cursor: Cursor, parseList: ParseList, quoted: boolean): WordPart {
  const length = cursor.peek() === '#' && cursor.peek(1) !== '}' && cursor.take('#');
  const name = nameAt(cursor, cursor.i) || (/^(?:[0-9]+|[?!#$@*-])/.exec(cursor.text.slice(cursor.i, cursor.i + 8))?.[0] ?? '');
  if (name === '') {
    cursor.fail(cursor.atEnd ? '${ is not closed' : `bad substitution: \${${cursor.text.slice(cursor.i, cursor.i + 10).split('\n')[0]}`);
  }
  cursor.i += name.length;
  const operator = OPERATORS.find((one) => cursor.startsWith(one)) ?? '';
  if (operator === '' && cursor.peek() !== '}') {
    if (cursor.atEnd) {
      cursor.failAtEnd('${ is not closed');
    }
    cursor.fail(`bad substitution: \${${name}${cursor.peek()}…`);
  }
  cursor.i += operator.length;
  const operand = operator === '' ? [] : readWord(cursor, parseList, '}');
  if (!cursor.take('}')) {
    cursor.failAtEnd('${ is not closed');
  }
  return { kind: 'variable', name, quoted, length, operator, operand };
}

/** `$((…))`; `null` if it is a substitution that begins with a subshell. */
function readArithmetic(cursor: Cursor, parseList: ParseList, quoted: boolean): WordPart | null {
  let depth = 0;
  for (let i = cursor.i + 3; i < cursor.text.length; i++) {
    const c = cursor.text.charAt(i);
    if (c === '(') {
      depth++;
    } else if (c === ')' && depth > 0) {
      depth--;
    } else if (c === ')') {
      if (cursor.text.charAt(i + 1) !== ')') {
        return null;
      }
      const inner = new Cursor(cursor.text.slice(cursor.i + 3, i), cursor.line, cursor.depth);
      const expression = inner.nested(() => readQuoted(inner, parseList, ''));
      cursor.i = i + 2;
      return { kind: 'arithmetic', expression, quoted };
    }
  }
  return null;
}

function backticks(cursor: Cursor, parseList: ParseList, quoted: boolean): WordPart {
  let inner = '';
  let i = cursor.i + 1;
  for (; cursor.text.charAt(i) !== '`'; i++) {
    if (i >= cursor.text.length) {
      cursor.failAtEnd('the quote ` is not closed');
    }
    if (cursor.text.charAt(i) === '\\' && '`\\$'.includes(cursor.text.charAt(i + 1))) {
      i++;
    }
    inner += cursor.text.charAt(i);
  }
  const sub = new Cursor(inner, cursor.line, cursor.depth);
  const script = sub.nested(() => parseList(sub));
  if (!sub.atEnd) {
    sub.fail(`syntax error near unexpected token '${sub.peek()}'`);
  }
  cursor.i = i + 1;
  return { kind: 'command', script, quoted };
}

const ANSI: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"', e: '\u001b', '0': '\0' };

/** `$'…\n'` */
function ansiQuoted(cursor: Cursor): WordPart {
  let text = '';
  for (cursor.i += 2; cursor.peek() !== "'"; cursor.i++) {
    if (cursor.atEnd) {
      cursor.failAtEnd("the quote $' is not closed");
    }
    if (cursor.peek() === '\\') {
      cursor.i++;
      text += ANSI[cursor.peek()] ?? `\\${cursor.peek()}`;
    } else {
      text += cursor.peek();
    }
  }
  cursor.i++;
  return { kind: 'text', text, quoted: true };
}

/** Reads the bodies of the here-documents whose line has just ended. */
export function readHeredocs(cursor: Cursor, parseList: ParseList): void {
  for (const heredoc of cursor.heredocs.splice(0)) {
    readHeredoc(cursor, heredoc, parseList);
  }
}

function readHeredoc(cursor: Cursor, heredoc: PendingHeredoc, parseList: ParseList): void {
  const line = cursor.line;
  let body = '';
  for (;;) {
    if (cursor.atEnd) {
      cursor.failAtEnd(`the here-document is not ended by '${heredoc.delimiter}'`);
    }
    const end = cursor.text.indexOf('\n', cursor.i);
    const raw = cursor.text.slice(cursor.i, end < 0 ? cursor.text.length : end);
    const text = heredoc.stripTabs ? raw.replace(/^\t+/, '') : raw;
    cursor.i = end < 0 ? cursor.text.length : end + 1;
    if (text.replace(/\r$/, '') === heredoc.delimiter) {
      break;
    }
    body += `${text}\n`;
  }
  if (heredoc.literal) {
    heredoc.parts.push({ kind: 'text', text: body, quoted: true });
    return;
  }
  const inner = new Cursor(body, line, cursor.depth);
  heredoc.parts.push(...inner.nested(() => readQuoted(inner, parseList, '')));
}

/** A name that begins at an offset; empty if none does. */
function nameAt(cursor: Cursor, offset: number): string {
  NAME.lastIndex = offset;
  return NAME.exec(cursor.text)?.[0] ?? '';
}

/** The text of a word in which nothing is expanded: a here-document's delimiter, a name, a reserved word; `null` if something would be. */
export function literalText(word: Word): string | null {
  let text = '';
  for (const part of word) {
    if (part.kind !== 'text') {
      return null;
    }
    text += part.text;
  }
  return text;
}
