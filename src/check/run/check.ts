/** Checks the properties of a scenario: searches, shrinks, confirms, explains. */
import fc from 'fast-check';
import type { SourcePosition } from '../../scenario/issue.ts';
import { plainText } from '../../scenario/report/block.ts';
import { report } from '../../scenario/report/report.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { FAULT_PROPERTY, faultSearch } from '../faults/search.ts';
import { type SearchRange, searchBlocks } from './blocks.ts';
import { builtins } from './builtins.ts';
import { confirm } from './confirm.ts';
import { derivationOf, placeOf, summaryOf } from './derivation.ts';
import { disturb } from './disturb.ts';
import { minimize } from './minimize.ts';
import { type Case, type Prepared, prepare } from './property.ts';
import { scenarioText } from './scenario_text.ts';
import { type CheckSubject, type RefusedPolicy, subjectOf } from './subject.ts';

/** Cases with faults unless told otherwise. */
const FAULT_RUNS = 100;

/** How to check. */
export interface CheckOptions {
  readonly seed: number;
  /** Cases a property. */
  readonly runs: number;
  /** Leave the built-in safety properties out. */
  readonly builtins: boolean;
  /** Cases with faults; each takes milliseconds. Default: 100. */
  readonly faultRuns?: number;
  /** Only this case: `property:path`. */
  readonly replay: string | null;
}

/** A counterexample. */
export interface Counterexample {
  /** `--seed 1 --replay 2:0:1` finds it again. */
  readonly seed: number;
  readonly replay: string;
  /** `default/tiefighter POST /v1/ to default/deathstar port 80 reaches the destination` */
  readonly summary: string;
  /** Why, line by line: the policy elements that decided. */
  readonly derivation: readonly string[];
  /** Where the first of these elements was written, if one decided. */
  readonly position?: SourcePosition;
  /** A scenario that `trenchrun run` replays; it fails as long as the property is broken. */
  readonly scenario: string;
  /** The story of its run. */
  readonly story: string;
  /** Why the simulated cluster does not confirm it; `null` = it does. */
  readonly unconfirmed: string | null;
}

/** `holds`: no case tried breaks it. `vacuous`: it speaks of nobody. */
export type Verdict = 'holds' | 'broken' | 'vacuous';

/** Some cases of a property, one after the other, and what became of them. */
export interface Part {
  /** Number of the first case. */
  readonly first: number;
  /** Cases tried. */
  readonly runs: number;
  readonly verdict: Verdict;
  readonly counterexample: Counterexample | null;
  /** What the real system does that the property leaves out, with its reference, if a case met it. */
  readonly notes?: readonly string[];
}

/** What became of one property. */
export interface PropertyResult {
  readonly name: string;
  readonly position: SourcePosition | null;
  readonly builtin: boolean;
  /** Cases tried. */
  readonly runs: number;
  /** Cases that should have been tried; only with `unfinished`, if it is known. */
  readonly planned?: number;
  /** `unfinished`: not all cases were tried, and none of those that were breaks it. */
  readonly verdict: Verdict | 'unfinished';
  readonly counterexample: Counterexample | null;
  /** What the real system does that the property leaves out, with its reference, if a case met it. */
  readonly notes?: readonly string[];
  /** What it was put together from; results of shards have it, so that they can be merged. */
  readonly parts?: readonly Part[];
}

/** What became of all. */
export interface CheckResult {
  readonly file: string;
  readonly seed: number;
  readonly properties: readonly PropertyResult[];
  /** Policies that the agents refuse: the properties were checked without them. */
  readonly refused: readonly RefusedPolicy[];
  /** Which shard's result it is; absent: that of all. */
  readonly shard?: { readonly number: number; readonly of: number };
  /** Whether the search was stopped before its end. */
  readonly interrupted?: boolean;
  /** Numbers of the shards whose results were not there when the others' were put together. */
  readonly missingShards?: readonly number[];
  readonly passed: boolean;
}

