/** Puts the results of shards together: what one process would have found. */
import { type CheckResult, joinParts, type PropertyResult } from './check.ts';

/** The result of all shards, or an error text if they do not belong together. Parts that are missing are simply not in the count. */
export function mergeResults(shards: readonly (readonly CheckResult[])[]): readonly CheckResult[] | string {
  const merged = new Map<string, CheckResult>();
  for (const result of shards.flat()) {
    const known = merged.get(result.file);
    if (known === undefined) {
      merged.set(result.file, result);
      continue;
    }
    if (known.seed !== result.seed) {
      return `the results of ${result.file} have different seeds: ${known.seed} and ${result.seed}`;
    }
    const both = mergeProperties(known.properties, result.properties);
    if (typeof both === 'string') {
      return `${result.file}: ${both}`;
    }
    const passed = known.refused.length === 0 && both.every(({ verdict }) => verdict === 'holds');
    merged.set(result.file, { ...known, properties: both, passed });
  }
  return [...merged.values()];
}

function mergeProperties(a: readonly PropertyResult[], b: readonly PropertyResult[]): readonly PropertyResult[] | string {
  if (a.length !== b.length || a.some(({ name }, i) => name !== b[i]?.name)) {
    return 'the results are of different properties';
  }
  const merged: PropertyResult[] = [];
  for (const [i, one] of a.entries()) {
    const other = b[i] as PropertyResult;
    if (one.parts === undefined || other.parts === undefined) {
      return 'only results of shards (--shard) can be merged';
    }
    const parts = [...one.parts, ...other.parts].sort((x, y) => x.first - y.first);
    if (parts.some((part, at) => part.first === parts[at + 1]?.first)) {
      return 'the same shard is there twice';
    }
    merged.push({ ...one, ...joinParts(parts), parts });
  }
  return merged;
}
