/**
 * The proxy part of the conformance suite: records of `../shared/vectors/proxy.jsonl` in the format of PROXY-FORMAT.md.
 */
import { isDeepStrictEqual } from 'node:util';
import { type CaseOutcome, type ConformanceModule, hasShared, readLines, type SuiteOutcome, sharedFile } from './module.ts';
import { computeProxyRecord, type ProxyRecord } from './proxy_case.ts';

const FILE = 'vectors/proxy.jsonl';

/** The computed result of a record: `{name, kind, result}`, `{name, skipped}` or `{name, error}`. */
export function emitProxy(record: unknown): object {
  const input = record as ProxyRecord;
  try {
    const result = computeProxyRecord(input);
    return typeof result === 'string'
      ? { name: input.name, kind: input.kind, skipped: result }
      : { name: input.name, kind: input.kind, result };
  } catch (error) {
    return { name: input.name, kind: input.kind, error: String(error) };
  }
}

/** Compares a record with its expectations; `null`: it is skipped. */
export function checkProxyRecord(record: unknown): CaseOutcome | null {
  const input = record as ProxyRecord;
  const emitted = emitProxy(record) as {
    readonly result?: Readonly<Record<string, unknown>>;
    readonly skipped?: string;
    readonly error?: string;
  };
  if (emitted.skipped !== undefined) {
    return null;
  }
  if (emitted.result === undefined) {
    return { name: input.name, differences: [`broken: ${emitted.error ?? ''}`] };
  }
  const differences: string[] = [];
  for (const [path, wanted, found] of comparisons(input, emitted.result)) {
    if (!isDeepStrictEqual(wanted, found)) {
      differences.push(`${path}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`);
    }
  }
  return { name: input.name, differences };
}

export const proxyModule: ConformanceModule = {
  kind: 'proxy',
  emit: (line) => [emitProxy(line)],
  compare(): SuiteOutcome[] {
    if (!hasShared(FILE)) {
      return [];
    }
    const suites = new Map<string, CaseOutcome[]>();
    for (const line of readLines(sharedFile(FILE)) as ProxyRecord[]) {
      const outcome = checkProxyRecord(line);
      if (outcome !== null) {
        const cases = suites.get(line.kind) ?? [];
        cases.push(outcome);
        suites.set(line.kind, cases);
      }
    }
    return [...suites].map(([kind, cases]) => ({ suite: `proxy ${kind}`, cases }));
  },
};

type Comparison = readonly [path: string, wanted: unknown, found: unknown];

/** What of a result is compared: only what the record states. */
function comparisons(record: ProxyRecord, result: Readonly<Record<string, unknown>>): Comparison[] {
  const given = record as unknown as Readonly<Record<string, unknown>>;
  switch (record.kind) {
    case 'policy':
      return policyComparisons(record, result);
    case 'policy-reject':
    case 'hostmap-reject':
      return [['error', given['error'], result['error']]];
    case 'hostmap':
      return (record.checks ?? []).map((check, i) => [
        `checks[${i}]`,
        check['expectId'],
        (result['checks'] as readonly { readonly id: number }[])[i]?.id,
      ]);
    case 'http':
      return [...members('expect', record.expect ?? {}, result), ...members('derived123', omit(record.derived123 ?? {}, 'note'), result)];
    case 'accesslog':
      return accessLogComparisons(record, result);
    case 'bpf-metadata':
      return metadataComparisons(record, result);
    case 'wire':
      return ['upstreamRequest', 'upstreamConnectionOpened', 'downstreamFirst', 'downstreamResponse']
        .filter((key) => given[key] !== undefined)
        .map((key) => [key, given[key], result[key] ?? '']);
    default:
      return (record.checks ?? []).flatMap((check, i) =>
        members(`checks[${i}]`, pick(check, ['out', 'reject', 'redirect']), (result['checks'] as readonly object[])[i] ?? {}),
      );
  }
}

function policyComparisons(record: ProxyRecord, result: Readonly<Record<string, unknown>>): Comparison[] {
  const list: Comparison[] = [['exists', record.exists, record.exists === undefined ? undefined : result['exists']]];
  (record.checks ?? []).forEach((check, i) => {
    const found = (result['checks'] as readonly Readonly<Record<string, unknown>>[])[i] ?? {};
    list.push([`checks[${i}]`, check['expect'], found['verdict']]);
    for (const key of ['tlsSocketRequired', 'rawSocketAllowed']) {
      if (check[key] !== undefined) {
        list.push([`checks[${i}].${key}`, check[key], found[key]]);
      }
    }
  });
  return list;
}

function metadataComparisons(record: ProxyRecord, result: Readonly<Record<string, unknown>>): Comparison[] {
  const { option, ...expect } = (record.expect ?? {}) as { readonly option?: Readonly<Record<string, unknown>> };
  const wanted = omit(option ?? {}, 'markMagic', 'markId');
  return [...members('expect', expect, result), ...members('option', wanted, (result['option'] ?? {}) as object)];
}

function accessLogComparisons(record: ProxyRecord, result: Readonly<Record<string, unknown>>): Comparison[] {
  const deep = (path: string, wanted: unknown, found: unknown): Comparison[] =>
    wanted !== null && typeof wanted === 'object' && !Array.isArray(wanted)
      ? Object.entries(wanted).flatMap(([key, value]) =>
          deep(`${path}.${key}`, value, (found as Readonly<Record<string, unknown>> | undefined)?.[key]),
        )
      : [[path, wanted, found]];
  const wanted = record as unknown as { readonly expectRequest: object; readonly expectResponse: object };
  return [
    ...deep('request', omit(wanted.expectRequest, 'proxy_id', 'timestampNonZero'), result['request']),
    ...deep('response', wanted.expectResponse, result['response']),
  ];
}

function members(path: string, wanted: object, found: object): Comparison[] {
  return Object.entries(wanted).map(([key, value]) => [`${path}.${key}`, value, (found as Readonly<Record<string, unknown>>)[key]]);
}

function pick(object: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)));
}

function omit(object: object, ...keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
