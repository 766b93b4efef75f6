/** `test` and `[`. @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/test.html */

import type { FileStore } from './file_store.ts';

/** What is asked of the shell. */
export interface TestHost {
  /** Whether a path is a file, a folder, or nothing. */
  fileKind(path: string): 'file' | 'directory' | null;
  fileSize(path: string): number;
}

/** Questions about the files of a shell. */
export function fileTests(files: FileStore, folder: string): TestHost {
  return {
    fileKind: (path) => {
      const { kind } = files.read(folder, path);
      return kind === 'text' ? 'file' : kind === 'directory' ? kind : null;
    },
    fileSize: (path) => {
      const read = files.read(folder, path);
      return read.kind === 'text' ? read.text.length : 0;
    },
  };
}

/** The answer, or what is wrong with the expression. */
export type TestResult = { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly error: string };

const UNARY = ['-n', '-z', '-e', '-f', '-d', '-s', '-r', '-w', '-x', '-t'];
const BINARY = ['=', '==', '!=', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '<', '>'];

/** Evaluates the words between `[` and `]`. */
export function testExpression(words: readonly string[], host: TestHost): TestResult {
  let at = 0;
  let error: string | null = null;
  const fail = (message: string): boolean => {
    error ??= message;
    at = words.length;
    return false;
  };
  const primary = (): boolean => {
    const [word, second, third] = words.slice(at, at + 3);
    if (word === undefined) {
      return fail('argument expected');
    }
    if (second !== undefined && third !== undefined && BINARY.includes(second)) {
      at += 3;
      return compare(word, second, third, fail);
    }
    if (word === '!' && second !== undefined) {
      at++;
      return !primary();
    }
    if (word === '(' && second !== undefined) {
      at++;
      const value = either();
      return words[at++] === ')' ? value : fail("')' expected");
    }
    if (UNARY.includes(word) && second !== undefined) {
      at += 2;
      return unary(word, second, host);
    }
    at++;
    return /^-[a-z]$/.test(word) && second !== undefined ? fail(`${word}: unary operator expected`) : word !== '';
  };
  const both = (): boolean => {
    let value = primary();
    while (words[at] === '-a') {
      at++;
      value = primary() && value;
    }
    return value;
  };
  const either = (): boolean => {
    let value = both();
    while (words[at] === '-o') {
      at++;
      value = both() || value;
    }
    return value;
  };
  const value = words.length === 0 ? false : either();
  if (error === null && at < words.length) {
    error = words.length === 3 ? `${words[1] as string}: binary operator expected` : 'too many arguments';
  }
  return error === null ? { ok: true, value } : { ok: false, error };
}

function unary(operator: string, operand: string, host: TestHost): boolean {
  switch (operator) {
    case '-n':
      return operand !== '';
    case '-z':
      return operand === '';
    case '-f':
      return host.fileKind(operand) === 'file';
    case '-d':
      return host.fileKind(operand) === 'directory';
    case '-s':
      return host.fileSize(operand) > 0;
    case '-t':
      return false;
    default:
      return host.fileKind(operand) !== null;
  }
}

function compare(left: string, operator: string, right: string, fail: (message: string) => boolean): boolean {
  switch (operator) {
    case '=':
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    default:
      break;
  }
  for (const text of [left, right]) {
    if (!/^\s*[-+]?[0-9]+\s*$/.test(text)) {
      return fail(`${text}: integer expression expected`);
    }
  }
  const [a, b] = [Number(left), Number(right)];
  switch (operator) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    default:
      return a >= b;
  }
}
