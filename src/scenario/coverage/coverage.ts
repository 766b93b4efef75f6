/**
 * What the requests of a run exercised: policy elements (lines of YAML), entries of policy maps, reasons to drop, branches of the proxy's filters.
 * Read off the journey after each step; nothing decides anything a second time.
 */
import type { SourcePosition } from '../issue.ts';

/** Version of the layout below; a change that breaks readers changes it. */
export const COVERAGE_SCHEMA = 'trenchrun/coverage/1';

/** What a policy element is. */
export type ElementKind = 'rule' | 'element' | 'ports' | 'http';

/** A policy element. A `rule` is hit by a drop because nothing allowed the packet (default deny); the others by what they allow or deny. */
export interface CoveredElement {
  readonly kind: ElementKind;
  /** `CiliumNetworkPolicy default/rule1` */
  readonly policy: string;
  /** `spec.ingress[0].toPorts[0].rules.http[0]` */
  readonly element: string;
  /** `null` for what was not written in a file. */
  readonly position: SourcePosition | null;
  readonly hits: number;
}

/** An entry of a policy map, by what it means. */
export interface CoveredEntry {
  /** `default/deathstar` */
  readonly endpoint: string;
  readonly direction: 'ingress' | 'egress';
  readonly identity: number;
  readonly port: number;
  readonly protocol: number;
  readonly verdict: 'allow' | 'redirect' | 'deny';
  readonly hits: number;
}

/** Something that has a name and was seen or not. */
export interface CoveredName {
  readonly name: string;
  readonly hits: number;
}

/** The coverage of one run or of several. */
export interface Coverage {
  readonly schema: typeof COVERAGE_SCHEMA;
  readonly elements: readonly CoveredElement[];
  readonly entries: readonly CoveredEntry[];
  readonly drops: readonly CoveredName[];
  readonly branches: readonly CoveredName[];
}

/** The coverage of several runs together: equal things are counted together. */
export function mergeCoverage(all: readonly Coverage[]): Coverage {
  return {
    schema: COVERAGE_SCHEMA,
    elements: added(all.flatMap(({ elements }) => elements)),
    entries: added(all.flatMap(({ entries }) => entries)),
    drops: added(all.flatMap(({ drops }) => drops)),
    branches: added(all.flatMap(({ branches }) => branches)),
  };
}

function added<T extends { readonly hits: number }>(list: readonly T[]): T[] {
  const found = new Map<string, T>();
  for (const one of list) {
    const key = JSON.stringify({ ...one, hits: 0 });
    const before = found.get(key);
    found.set(key, before === undefined ? one : { ...before, hits: before.hits + one.hits });
  }
  return [...found.values()];
}
