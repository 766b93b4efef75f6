/**
 * A YAML document with positions: from a path inside the value to line and column of its source.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import type { Issue, SourcePosition } from './issue.ts';

/** More errors than this are consequences of the first. */
const MAX_ERRORS = 20;

/** A parsed document. */
export interface SourceDocument {
  readonly value: unknown;
  /** Position of the value at a path, or of the nearest ancestor that has one. */
  position(path: readonly (string | number)[]): SourcePosition;
  /** Position of a key of the mapping at a path. */
  keyPosition(path: readonly (string | number)[], key: string): SourcePosition;
  /** For a block text (`|`): the line its first line stands on, and by how much it is indented; `null` for other values. */
  blockText(path: readonly (string | number)[]): { readonly line: number; readonly indent: number } | null;
}

/** A document or what is wrong with it. */
export type DocumentResult =
  | { readonly ok: true; readonly document: SourceDocument }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Reads exactly one document. */
export function readDocument(text: string, file: string): DocumentResult {
  const lines = new LineCounter();
  const at = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problem = (code: string, message: string, position: SourcePosition): DocumentResult => ({
    ok: false,
    issues: [{ code, message, position, path: '' }],
  });
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (control !== null) {
    return problem('yaml', 'the file holds control characters: it is no text file', textPosition(text, control.index, file));
  }
  let documents: readonly Document[];
  try {
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
    documents = Array.isArray(parsed) ? (parsed as Document[]) : [];
  } catch (error) {
    return problem('yaml', yamlMessage(error), { file, line: 1, column: 1 });
  }
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length > 0) {
    return {
      ok: false,
      issues: errors
        .slice(0, MAX_ERRORS)
        .map((error) => ({ code: 'yaml', message: yamlMessage(error), position: at(error.pos[0]), path: '' })),
    };
  }
  const [document] = documents;
  if (document === undefined || (document.contents === null && documents.length === 1)) {
    return problem('yaml', 'the file is empty', { file, line: 1, column: 1 });
  }
  if (documents.length > 1) {
    return problem('yaml', 'the file holds more than one document', at((documents[1] as Document).range?.[0] ?? 0));
  }
  try {
    return { ok: true, document: sourceDocument(document, document.toJS({ maxAliasCount: 100 }), at, text) };
  } catch (error) {
    return problem('yaml', yamlMessage(error), { file, line: 1, column: 1 });
  }
}

function sourceDocument(document: Document, value: unknown, at: (offset: number) => SourcePosition, text: string): SourceDocument {
  const nodeAt = (path: readonly (string | number)[]): Node | null => {
    let node = resolve(document, document.contents);
    let nearest: Node | null = node;
    for (const part of path) {
      const next = child(node, part);
      if (next === null) {
        break;
      }
      node = resolve(document, next);
      nearest = node;
    }
    return nearest;
  };
  const start = (node: Node | null): SourcePosition => at(node?.range?.[0] ?? 0);
  return {
    value,
    position: (path) => start(nodeAt(path)),
    keyPosition: (path, key) => {
      const node = nodeAt(path);
      const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === key) : undefined;
      return start((pair?.key as Node | undefined) ?? node);
    },
    blockText: (path) => {
      const node = nodeAt(path);
      if (!isScalar(node) || (node.type !== 'BLOCK_LITERAL' && node.type !== 'BLOCK_FOLDED')) {
        return null;
      }
      const first = text.indexOf('\n', node.range?.[0] ?? 0) + 1;
      const indent = /^ */.exec(text.slice(first))?.[0].length ?? 0;
      return { line: at(first).line, indent };
    },
  };
}

function resolve(document: Document, node: unknown): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : ((node as Node | null) ?? null);
}

function child(node: Node | null, part: string | number): Node | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
    return pair === undefined ? null : ((pair.value as Node | null) ?? (pair.key as Node));
  }
  return isSeq(node) && typeof part === 'number' ? ((node.items[part] as Node | undefined) ?? null) : null;
}

function textPosition(text: string, offset: number, file: string): SourcePosition {
  const before = text.slice(0, offset);
  return { file, line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function yamlMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('call stack')) {
    return 'the values are nested too deeply';
  }
  return message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'this is no YAML';
}