/** Checks a scenario. Equal scenario and options give an equal result. */
export function checkScenario(scenario: Scenario, options: CheckOptions): CheckResult {
  const plan = planOf(scenario, options);
  const parts = plan.properties.map((property, index) =>
    property.wanted ? [tryPart(plan, { property: index, first: 0, count: property.runs })] : [],
  );
  return resultOf(plan, parts);
}

/** The properties of a scenario, made ready. */
export interface CheckPlan {
  readonly file: string;
  readonly options: CheckOptions;
  readonly properties: readonly PlannedProperty[];
  readonly refused: readonly RefusedPolicy[];
}

/** One of them. */
export interface PlannedProperty {
  readonly name: string;
  /** Tries cases. */
  readonly search: (range: SearchRange) => Omit<Part, 'first'>;
  readonly position: SourcePosition | null;
  readonly builtin: boolean;
  /** Cases to try. */
  readonly runs: number;
  /** Whether it is to be tried: `replay` names a property. */
  readonly wanted: boolean;
  /** Whether a case takes milliseconds. */
  readonly costly: boolean;
}

/** Cases of a property: from the first on, so many. Trying them in parts gives what trying them at once gives. */
export interface Slice {
  /** Index of the property. */
  readonly property: number;
  readonly first: number;
  readonly count: number;
}

/** Makes ready what a scenario states. */
export function planOf(scenario: Scenario, options: CheckOptions): CheckPlan {
  const subject = subjectOf(scenario);
  const searched = (prepared: Prepared) => ({
    name: prepared.section.name,
    search: (range: SearchRange) => search(prepared, range),
    costly: false,
  });
  const own = scenario.properties.map(({ property, position }) => ({ ...searched(prepare(property, subject)), position, builtin: false }));
  const safe = builtins(subject).map((prepared) => ({ ...searched(prepared), position: null, builtin: true }));
  const faults = { name: FAULT_PROPERTY, search: faultSearch(subject).run, costly: true, position: null, builtin: true };
  const extra = options.builtins ? [...safe, ...(meetsFaults(subject.policies) ? [faults] : [])] : [];
  const properties = [...own, ...extra].map((one, index) => ({
    ...one,
    runs: runsOf(options, one.costly),
    wanted: options.replay === null || options.replay.startsWith(`${index + 1}:`),
  }));
  return { file: scenario.file, options, properties, refused: subject.refused };
}

/** Tries some cases of a property. */
export function tryPart({ properties, options }: CheckPlan, { property, first, count }: Slice): Part {
  const { search: tryCases } = properties[property] as PlannedProperty;
  const replayed = options.replay?.slice(options.replay.indexOf(':') + 1) ?? '';
  const path = replayed !== '' ? replayed : first > 0 ? String(first) : '';
  return { first, ...tryCases({ seed: options.seed, count, path, number: property + 1 }) };
}

/** @remarks Not modelled: cases with faults for policies that name secrets, which the small clusters of these cases do not have. */
function meetsFaults(policies: CheckSubject['policies']): boolean {
  return policies.length > 0 && !JSON.stringify(policies).includes('"secret"');
}

function runsOf({ replay, runs, faultRuns }: CheckOptions, costly: boolean): number {
  return replay !== null && !replay.endsWith(':') ? 1 : costly ? (faultRuns ?? Math.min(runs, FAULT_RUNS)) : runs;
}

/** Puts together what became of the parts of each property. `left`: cases of each that were not tried although they should have been. */
export function resultOf(plan: CheckPlan, parts: readonly (readonly Part[])[], left: readonly number[] = []): CheckResult {
  const { file, options, properties, refused } = plan;
  const results = properties.flatMap((property, index) =>
    property.wanted ? [propertyResultOf(property, parts[index] ?? [], left[index] ?? 0)] : [],
  );
  return { file, seed: options.seed, properties: results, refused, passed: passes(results, refused) };
}

