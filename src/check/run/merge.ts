/** Puts the results of shards together: what one process would have found. */
import { type CheckResult, joinParts, type Part, type PropertyResult, passes } from './check.ts';

/** The result of all shards, file by file; an error text if they do not belong together. A result that is no shard's stays as it is. */
export function mergeResults(shards: readonly (readonly CheckResult[])[]): readonly CheckResult[] | string {
  const byFile = new Map<string, CheckResult[]>();
  for (const result of shards.flat()) {
    byFile.set(result.file, [...(byFile.get(result.file) ?? []), result]);
  }
  const merged: CheckResult[] = [];
  for (const [file, results] of byFile) {
    const one = mergeFile(results);
    if (typeof one === 'string') {
      return `${file}: ${one}`;
    }
    merged.push(one);
  }
  return merged;
}

function mergeFile(results: readonly CheckResult[]): CheckResult | string {
  const [first, ...rest] = results as [CheckResult, ...CheckResult[]];
  if (first.shard === undefined && rest.length === 0) {
    return first;
  }
  const wrong = differs(first, rest);
  if (wrong !== null) {
    return wrong;
  }
  const numbers = results.map(({ shard }) => shard?.number ?? 0);
  const missing = Array.from({ length: first.shard?.of ?? 0 }, (_, i) => i + 1).filter((number) => !numbers.includes(number));
  const properties = first.properties.map((_, i) =>
    mergeProperty(
      results.map((one) => one.properties[i] as PropertyResult),
      missing.length > 0,
    ),
  );
  const { shard: _shard, interrupted: _interrupted, ...common } = first;
  return {
    ...common,
    properties,
    ...(results.some(({ interrupted }) => interrupted === true) ? { interrupted: true } : {}),
    ...(missing.length === 0 ? {} : { missingShards: missing }),
    passed: passes(properties, first.refused),
  };
}

/** Why results are not the shards of one search. */
function differs(first: CheckResult, rest: readonly CheckResult[]): string | null {
  const seen = new Set([first.shard?.number]);
  for (const one of [first, ...rest]) {
    if (one.shard === undefined || one.properties.some(({ parts }) => parts === undefined)) {
      return 'only results of shards (--shard) can be merged';
    }
    if (one.seed !== first.seed) {
      return `the shards have different seeds: ${first.seed} and ${one.seed}`;
    }
    if (one.shard.of !== first.shard?.of) {
      return `a shard is one of ${first.shard?.of ?? 0}, another one of ${one.shard.of}`;
    }
    const same =
      one.properties.length === first.properties.length && one.properties.every(({ name }, i) => name === first.properties[i]?.name);
    if (!same) {
      return 'the shards are of different properties';
    }
  }
  for (const { shard } of rest) {
    if (seen.has(shard?.number)) {
      return `the same shard is there twice: ${shard?.number ?? 0}/${shard?.of ?? 0}`;
    }
    seen.add(shard?.number);
  }
  const overlap = first.properties.some((_, i) => {
    const firsts = [first, ...rest].flatMap(({ properties }) => properties[i]?.parts ?? []).map((part) => part.first);
    return new Set(firsts).size < firsts.length;
  });
  return overlap ? 'the shards overlap: they were made with different options' : null;
}

function mergeProperty(shards: readonly PropertyResult[], incomplete: boolean): PropertyResult {
  const { name, position, builtin } = shards[0] as PropertyResult;
  const joined = joinParts(shards.flatMap(({ parts = [] }): readonly Part[] => parts));
  const open = incomplete || shards.some(({ verdict }) => verdict === 'unfinished');
  if (joined.verdict !== 'holds' || !open) {
    return { name, position, builtin, ...joined };
  }
  const planned = shards.reduce((sum, one) => sum + (one.planned ?? one.runs), 0);
  return { name, position, builtin, ...joined, verdict: 'unfinished', ...(incomplete ? {} : { planned }) };
}
