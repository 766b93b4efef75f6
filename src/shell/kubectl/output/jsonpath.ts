/**
 * Evaluates JSONPath templates on objects, as `kubectl -o jsonpath=…` does.
 * @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go
 * @remarks Simplified: the members of a map under `*` come in the order of their names; Go's order is random.
 */
import { goJson } from '../../../net/go_json.ts';
import { type PathNode, parseJsonPath } from './jsonpath_parser.ts';

/** The text of an evaluated template, or the message kubectl prints. */
export type JsonPathResult = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string };

/** The lists a template found, or the engine's message. */
export type FoundValues =
  | { readonly ok: true; readonly lists: readonly (readonly unknown[])[] }
  | { readonly ok: false; readonly error: string };

/** Evaluates a template. Absent members are nothing, not an error. */
export function printJsonPath(template: string, object: unknown): JsonPathResult {
  const parsed = parseJsonPath(template);
  if (!parsed.ok) {
    return { ok: false, error: `error: error parsing jsonpath ${template}, ${parsed.error}` };
  }
  const found = evaluate(parsed.root, object);
  if (!found.ok) {
    const quoted = JSON.stringify(template);
    return {
      ok: false,
      error:
        `error: error executing jsonpath ${quoted}: Error executing template: ${found.error}. ` +
        `Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n`,
    };
  }
  return { ok: true, text: found.lists.map((values) => values.map(jsonPathText).join(' ')).join('') };
}

/** What a path finds in an object: one list for each part of the template. */
export function findJsonPath(template: string, object: unknown): FoundValues {
  const parsed = parseJsonPath(template);
  return parsed.ok ? evaluate(parsed.root, object) : { ok: false, error: parsed.error };
}

/** A value as the printer writes it: containers as JSON. @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go#JSONPath.evalToText */
export function jsonPathText(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'object' ? goJson(value) : String(value);
}

class EvalError extends Error {}

function evaluate(root: readonly PathNode[], object: unknown): FoundValues {
  try {
    const { lists } = evalBlock(root, 0, object, 0);
    return { ok: true, lists };
  } catch (error) {
    if (error instanceof EvalError) {
      return { ok: false, error: error.message };
    }
    throw error;
  }
}

interface Block {
  readonly lists: (readonly unknown[])[];
  /** Position after the block's `{end}`; `null` if the template ends before it. */
  readonly next: number | null;
}

/** Nodes up to the `{end}` that closes the block. @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go#JSONPath.FindResults */
function evalBlock(nodes: readonly PathNode[], from: number, object: unknown, ranges: number): Block {
  const lists: (readonly unknown[])[] = [];
  let at = from;
  while (at < nodes.length) {
    const node = nodes[at] as PathNode;
    const word = node.kind === 'list' ? node.nodes.find((one) => one.kind === 'identifier')?.name : undefined;
    if (word === 'end') {
      if (ranges === 0) {
        throw new EvalError('not in range, nothing to end');
      }
      return { lists, next: at + 1 };
    }
    const values = walk([object], node);
    at++;
    if (word === 'range') {
      // A range over nothing is still walked once, to find its end.
      let next: number | null = null;
      for (const value of values) {
        const inner = evalBlock(nodes, at, value, ranges + 1);
        lists.push(...inner.lists);
        next = inner.next;
      }
      // A range that is not closed is followed by the same nodes again, outside of it.
      at = (values.length > 0 ? next : evalBlock(nodes, at, null, ranges + 1).next) ?? at;
    } else {
      lists.push(values);
    }
  }
  return { lists, next: null };
}

