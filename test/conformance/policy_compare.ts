/**
 * Compares a computed policy result with a vector's expectation, as EMIT.md says.
 */
import type { MapRow, PolicyResult, SubjectResult } from './policy_case.ts';

/** A vector's `expect`. */
export interface PolicyExpectation {
  readonly policies: readonly { readonly accepted: boolean; readonly rules: number; readonly error?: string }[];
  readonly cidrIdentities?: Readonly<Record<string, number>>;
  readonly subjects: readonly ExpectedSubject[];
}

interface ExpectedSubject extends SubjectResult {
  readonly mapStateAlternatives?: readonly (readonly MapRow[])[];
  readonly firstWriteAlternatives?: readonly (readonly MapRow[])[];
  readonly nextWriteAlternatives?: readonly (readonly MapRow[])[];
  readonly npdsAlternatives?: readonly unknown[];
  readonly unstable?: readonly string[];
}

/** What differs; empty when nothing. */
export function comparePolicy(result: PolicyResult, expect: PolicyExpectation): string[] {
  const differences: string[] = [];
  expect.policies.forEach((want, i) => {
    const have = result.policies[i];
    if (have?.accepted !== want.accepted) {
      differences.push(`policies[${i}].accepted: ${have?.accepted} instead of ${want.accepted} (${have?.error ?? want.error ?? ''})`);
    } else if (want.accepted && have.rules !== want.rules) {
      differences.push(`policies[${i}].rules: ${have.rules} instead of ${want.rules}`);
    }
  });
  if (canonical(result.cidrIdentities ?? {}) !== canonical(expect.cidrIdentities ?? {})) {
    differences.push(`cidrIdentities: ${canonical(result.cidrIdentities ?? {})} instead of ${canonical(expect.cidrIdentities ?? {})}`);
  }
  expect.subjects.forEach((want, i) => {
    const have = result.subjects[i];
    differences.push(...(have === undefined ? ['missing'] : compareSubject(have, want)).map((text) => `subjects[${i}].${text}`));
  });
  return differences;
}

function compareSubject(have: SubjectResult, want: ExpectedSubject): string[] {
  if (want.error !== undefined || have.error !== undefined) {
    return (want.error === undefined) === (have.error === undefined)
      ? []
      : [`error: ${have.error ?? 'none'} instead of ${want.error ?? 'none'}`];
  }
  const differences: string[] = [];
  for (const member of ['ingressEnforced', 'egressEnforced'] as const) {
    if (have[member] !== want[member]) {
      differences.push(`${member}: ${have[member]} instead of ${want[member]}`);
    }
  }
  const unstable = new Set(want.unstable ?? []);
  for (const member of ['mapState', 'firstWrite', 'nextWrite'] as const) {
    if (unstable.has(member) || (unstable.has('mapState') && want[member] === undefined)) {
      continue;
    }
    const wanted = [want[member] ?? want.mapState ?? [], ...(alternatives(want, member) ?? [])];
    const rows = have[member] ?? have.mapState ?? [];
    if (!wanted.some((one) => sameRows(rows, one))) {
      differences.push(`${member}: ${rowDifference(rows, wanted[0] ?? [])}`);
    }
  }
  if (!unstable.has('npds') && ![want.npds, ...(want.npdsAlternatives ?? [])].some((one) => npdsKey(have.npds) === npdsKey(one))) {
    differences.push(`npds: ${npdsKey(have.npds)} instead of ${npdsKey(want.npds)}`);
  }
  const dns = (rows: readonly unknown[] | undefined): string => canonicalSet(rows ?? []);
  if (!unstable.has('dnsProxy') && dns(have.dnsProxy) !== dns(want.dnsProxy)) {
    differences.push(`dnsProxy: ${dns(have.dnsProxy)} instead of ${dns(want.dnsProxy)}`);
  }
  return differences;
}

function alternatives(want: ExpectedSubject, member: 'mapState' | 'firstWrite' | 'nextWrite'): readonly (readonly MapRow[])[] | undefined {
  switch (member) {
    case 'mapState':
      return want.mapStateAlternatives;
    case 'firstWrite':
      return want.firstWriteAlternatives ?? (want.firstWrite === undefined ? want.mapStateAlternatives : undefined);
    case 'nextWrite':
      return want.nextWriteAlternatives ?? (want.nextWrite === undefined ? want.mapStateAlternatives : undefined);
  }
}

function sameRows(a: readonly MapRow[], b: readonly MapRow[]): boolean {
  return canonicalSet(a) === canonicalSet(b);
}

function rowDifference(have: readonly MapRow[], want: readonly MapRow[]): string {
  const texts = (rows: readonly MapRow[]): Set<string> => new Set(rows.map((row) => row.join(' ')));
  const mine = texts(have);
  const theirs = texts(want);
  const extra = [...mine].filter((text) => !theirs.has(text));
  const missing = [...theirs].filter((text) => !mine.has(text));
  return [...extra.map((text) => `+${text}`), ...missing.map((text) => `-${text}`)].join(', ');
}

/** Rules as multisets a port entry, entries as a multiset; lists of names and HTTP rules in any order. */
function npdsKey(value: unknown): string {
  return canonical(value, true);
}

function canonicalSet(items: readonly unknown[]): string {
  return `[${items
    .map((item) => canonical(item))
    .sort()
    .join(',')}]`;
}

function canonical(value: unknown, unordered = false): string {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => canonical(item, unordered));
    return `[${(unordered ? items.sort() : items).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, member]) => `${key}:${canonical(member, unordered)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
