/**
 * Commands: lists, pipelines, loops.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_10_02
 */
import { parseConditional } from './conditional.ts';
import { Cursor, ShellSyntaxError } from './cursor.ts';
import type { AndOr, Assignment, Command, List, ParseResult, Pipeline, Redirect, Word, WordPart } from './syntax.ts';
import { literalText, readHeredocs, readWord } from './word_parser.ts';

/** Words that end a list when they stand where a command begins. */
const CLOSING = ['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}'];
/** Longest script, in characters. */
const MAX_LENGTH = 1024 * 1024;
const REDIRECT = /([0-9]?)(<<<|<<-|<<|<&|<|>>|>&|>\||>)|&>>?/y;

/** Parses a script. */
export function parseScript(text: string, firstLine = 1): ParseResult {
  if (text.length > MAX_LENGTH) {
    return { ok: false, error: 'the script is too long', line: 1, incomplete: false };
  }
  const cursor = new Cursor(text.includes('\u0000') ? text.replaceAll('\u0000', '') : text, firstLine);
  try {
    const list = parseList(cursor);
    if (!cursor.atEnd) {
      cursor.fail(`syntax error near unexpected token '${tokenAt(cursor)}'`);
    }
    return { ok: true, list };
  } catch (error) {
    if (error instanceof ShellSyntaxError) {
      return { ok: false, error: error.message, line: error.line, incomplete: error.incomplete };
    }
    throw error;
  }
}

/** Commands up to something that cannot begin one: the end, `)`, `done`, `;;`. */
function parseList(cursor: Cursor): List {
  const list: AndOr[] = [];
  for (;;) {
    skipNewlines(cursor);
    if (cursor.atEnd || cursor.peek() === ')' || cursor.startsWith(';;') || CLOSING.includes(reservedAt(cursor))) {
      return list;
    }
    const andOr = parseAndOr(cursor);
    cursor.skipBlanks();
    const background = !cursor.startsWith('&&') && cursor.take('&');
    list.push({ ...andOr, background });
    cursor.skipBlanks();
    if (background || (!cursor.startsWith(';;') && cursor.take(';'))) {
      continue;
    }
    if (!cursor.atEnd && !'\n)'.includes(cursor.peek()) && !cursor.startsWith(';;')) {
      cursor.fail(`syntax error near unexpected token '${tokenAt(cursor)}'`);
    }
  }
}

/** Newlines, blanks, comments; and the here-documents that begin after a newline. */
function skipNewlines(cursor: Cursor): void {
  cursor.skipBlanks();
  while (cursor.take('\n')) {
    readHeredocs(cursor, parseList);
    cursor.skipBlanks();
  }
}

function parseAndOr(cursor: Cursor): Omit<AndOr, 'background'> {
  const start = cursor.i;
  const first = parsePipeline(cursor);
  const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
  for (;;) {
    cursor.skipBlanks();
    const operator = cursor.take('&&') ? '&&' : cursor.take('||') ? '||' : null;
    if (operator === null) {
      return { first, rest, text: cursor.text.slice(start, cursor.i).trim() };
    }
    continueLine(cursor, operator);
    rest.push({ operator, pipeline: parsePipeline(cursor) });
  }
}

function parsePipeline(cursor: Cursor): Pipeline {
  let negated = false;
  while (reservedAt(cursor) === '!') {
    cursor.i++;
    negated = !negated;
    cursor.skipBlanks();
  }
  const commands = [parseCommand(cursor)];
  for (;;) {
    cursor.skipBlanks();
    if (cursor.startsWith('||') || !cursor.take('|')) {
      return { negated, commands };
    }
    const both = cursor.take('&');
    if (both) {
      const last = commands.pop() as Command;
      commands.push({ ...last, redirects: [...last.redirects, duplicate(2, '1')] });
    }
    continueLine(cursor, '|');
    commands.push(parseCommand(cursor));
  }
}

/** After an operator the command may stand on the next line. */
function continueLine(cursor: Cursor, operator: string): void {
  skipNewlines(cursor);
  if (cursor.atEnd) {
    cursor.failAtEnd(`a command is missing after ${operator}`);
  }
}

function parseCommand(cursor: Cursor): Command {
  cursor.skipBlanks();
  const command = parseCompound(cursor);
  if (command === null) {
    return parseSimple(cursor);
  }
  const redirects: Redirect[] = [];
  for (;;) {
    cursor.skipBlanks();
    const redirect = parseRedirect(cursor);
    if (redirect === null) {
      return { ...command, redirects };
    }
    redirects.push(redirect);
  }
}

