/**
 * Manifests: YAML texts to objects, with the place of every value and a list of what is wrong. Never throws.
 *
 * The texts are read as YAML 1.1, as Kubernetes' own reader (sigs.k8s.io/yaml) does: `yes` and `on` are booleans, `0755` is octal.
 * @see kubernetes:staging/src/k8s.io/apimachinery/pkg/util/yaml/decoder.go
 */
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseAllDocuments } from 'yaml';
import type { Origin } from './api_server.ts';
import type { KubeObject } from './objects.ts';
import { schemaIssues } from './schema.ts';

/** Something wrong with a manifest. */
export interface ManifestIssue {
  readonly code: string;
  readonly message: string;
  /** `spec.ports[0].port` */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** The object it is in; absent where the text is no object at all. */
  readonly object?: Readonly<Record<string, unknown>>;
}

/** An object with its place. */
export interface ManifestObject {
  readonly object: KubeObject;
  readonly origin: Origin;
}

/** What a manifest text holds. */
export interface Manifest {
  readonly objects: readonly ManifestObject[];
  readonly issues: readonly ManifestIssue[];
}

/** Largest depth of nesting that is read. */
const MAX_DEPTH = 100;

/** How members that a kind does not have are taken: the object is refused, or read without them, as an API server that only warns does. */
export type UnknownFields = 'refuse' | 'prune';

/** Reads all documents of a text; `List` objects are taken apart. Unknown members are issues in any case. */
export function parseManifest(text: string, file: string, unknownFields: UnknownFields = 'refuse'): Manifest {
  const objects: ManifestObject[] = [];
  const issues: ManifestIssue[] = [];
  const lines = new LineCounter();
  const documents = parse(text, lines, issues);
  for (const document of documents) {
    const found = document.errors.length + (depthOf(document.contents) > MAX_DEPTH ? 1 : 0);
    for (const error of document.errors) {
      issues.push({ code: 'yaml', message: firstLine(error.message), path: '', ...position(lines, error.pos[0]) });
    }
    if (depthOf(document.contents) > MAX_DEPTH) {
      issues.push({ code: 'yaml', message: `nested more than ${MAX_DEPTH} levels deep`, path: '', line: 1, column: 1 });
    }
    const value = found === 0 ? toValue(document, issues) : null;
    if (value !== null && value !== undefined) {
      collect(value, [], { document, lines, file, unknownFields }, objects, issues);
    }
  }
  return { objects, issues };
}

/** The value of a text that is no object: a patch. */
export function parseYamlValue(
  text: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string } {
  const issues: ManifestIssue[] = [];
  const [document] = parse(text, new LineCounter(), issues);
  const error = document?.errors[0];
  if (error !== undefined || (document !== undefined && depthOf(document.contents) > MAX_DEPTH)) {
    return { ok: false, error: error === undefined ? 'nested too deep' : firstLine(error.message) };
  }
  const value = document === undefined ? null : toValue(document, issues);
  return issues[0] === undefined ? { ok: true, value } : { ok: false, error: issues[0].message };
}

interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly file: string;
  readonly unknownFields: UnknownFields;
}

type Path = readonly (string | number)[];

function parse(text: string, lines: LineCounter, issues: ManifestIssue[]): readonly Document[] {
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      version: '1.1',
      schema: 'yaml-1.1',
      merge: true,
      uniqueKeys: true,
      logLevel: 'silent',
    });
    return 'empty' in documents ? [] : documents;
  } catch (error) {
    issues.push({ code: 'yaml', message: firstLine(String((error as Error).message)), path: '', line: 1, column: 1 });
    return [];
  }
}

/** The plain value; too many aliases are an issue. */
function toValue(document: Document, issues: ManifestIssue[]): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    issues.push({ code: 'yaml', message: firstLine(String((error as Error).message)), path: '', line: 1, column: 1 });
    return null;
  }
}

function collect(value: unknown, path: Path, source: Source, objects: ManifestObject[], issues: ManifestIssue[]): void {
  const report = (code: string, at: Path, message: string): void => {
    issues.push({ code, message, path: pathText(at), ...locate(source, [...path, ...at]), ...(isObject(value) ? { object: value } : {}) });
  };
  if (!isObject(value)) {
    report('object', [], 'expected a Kubernetes object (a map with apiVersion and kind)');
    return;
  }
  if (typeof value['kind'] === 'string' && value['kind'].endsWith('List') && Array.isArray(value['items'])) {
    value['items'].forEach((item, index) => {
      collect(item, [...path, 'items', index], source, objects, issues);
    });
    return;
  }
  const before = issues.length;
  const unknown: Path[] = [];
  schemaIssues(value, (code, at, message) => {
    report(code, at, message);
    if (code === 'unknown-field' && source.unknownFields === 'prune') {
      unknown.push(at);
    }
  });
  if (issues.length - before === unknown.length) {
    const origin: Origin = { file: source.file, locate: (at) => locate(source, [...path, ...at]) };
    objects.push({ object: unknown.reduce(without, value) as unknown as KubeObject, origin });
  }
}

/** A copy of an object without the member at a path. */
function without<T>(value: T, path: Path): T {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== 'object' || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((one, i) => (i === key ? without(one, rest) : one)) as T;
  }
  const entries = Object.entries(value).filter(([name]) => rest.length > 0 || name !== key);
  return Object.fromEntries(entries.map(([name, one]) => [name, name === key ? without(one, rest) : one])) as T;
}

/** The place of a value; the nearest parent's where it is absent. For a member of a map it is the key that counts. */
function locate(source: Source, path: Path): { line: number; column: number } {
  let node: unknown = source.document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : '') === String(step));
      if (pair === undefined) {
        break;
      }
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else {
      const item = isNode(node) && 'items' in node ? (node as unknown as { items: unknown[] }).items[Number(step)] : undefined;
      if (!isNode(item)) {
        break;
      }
      offset = item.range?.[0] ?? offset;
      node = item;
    }
  }
  return position(source.lines, offset);
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** `spec.ports[0].port` */
function pathText(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

function depthOf(node: unknown, depth = 0): number {
  if (depth > MAX_DEPTH || !isNode(node) || !('items' in node)) {
    return depth;
  }
  let deepest = depth;
  for (const item of (node as unknown as { items: unknown[] }).items) {
    const value = typeof item === 'object' && item !== null && 'value' in item && !isNode(item) ? (item as { value: unknown }).value : item;
    deepest = Math.max(deepest, depthOf(value, depth + 1));
  }
  return deepest;
}

function firstLine(message: string): string {
  if (message.includes('call stack')) {
    return 'the values are nested too deeply';
  }
  return (message.split('\n')[0] as string).replace(/ at line \d+, column \d+:?$/, '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
