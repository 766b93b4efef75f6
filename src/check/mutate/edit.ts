/** Edits of a YAML text at its nodes: what is not touched keeps its bytes. */
import { isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';

/** Replaces the characters from `start` (included) to `end` (excluded). */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text after an edit. */
export function applyEdit(text: string, { start, end, text: replacement }: Edit): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Removes an item of a list; `null` for the only one, since an empty list would mean something else. */
export function removeItem(list: YAMLSeq, index: number): Edit | null {
  const spans = list.items.map((item) => (isNode(item) ? spanOf(item) : null));
  return removeSpan(spans, index);
}

/** Removes a member of a map; the only one leaves `{}`. */
export function removePair(map: YAMLMap, index: number): Edit | null {
  const spans = map.items.map(pairSpan);
  const only = spans.length === 1 ? spans[0] : null;
  if (only !== null && only !== undefined) {
    const inFlow = map.flow === true;
    return { start: only.start, end: only.end, text: inFlow ? '' : '{}' };
  }
  return removeSpan(spans, index);
}

/** Replaces a node by a text on one line. */
export function replaceNode(node: Node, text: string): Edit | null {
  const span = spanOf(node);
  return span === null ? null : { ...span, text };
}

/** The member of a map with a key, and its place. */
export function memberOf(map: unknown, key: string): { readonly value: unknown; readonly index: number; readonly map: YAMLMap } | null {
  if (!isMap(map)) {
    return null;
  }
  const index = map.items.findIndex((pair) => keyOf(pair) === key);
  return index < 0 ? null : { value: map.items[index]?.value, index, map };
}

/** The key of a member as text. */
export function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The first and the last of a list go differently: the sign before the first stays for the second. */
function removeSpan(spans: readonly (Span | null)[], index: number): Edit | null {
  const own = spans[index];
  const [before, after] = [spans[index - 1], spans[index + 1]];
  if (own === null || own === undefined) {
    return null;
  }
  if (after !== undefined) {
    return after === null ? null : { start: own.start, end: after.start, text: '' };
  }
  return before === undefined || before === null ? null : { start: before.end, end: own.end, text: '' };
}

function spanOf(node: Node): Span | null {
  const { range } = node;
  if (range === null || range === undefined) {
    return null;
  }
  // The range of a block collection goes on to the next line; its last scalar tells where it really ends.
  const last = isMap(node) && node.flow !== true ? node.items.at(-1) : isSeq(node) && node.flow !== true ? node.items.at(-1) : null;
  const inner = last === null || last === undefined ? null : isNode(last) ? spanOf(last) : pairSpan(last as Pair);
  return { start: range[0], end: inner?.end ?? range[1] };
}

function pairSpan(pair: Pair): Span | null {
  const key = isNode(pair.key) ? spanOf(pair.key) : null;
  const value = isNode(pair.value) ? spanOf(pair.value) : null;
  return key === null || value === null ? null : { start: key.start, end: value.end };
}