function parseCompound(cursor: Cursor): Command | null {
  if (cursor.peek() === '(') {
    cursor.i++;
    const body = requiredList(cursor, '(');
    expectToken(cursor, ')', '(');
    return { kind: 'group', body, subshell: true, redirects: [] };
  }
  const word = reservedAt(cursor);
  switch (word) {
    case '{': {
      cursor.i++;
      const body = requiredList(cursor, '{');
      expectWord(cursor, '}', '{');
      return { kind: 'group', body, subshell: false, redirects: [] };
    }
    case 'if':
      return parseIf(cursor);
    case 'for':
      return parseFor(cursor);
    case 'while':
    case 'until': {
      cursor.i += word.length;
      const condition = requiredList(cursor, word);
      expectWord(cursor, 'do', word);
      const body = requiredList(cursor, 'do');
      expectWord(cursor, 'done', word);
      return { kind: 'loop', until: word === 'until', condition, body, redirects: [] };
    }
    case 'case':
      return parseCase(cursor);
    case '[[': {
      const { line } = cursor;
      cursor.i += 2;
      return { kind: 'conditional', condition: cursor.nested(() => parseConditional(cursor, parseList)), line, redirects: [] };
    }
    case 'function':
    case 'select':
      return cursor.fail(`'${word}' is not available here${word === 'function' ? '; write name() { …; }' : ''}`);
    default:
      if (CLOSING.includes(word) || word === 'in') {
        return word === 'in' ? null : cursor.fail(`syntax error near unexpected token '${word}'`);
      }
      return parseFunction(cursor);
  }
}

/** A list that must not be empty. */
function requiredList(cursor: Cursor, after: string): List {
  const list = cursor.nested(() => parseList(cursor));
  if (list.length === 0) {
    if (cursor.atEnd) {
      cursor.failAtEnd(`unexpected end of the text after '${after}'`);
    }
    cursor.fail(`syntax error near unexpected token '${tokenAt(cursor)}'`);
  }
  return list;
}

function parseIf(cursor: Cursor): Command {
  const clauses: { condition: List; body: List }[] = [];
  let otherwise: List | null = null;
  for (let word = 'if'; word === 'if' || word === 'elif'; word = reservedAt(cursor)) {
    cursor.i += word.length;
    const condition = requiredList(cursor, word);
    expectWord(cursor, 'then', word);
    clauses.push({ condition, body: requiredList(cursor, 'then') });
  }
  if (reservedAt(cursor) === 'else') {
    cursor.i += 4;
    otherwise = requiredList(cursor, 'else');
  }
  expectWord(cursor, 'fi', 'if');
  return { kind: 'if', clauses, otherwise, redirects: [] };
}

function parseFor(cursor: Cursor): Command {
  cursor.i += 3;
  cursor.skipBlanks();
  if (cursor.startsWith('((')) {
    cursor.fail('for ((…)) is not available here; use for x in …');
  }
  const name = literalText(readWord(cursor, parseList)) ?? '';
  if (!isName(name)) {
    cursor.fail(`'${name}': not a valid identifier`);
  }
  skipNewlines(cursor);
  let words: Word[] | null = null;
  if (reservedAt(cursor) === 'in') {
    cursor.i += 2;
    words = [];
    for (cursor.skipBlanks(); !cursor.atEnd && !';\n&|<>()'.includes(cursor.peek()); cursor.skipBlanks()) {
      words.push(readWord(cursor, parseList));
    }
  }
  cursor.skipBlanks();
  cursor.take(';');
  skipNewlines(cursor);
  expectWord(cursor, 'do', 'for');
  const body = requiredList(cursor, 'do');
  expectWord(cursor, 'done', 'for');
  return { kind: 'for', name, words, body, redirects: [] };
}

function parseCase(cursor: Cursor): Command {
  cursor.i += 4;
  cursor.skipBlanks();
  const subject = readWord(cursor, parseList);
  skipNewlines(cursor);
  expectWord(cursor, 'in', 'case');
  const branches: { patterns: Word[]; body: List }[] = [];
  for (skipNewlines(cursor); reservedAt(cursor) !== 'esac'; skipNewlines(cursor)) {
    if (cursor.atEnd) {
      cursor.failAtEnd("unexpected end of the text after 'case'");
    }
    cursor.take('(');
    const patterns: Word[] = [];
    do {
      cursor.skipBlanks();
      patterns.push(readWord(cursor, parseList));
      cursor.skipBlanks();
    } while (cursor.take('|'));
    expectToken(cursor, ')', 'case');
    branches.push({ patterns, body: cursor.nested(() => parseList(cursor)) });
    if (!cursor.take(';;') && reservedAt(cursor) !== 'esac') {
      expectWord(cursor, 'esac', 'case');
    }
  }
  cursor.i += 4;
  return { kind: 'case', subject, branches, redirects: [] };
}

