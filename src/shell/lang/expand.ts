/**
 * From words to fields: variables, substitutions, splitting, braces, names of files.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_06
 */
import { evaluate } from './arithmetic.ts';
import { isGlob } from './glob.ts';
import { MAX_TEXT } from './io.ts';
import { escapePattern, removeMatch } from './pattern.ts';
import type { Pause } from './pause.ts';
import type { List, Word, WordPart } from './syntax.ts';

/** What expansion asks the shell for. */
export interface ExpansionHost {
  /** A variable or special parameter (`?`, `#`, `1`); `undefined` if it is unset. */
  variable(name: string): string | undefined;
  readonly positional: readonly string[];
  assign(name: string, value: string): void;
  /** The output of a command, without the newlines at its end. */
  substitute(script: List): Generator<Pause, string>;
  /** The paths a pattern stands for; none: it stays as it is. */
  matchingPaths(pattern: string): readonly string[];
  /** An unset variable is an error. */
  readonly nounset: boolean;
  /** Says what is wrong and ends the script. */
  fail(message: string): void;
}

/** How many fields one word may become. */
const MAX_FIELDS = 10_000;
/** Braces in one word may stand for this many words. */
const MAX_BRACES = 1000;

/** A piece of text after expansion. */
interface Piece {
  readonly text: string;
  readonly quoted: boolean;
  /** Whether a new field begins before it (`"$@"`). */
  readonly breaks: boolean;
}

/** The fields of some words. */
export function* expandWords(words: readonly Word[], host: ExpansionHost): Generator<Pause, string[]> {
  const fields: string[] = [];
  for (const word of words.flatMap(expandBraces)) {
    fields.push(...(yield* expandFields(word, host)));
    if (fields.length > MAX_FIELDS) {
      host.fail('argument list too long');
      return [];
    }
  }
  return fields;
}

/** The fields of one word: what is not quoted is split at blanks, and stands for the names of files if it is a pattern of some. */
function* expandFields(word: Word, host: ExpansionHost): Generator<Pause, string[]> {
  const fields: string[] = [];
  let current: string | null = null;
  let pattern = '';
  const push = (): void => {
    if (current !== null) {
      const paths = isGlob(pattern) ? host.matchingPaths(pattern) : [];
      fields.push(...(paths.length > 0 ? paths : [current]));
    }
    current = null;
    pattern = '';
  };
  for (const part of word) {
    for (const piece of yield* expandPart(part, host)) {
      if (piece.breaks) {
        push();
      }
      if (piece.quoted || part.kind === 'text') {
        current = (current ?? '') + piece.text;
        pattern += piece.quoted ? escapePattern(piece.text) : piece.text;
        continue;
      }
      const chunks = piece.text.split(/[ \t\n]+/);
      for (const [i, chunk] of chunks.entries()) {
        if (i > 0) {
          push();
        }
        if (chunk !== '') {
          current = (current ?? '') + chunk;
          pattern += chunk;
        }
      }
    }
  }
  push();
  return fields;
}

/** One text: for assignments, here-documents, redirections. */
export function* expandText(word: Word, host: ExpansionHost): Generator<Pause, string> {
  let text = '';
  for (const part of word) {
    const pieces = yield* expandPart(part, host);
    text += pieces.map((piece, i) => (piece.breaks && i > 0 ? ' ' : '') + piece.text).join('');
    if (text.length > MAX_TEXT) {
      host.fail('the text is too long');
      return '';
    }
  }
  return text;
}

/** A pattern: what was quoted stands for itself. */
export function* expandPattern(word: Word, host: ExpansionHost): Generator<Pause, string> {
  let pattern = '';
  for (const part of word) {
    for (const piece of yield* expandPart(part, host)) {
      pattern += piece.quoted ? escapePattern(piece.text) : piece.text;
    }
  }
  return pattern;
}

function* expandPart(part: WordPart, host: ExpansionHost): Generator<Pause, readonly Piece[]> {
  switch (part.kind) {
    case 'text':
      return [{ text: part.text, quoted: part.quoted, breaks: false }];
    case 'command':
      return [{ text: yield* host.substitute(part.script), quoted: part.quoted, breaks: false }];
    case 'arithmetic': {
      const expression = yield* expandText(part.expression, host);
      const result = evaluate(expression, (name) => host.variable(name) ?? '');
      if (!result.ok) {
        host.fail(`${expression.trim()}: ${result.error}`);
      }
      return [{ text: result.ok ? String(result.value) : '', quoted: true, breaks: false }];
    }
    case 'variable':
      return yield* expandVariable(part, host);
  }
}