function walk(input: readonly unknown[], node: PathNode): unknown[] {
  switch (node.kind) {
    case 'text':
      return [node.text];
    case 'literal':
      return [node.value];
    case 'list':
      return node.nodes.reduce<unknown[]>((values, one) => walk(values, one), [...input]);
    case 'identifier':
      if (node.name === 'range') {
        return [...input];
      }
      throw new EvalError(`unrecognized identifier ${node.name}`);
    case 'field':
      return input.flatMap((value) =>
        isMap(value) && Object.hasOwn(value, node.name) && value[node.name] !== undefined ? [value[node.name]] : [],
      );
    case 'wildcard':
      return input.flatMap(children);
    case 'recursive':
      return input.flatMap(descend);
    case 'union':
      return node.lists.flatMap((list) => walk(input, list));
    case 'index':
      return input.flatMap((value) => {
        const end = node.index + 1;
        return value === null || value === undefined ? [] : slice(asArray(value), node.index, end === 0 ? null : end, 1);
      });
    case 'array':
      return input.flatMap((value) =>
        value === null || value === undefined ? [] : slice(asArray(value), node.start, node.end, node.step ?? 1),
      );
    case 'filter':
      return input.flatMap((value) => filter(value, node));
  }
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new EvalError(`${goType(value)} is not array or slice`);
  }
  return value;
}

/** @see kubernetes:staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go#JSONPath.evalArray */
function slice(list: readonly unknown[], start: number | null, end: number | null, step: number): unknown[] {
  const { length } = list;
  const first = (start ?? 0) < 0 ? (start ?? 0) + length : (start ?? 0);
  const last = end === null ? length : end < 0 ? end + length : end;
  if (first === last) {
    return [];
  }
  if (first >= length || first < 0) {
    throw new EvalError(`array index out of bounds: index ${first}, length ${length}`);
  }
  if (last > length || last < 0) {
    throw new EvalError(`array index out of bounds: index ${last - 1}, length ${length}`);
  }
  if (first > last) {
    throw new EvalError(`starting index ${first} is greater than ending index ${last}`);
  }
  if (step <= 0) {
    throw new EvalError('step must be > 0');
  }
  return list.slice(first, last).filter((_value, i) => i % step === 0);
}

function filter(value: unknown, node: Extract<PathNode, { readonly kind: 'filter' }>): unknown[] {
  if (value === null || value === undefined) {
    return [];
  }
  if (!Array.isArray(value)) {
    throw new EvalError(`${goText(value)} is not array or slice and cannot be filtered`);
  }
  return value.filter((item: unknown) => {
    const lefts = walk([item], node.left);
    if (node.operator === 'exists') {
      return lefts.length > 0;
    }
    if (lefts.length === 0) {
      return false;
    }
    const rights = walk([item], node.right);
    if (lefts.length > 1 || rights.length > 1) {
      throw new EvalError('can only compare one element at a time');
    }
    return rights.length === 1 && compares(lefts[0], node.operator, rights[0]);
  });
}

/** @see kubernetes:third_party/forked/golang/template/funcs.go */
function compares(left: unknown, operator: string, right: unknown): boolean {
  const order = ['<', '<=', '>', '>='].includes(operator);
  if (!order && operator !== '==' && operator !== '!=') {
    throw new EvalError(`unrecognized filter operator ${operator}`);
  }
  if (![left, right].every((one) => ['string', 'number', 'boolean'].includes(typeof one)) || (order && typeof left === 'boolean')) {
    throw new EvalError('invalid type for comparison');
  }
  if (typeof left !== typeof right) {
    throw new EvalError('incompatible types for comparison');
  }
  const [a, b] = [left as string | number, right as string | number];
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

/** The value and all that is in it; numbers and booleans do not count. */
function descend(value: unknown): unknown[] {
  return typeof value === 'number' || typeof value === 'boolean' ? [] : [value, ...children(value).flatMap(descend)];
}

function children(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : isMap(value) ? memberNames(value).map((key) => value[key]) : [];
}

function memberNames(value: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(value).sort();
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function goType(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    default:
      return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
  }
}

/** A value as Go's %v prints it. */
function goText(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(goText).join(' ')}]`;
  }
  return isMap(value)
    ? `map[${memberNames(value)
        .map((key) => `${key}:${goText(value[key])}`)
        .join(' ')}]`
    : String(value ?? '<nil>');
}

/** A value as Go's %#v prints it. */
function goSyntax(value: unknown): string {
  if (value === null || value === undefined) {
    return 'interface {}(nil)';
  }
  if (Array.isArray(value)) {
    return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  }
  if (isMap(value)) {
    const members = memberNames(value).filter((key) => value[key] !== undefined);
    return `map[string]interface {}{${members.map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`).join(', ')}}`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