/** `name() command`; `null` if none stands here. */
function parseFunction(cursor: Cursor): Command | null {
  const match = /^([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\([ \t]*\)/.exec(cursor.text.slice(cursor.i, cursor.i + 100));
  if (match === null) {
    return null;
  }
  cursor.i += match[0].length;
  skipNewlines(cursor);
  const body = cursor.nested(() => parseCommand(cursor));
  return { kind: 'function', name: match[1] as string, body, redirects: [] };
}

function parseSimple(cursor: Cursor): Command {
  const { line } = cursor;
  const assignments: Assignment[] = [];
  const words: Word[] = [];
  const redirects: Redirect[] = [];
  for (cursor.skipBlanks(); !cursor.atEnd; cursor.skipBlanks()) {
    const redirect = parseRedirect(cursor);
    if (redirect !== null) {
      redirects.push(redirect);
      continue;
    }
    if ('\n;&|()'.includes(cursor.peek())) {
      break;
    }
    const word = readWord(cursor, parseList);
    const assignment = words.length === 0 ? asAssignment(word) : null;
    if (assignment === null) {
      words.push(word);
    } else {
      if (cursor.peek() === '(' && assignment.value.length === 0) {
        cursor.fail('arrays are not available here');
      }
      assignments.push(assignment);
    }
  }
  if (words.length + assignments.length + redirects.length === 0) {
    if (cursor.atEnd) {
      cursor.failAtEnd('a command is missing');
    }
    cursor.fail(`syntax error near unexpected token '${tokenAt(cursor)}'`);
  }
  return { kind: 'simple', assignments, words, redirects, line };
}

function asAssignment(word: Word): Assignment | null {
  const [first, ...rest] = word;
  if (first?.kind !== 'text' || first.quoted) {
    return null;
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(first.text);
  if (match === null) {
    return null;
  }
  const text = first.text.slice(match[0].length);
  return { name: match[1] as string, value: text === '' ? rest : [{ ...first, text }, ...rest] };
}

function parseRedirect(cursor: Cursor): Redirect | null {
  REDIRECT.lastIndex = cursor.i;
  const match = REDIRECT.exec(cursor.text);
  if (match === null) {
    return null;
  }
  const operator = match[2] ?? match[0];
  cursor.i += match[0].length;
  cursor.skipBlanks();
  const fd = match[1] === undefined || match[1] === '' ? (operator.startsWith('<') ? 0 : 1) : Number(match[1]);
  const word = readWord(cursor, parseList);
  if (word.length === 0) {
    if (cursor.atEnd) {
      cursor.failAtEnd(`a word is missing after ${operator}`);
    }
    cursor.fail(`syntax error near unexpected token '${tokenAt(cursor)}'`);
  }
  switch (operator) {
    case '<<':
    case '<<-': {
      const delimiter = literalText(word);
      if (delimiter === null) {
        return cursor.fail('the delimiter of a here-document is a plain word');
      }
      const parts: WordPart[] = [];
      cursor.heredocs.push({
        delimiter,
        stripTabs: operator === '<<-',
        literal: word.some((part) => part.kind === 'text' && part.quoted),
        parts,
      });
      return { fd, operator: 'heredoc', target: parts };
    }
    case '<<<':
      return { fd, operator: 'heredoc', target: [...word, { kind: 'text', text: '\n', quoted: true }] };
    case '<&':
    case '>&':
      return { fd, operator: '>&', target: word };
    case '>|':
      return { fd, operator: '>', target: word };
    default:
      return { fd, operator: operator as '<' | '>' | '>>' | '&>' | '&>>', target: word };
  }
}

function duplicate(fd: number, to: string): Redirect {
  return { fd, operator: '>&', target: [{ kind: 'text', text: to, quoted: true }] };
}

/** The reserved word that stands here, or the plain word; empty if something else does. */
function reservedAt(cursor: Cursor): string {
  return /^(?:[A-Za-z]+|[{}!]|\[\[)(?=[\s;&|()<>]|$)/.exec(cursor.text.slice(cursor.i, cursor.i + 12))?.[0] ?? '';
}

function expectWord(cursor: Cursor, word: string, after: string): void {
  cursor.skipBlanks();
  if (reservedAt(cursor) !== word) {
    expectToken(cursor, `${word} `, after);
  }
  cursor.i += word.length;
}

function expectToken(cursor: Cursor, token: string, after: string): void {
  cursor.skipBlanks();
  if (cursor.atEnd) {
    cursor.failAtEnd(`'${token.trim()}' is missing: '${after}' is not closed`);
  }
  if (!cursor.take(token)) {
    cursor.fail(`syntax error near unexpected token '${tokenAt(cursor)}'`);
  }
}

/** What stands here, for messages. */
function tokenAt(cursor: Cursor): string {
  const rest = cursor.text.slice(cursor.i, cursor.i + 30);
  return rest.startsWith('\n') ? 'newline' : (/^(?:&&|\|\||;;|[;&|()<>]|[^\s;&|()<>]+)/.exec(rest)?.[0] ?? rest);
}

/** Whether a text may name a variable. */
export function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}
