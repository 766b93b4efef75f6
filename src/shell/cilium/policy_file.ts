/**
 * Rules from JSON files: a file, a directory with its files first and then its directories, or standard input.
 * @see cilium:cilium/cmd/policy.go#loadPolicy
 */
import { jsonErrorOffset } from '../../net/json_error.ts';
import type { ToolContext } from '../tool.ts';

/** The rules, or why they cannot be read. */
export type LoadedPolicy = { readonly ok: true; readonly rules: readonly unknown[] } | { readonly ok: false; readonly error: string };

/** Deeper directories are not followed: a tree of links has no end. */
const MAX_DEPTH = 20;

/** Loads rules. */
export function loadPolicy(path: string, context: ToolContext, depth = 0): LoadedPolicy {
  if (path === '-') {
    return parseRules(path, context.stdin);
  }
  const read = context.readPath(path);
  switch (read.kind) {
    case 'error':
      return { ok: false, error: `stat ${path}: ${read.error.toLowerCase()}` };
    case 'text':
      return parseRules(path, read.text);
    case 'directory':
      return depth >= MAX_DEPTH
        ? { ok: false, error: `${path}: too many levels of directories` }
        : loadDirectory(path, read.names, context, depth);
  }
}

function loadDirectory(path: string, names: readonly string[], context: ToolContext, depth: number): LoadedPolicy {
  const paths = names.filter((name) => name !== '.git').map((name) => `${path.replace(/\/+$/, '')}/${name}`);
  const isDirectory = (one: string): boolean => context.readPath(one).kind === 'directory';
  const rules: unknown[] = [];
  for (const one of [...paths.filter((file) => !isDirectory(file)), ...paths.filter(isDirectory)]) {
    const loaded = loadPolicy(one, context, depth + 1);
    if (!loaded.ok) {
      return loaded;
    }
    rules.push(...loaded.rules);
  }
  return { ok: true, rules };
}

/** @see cilium:cilium/cmd/policy.go#handleUnmarshalError */
function parseRules(path: string, text: string): LoadedPolicy {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const wrong = jsonErrorOffset(text);
  if (wrong !== null) {
    return { ok: false, error: syntaxError(base, text, wrong) };
  }
  const value = JSON.parse(text) as unknown;
  if (value === null) {
    return { ok: true, rules: [] };
  }
  return Array.isArray(value)
    ? { ok: true, rules: value as unknown[] }
    : { ok: false, error: `${base}:1: unable to assign value '${typeof value}' to type 'api.Rules'` };
}

/** The line with a mark below the place; at the start of a line, and at the end of the text, the real command only guesses. */
function syntaxError(base: string, text: string, position: number): string {
  const before = text.slice(0, position);
  const start = before.lastIndexOf('\n') + 1;
  const column = position - start;
  if (position >= text.length || column === 0) {
    return 'malformed policy, not JSON?';
  }
  const line = text.slice(start).split('\n')[0] ?? '';
  const blanks = line.slice(0, column).replace(/[^\t]/g, ' ');
  return `${base}:${before.split('\n').length}: syntax error at offset ${column + 1}:\n${line}\n${blanks}^`;
}
