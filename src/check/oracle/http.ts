/** Whether a request is one that HTTP rules allow. */
import { RE2JS } from 're2js';
import { Memo } from '../../net/memo.ts';
import type { HttpTerm } from './statement.ts';

/** A request as the proxy sees it: the path with its query, header names in small letters. */
export interface OracleRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers of an expression that have been found out. */
const compiled = new Map<string, Memo<boolean>>();
/** Expressions that stand for themselves. */
const LITERAL = /^[A-Za-z0-9_/ :,=&%@~-]+$/;
/** How many expressions are kept before all are forgotten. */
const LIMIT = 2048;

/** One rule holds, in all it asks for. */
export function requestAllowed(rules: readonly HttpTerm[], request: OracleRequest): boolean {
  return rules.some(
    ({ method, path, host, headers }) =>
      matchesWhole(method, request.method) &&
      matchesWhole(path, request.path) &&
      matchesWhole(host, request.host) &&
      headers.every(([name, value]) => {
        const have = request.headers[name.toLowerCase()];
        return have !== undefined && (value === null || value === have);
      }),
  );
}

/** An expression (RE2, as both agent and proxy read it) has to match the whole text; an empty one asks for nothing. */
export function matchesWhole(expression: string, text: string): boolean {
  if (expression === '' || LITERAL.test(expression)) {
    return expression === '' || expression === text;
  }
  let answers = compiled.get(expression);
  if (answers === undefined) {
    const regex = compile(expression);
    answers = new Memo((one) => regex?.testExact(one) ?? false);
    if (compiled.size >= LIMIT) {
      compiled.clear();
    }
    compiled.set(expression, answers);
  }
  return answers.get(text);
}

/** What does not compile matches nothing: neither agent nor proxy takes such a policy. */
function compile(expression: string): RE2JS | null {
  try {
    return RE2JS.compile(expression);
  } catch {
    return null;
  }
}