/** What became of one property. */
export function propertyResultOf({ name, position, builtin }: PlannedProperty, parts: readonly Part[], left = 0): PropertyResult {
  const joined = joinParts(parts);
  const open = left > 0 && joined.verdict === 'holds';
  return { name, position, builtin, ...joined, ...(open ? { verdict: 'unfinished', planned: joined.runs + left } : {}) };
}

/** Whether all is as it should be. */
export function passes(properties: readonly PropertyResult[], refused: readonly RefusedPolicy[]): boolean {
  return refused.length === 0 && properties.every(({ verdict }) => verdict === 'holds');
}

/** What comes after the first part that is broken does not count: who searches in one go stops there. */
export function joinParts(parts: readonly Part[]): Omit<Part, 'first'> {
  let runs = 0;
  const notes = new Set<string>();
  const noted = () => (notes.size === 0 ? {} : { notes: [...notes] });
  for (const part of [...parts].sort((a, b) => a.first - b.first)) {
    runs += part.runs;
    for (const note of part.notes ?? []) {
      notes.add(note);
    }
    if (part.verdict !== 'holds') {
      return { runs, verdict: part.verdict, counterexample: part.counterexample, ...noted() };
    }
  }
  return { runs, verdict: 'holds', counterexample: null, ...noted() };
}

function search(prepared: Prepared, range: SearchRange): Omit<Part, 'first'> {
  if (prepared.cases === null) {
    return { runs: 0, verdict: 'vacuous', counterexample: null };
  }
  const { runs, found } = searchBlocks(
    range,
    fc.property(prepared.cases, (one) => prepared.breaks(one) === null),
  );
  const { seed, path, number } = range;
  if (found === null) {
    const disturbed = path === '' ? restarts(prepared, number, seed) : { runs: 0, counterexample: null };
    const verdict = disturbed.counterexample === null ? 'holds' : 'broken';
    return { runs: runs + disturbed.runs, verdict, counterexample: disturbed.counterexample };
  }
  return { runs, verdict: 'broken', counterexample: explain(prepared, found.value, { seed, replay: `${number}:${found.path}` }) };
}

/** The conditions that only packets can try. */
function restarts(
  prepared: Prepared,
  number: number,
  seed: number,
): { readonly runs: number; readonly counterexample: Counterexample | null } {
  let runs = 0;
  for (const who of ['proxy', 'agent'] as const) {
    if (prepared.section.also?.includes(`during ${who} restart`) !== true) {
      continue;
    }
    const handle = { seed, replay: `${number}:` };
    const { broken, runs: tried } = disturb(prepared, who, seed, `Found by trenchrun check --seed ${seed} --replay ${handle.replay}`);
    runs += tried;
    if (broken !== null) {
      const { summary, scenario, derivation, story } = broken;
      const told = story.confirmed ? plainText(report(story.result, 0)) : '';
      return { runs, counterexample: { ...handle, summary, derivation: [derivation], scenario, story: told, unconfirmed: null } };
    }
  }
  return { runs, counterexample: null };
}

function explain(prepared: Prepared, found: Case, handle: { readonly seed: number; readonly replay: string }): Counterexample {
  const minimal = minimize(prepared, found);
  const summary = summaryOf(minimal);
  const derivation = derivationOf(prepared, minimal, found);
  const position = placeOf(prepared, minimal);
  const text = scenarioText(prepared, minimal, {
    title: summary,
    description: [`Found by trenchrun check --seed ${handle.seed} --replay ${handle.replay}`, ...derivation].join('\n'),
  });
  const run = confirm(text, prepared.kind);
  return {
    ...handle,
    summary,
    derivation,
    ...(position === null ? {} : { position }),
    scenario: text,
    story: run.confirmed ? plainText(report(run.result, 0)) : '',
    unconfirmed: run.confirmed ? null : run.why,
  };
}