type VariablePart = Extract<WordPart, { readonly kind: 'variable' }>;

function* expandVariable(part: VariablePart, host: ExpansionHost): Generator<Pause, readonly Piece[]> {
  const { name, quoted, operator } = part;
  if (name === '@' && !part.length && operator === '') {
    return host.positional.map((text, i) => ({ text, quoted, breaks: i > 0 }));
  }
  const value = name === '@' || name === '*' ? host.positional.join(' ') : host.variable(name);
  if (part.length) {
    return [{ text: String((value ?? '').length), quoted: true, breaks: false }];
  }
  const absent = value === undefined || (operator.startsWith(':') && value === '');
  switch (operator.replace(':', '')) {
    case '-':
      return absent ? yield* operandPieces(part, host) : [{ text: value ?? '', quoted, breaks: false }];
    case '+':
      return absent ? [] : yield* operandPieces(part, host);
    case '=': {
      if (absent) {
        host.assign(name, yield* expandText(part.operand, host));
      }
      return [{ text: host.variable(name) ?? '', quoted, breaks: false }];
    }
    case '?': {
      if (absent) {
        const message = yield* expandText(part.operand, host);
        host.fail(`${name}: ${message === '' ? 'parameter null or not set' : message}`);
      }
      return [{ text: value ?? '', quoted, breaks: false }];
    }
    case '':
      break;
    default: {
      const pattern = yield* expandPattern(part.operand, host);
      return [{ text: removeMatch(value ?? '', pattern, operator), quoted, breaks: false }];
    }
  }
  if (value === undefined && host.nounset && name !== '*') {
    host.fail(`${name}: unbound variable`);
  }
  return value === undefined && !quoted ? [] : [{ text: value ?? '', quoted, breaks: false }];
}

function* operandPieces(part: VariablePart, host: ExpansionHost): Generator<Pause, readonly Piece[]> {
  const pieces: Piece[] = [];
  for (const one of part.operand) {
    pieces.push(...(yield* expandPart(one, host)).map((piece) => ({ ...piece, quoted: piece.quoted || part.quoted })));
  }
  return pieces;
}

/**
 * `{a,b}` and `{1..5}` outside of quotes.
 * @remarks Simplified: braces that hold nothing but plain text; they do not nest. A word that would become too many stays as it is.
 */
function expandBraces(word: Word): readonly Word[] {
  const done: Word[] = [];
  const open: Word[] = [word];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const choices = splitBraces(next);
    if (choices === null) {
      done.push(next);
    } else {
      open.unshift(...choices);
    }
    if (done.length + open.length > MAX_BRACES) {
      return [word];
    }
  }
  return done;
}

/** A word for every alternative of its first braces; `null` if it has none. */
function splitBraces(word: Word): readonly Word[] | null {
  const at = word.findIndex((part) => part.kind === 'text' && !part.quoted && alternatives(part.text) !== null);
  const part = word[at];
  const found = part?.kind === 'text' ? alternatives(part.text) : null;
  if (found === null || part?.kind !== 'text') {
    return null;
  }
  const { before, words, after } = found;
  return words.map((text) => {
    const whole = before + text + after;
    return [...word.slice(0, at), ...(whole === '' ? [] : [{ ...part, text: whole }]), ...word.slice(at + 1)];
  });
}

function alternatives(text: string): { readonly before: string; readonly words: readonly string[]; readonly after: string } | null {
  const match = /\{([^{}]*)\}/.exec(text);
  const inner = match?.[1] ?? '';
  const range = /^(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})$/.exec(inner);
  if (match === null || (range === null && !inner.includes(','))) {
    return null;
  }
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  if (range === null) {
    return { before, words: inner.split(','), after };
  }
  const [from, to] = [Number(range[1]), Number(range[2])];
  const count = Math.min(MAX_BRACES + 1, Math.abs(to - from) + 1);
  return { before, words: Array.from({ length: count }, (_, i) => String(from + (to >= from ? i : -i))), after };
}
