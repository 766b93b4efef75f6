/**
 * `[[ … ]]`: its own little language, whose words are neither split nor patterns of files.
 * @see https://www.gnu.org/software/bash/manual/html_node/Conditional-Constructs.html
 * @remarks Simplified: `=~` leaves no BASH_REMATCH.
 */

import { compileTextRegex } from '../text/regex.ts';
import { evaluate } from './arithmetic.ts';
import type { Cursor } from './cursor.ts';
import { type ExpansionHost, expandPattern, expandText } from './expand.ts';
import { matchesPattern } from './pattern.ts';
import type { Pause } from './pause.ts';
import type { Conditional, Word } from './syntax.ts';
import { type TestHost, testExpression } from './test_expression.ts';
import { literalText, type ParseList, readWord } from './word_parser.ts';

const UNARY = /^-[nzefdsrwxt]$/;
const NUMERIC = /^-(?:eq|ne|lt|le|gt|ge)$/;

/** Reads an expression after `[[`, and `]]` with it. */
export function parseConditional(cursor: Cursor, parseList: ParseList): Conditional {
  const expression = either(cursor, parseList);
  skip(cursor);
  if (!cursor.take(']]')) {
    if (cursor.atEnd) {
      cursor.failAtEnd("']]' is missing: '[[' is not closed");
    }
    cursor.fail(`syntax error in '[[' near '${cursor.text.slice(cursor.i, cursor.i + 12).split('\n')[0] as string}'`);
  }
  return expression;
}

function skip(cursor: Cursor): void {
  cursor.skipBlanks();
  while (cursor.take('\n')) {
    cursor.skipBlanks();
  }
}

function either(cursor: Cursor, parseList: ParseList): Conditional {
  let left = both(cursor, parseList);
  for (skip(cursor); cursor.take('||'); skip(cursor)) {
    left = { kind: 'or', left, right: both(cursor, parseList) };
  }
  return left;
}

function both(cursor: Cursor, parseList: ParseList): Conditional {
  let left = primary(cursor, parseList);
  for (skip(cursor); cursor.take('&&'); skip(cursor)) {
    left = { kind: 'and', left, right: primary(cursor, parseList) };
  }
  return left;
}

function primary(cursor: Cursor, parseList: ParseList): Conditional {
  skip(cursor);
  if (/^![\s(]/.test(cursor.text.slice(cursor.i, cursor.i + 2))) {
    cursor.i++;
    return { kind: 'not', operand: cursor.nested(() => primary(cursor, parseList)) };
  }
  if (cursor.take('(')) {
    const inner = cursor.nested(() => either(cursor, parseList));
    skip(cursor);
    if (!cursor.take(')')) {
      cursor.fail("')' is missing in '[['");
    }
    return inner;
  }
  const word = operand(cursor, parseList);
  const operator = literalText(word);
  cursor.skipBlanks();
  if (
    operator !== null &&
    UNARY.test(operator) &&
    !cursor.startsWith(']]') &&
    !/^(?:&&|\|\|)/.test(cursor.text.slice(cursor.i, cursor.i + 2))
  ) {
    return { kind: 'unary', operator, operand: operand(cursor, parseList) };
  }
  const binary = /^(?:==|=~|!=|=|<|>|-[a-z]{2}(?=\s))/.exec(cursor.text.slice(cursor.i, cursor.i + 4))?.[0];
  if (binary === undefined || (binary.startsWith('-') && !NUMERIC.test(binary))) {
    return { kind: 'unary', operator: '-n', operand: word };
  }
  cursor.i += binary.length;
  cursor.skipBlanks();
  return {
    kind: 'binary',
    operator: binary,
    left: word,
    right: binary === '=~' ? expression(cursor, parseList) : operand(cursor, parseList),
  };
}

function operand(cursor: Cursor, parseList: ParseList): Word {
  const word = readWord(cursor, parseList);
  if (word.length === 0 || literalText(word) === ']]') {
    if (word.length === 0 && cursor.atEnd) {
      cursor.failAtEnd("']]' is missing: '[[' is not closed");
    }
    cursor.fail("a word is missing in '[['");
  }
  return word;
}

/** A regular expression: brackets and bars belong to it. */
function expression(cursor: Cursor, parseList: ParseList): Word {
  const word = readWord(cursor, parseList, ' \t\r\n');
  return word.length === 0 ? cursor.fail("a regular expression is missing in '[['") : word;
}

/** Evaluates it; what is wrong is told by `fail`, and then it is false. */
export function* evaluateConditional(
  condition: Conditional,
  host: ExpansionHost,
  files: TestHost,
  fail: (message: string) => void,
): Generator<Pause, boolean> {
  switch (condition.kind) {
    case 'or':
      return (
        (yield* evaluateConditional(condition.left, host, files, fail)) || (yield* evaluateConditional(condition.right, host, files, fail))
      );
    case 'and':
      return (
        (yield* evaluateConditional(condition.left, host, files, fail)) && (yield* evaluateConditional(condition.right, host, files, fail))
      );
    case 'not':
      return !(yield* evaluateConditional(condition.operand, host, files, fail));
    case 'unary': {
      const text = yield* expandText(condition.operand, host);
      const result = testExpression([condition.operator, text], files);
      return result.ok && result.value;
    }
    case 'binary': {
      const { operator } = condition;
      const left = yield* expandText(condition.left, host);
      if (operator === '==' || operator === '=' || operator === '!=') {
        return matchesPattern(yield* expandPattern(condition.right, host), left) === (operator !== '!=');
      }
      const right = yield* expandText(condition.right, host);
      if (operator === '=~') {
        return matchesExpression(left, right, fail);
      }
      const [a, b] = [left, right].map((text) => (NUMERIC.test(operator) ? evaluate(text, (name) => host.variable(name) ?? '') : null));
      const bad = [a, b].find((one) => one?.ok === false);
      if (bad?.ok === false) {
        fail(bad.error);
        return false;
      }
      const words = a?.ok && b?.ok ? [String(a.value), operator, String(b.value)] : [left, operator, right];
      const result = testExpression(words, files);
      return result.ok && result.value;
    }
  }
}

function matchesExpression(text: string, pattern: string, fail: (message: string) => void): boolean {
  const compiled = compileTextRegex(pattern, 'extended', { ignoreCase: false });
  if (typeof compiled === 'string') {
    fail(`${pattern}: ${compiled}`);
    return false;
  }
  return compiled.test(text);
}
