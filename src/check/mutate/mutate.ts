/**
 * `trenchrun mutate`: how much of a policy the expectations and properties of a scenario really watch. The scenario is run with each mutant; one that
 * nothing notices is either equivalent (nothing enforced differs after any step) or a gap.
 */
import { Cluster } from '../../cluster/cluster.ts';
import { differingEndpoints, type PolicyFingerprint, policyFingerprint } from '../../cluster/policy_fingerprint.ts';
import { clusterHost } from '../../scenario/cluster_host.ts';
import type { StepResult } from '../../scenario/result.ts';
import { runOnHost } from '../../scenario/run.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { Rng } from '../../sim/rng.ts';
import { checkScenario } from '../run/check.ts';
import { type Mutant, mutantsOf, withMutant } from './mutants.ts';

/** How to mutate. */
export interface MutateOptions {
  readonly seed: number;
  /** Most mutants; `null` = all. More are drawn by the seed. */
  readonly max: number | null;
  /** Cases for each property. */
  readonly runs: number;
}

/** What became of a mutant. */
export type MutantVerdict = 'noticed' | 'survived' | 'equivalent' | 'refused';

/** A mutant and what became of it. */
export interface MutantResult extends Omit<Mutant, 'manifest' | 'text'> {
  readonly verdict: MutantVerdict;
  /** What noticed it: `step 3, status`; the reason of the refusal; empty otherwise. */
  readonly by: string;
}

/** What became of all mutants of a scenario. */
export interface MutateResult {
  readonly file: string;
  readonly seed: number;
  /** Why there is nothing to tell: the scenario itself does not hold. */
  readonly error: string | null;
  readonly possible: number;
  readonly mutants: readonly MutantResult[];
}

/** Runs a scenario with its mutants. Equal scenario and options give an equal result. */
export function mutateScenario(scenario: Scenario, options: MutateOptions): MutateResult {
  const all = mutantsOf(scenario);
  const common = { file: scenario.file, seed: options.seed, possible: all.length };
  const baseline = runOf(scenario);
  const failed = baseline.steps.find(({ passed }) => !passed);
  if (failed !== undefined) {
    return { ...common, error: `step ${failed.number} (${failed.title}) does not hold without any change`, mutants: [] };
  }
  const broken = brokenProperty(scenario, options);
  if (broken !== null) {
    return { ...common, error: `property "${broken}" is broken without any change`, mutants: [] };
  }
  return { ...common, error: null, mutants: drawn(all, options).map((mutant) => resultOf(scenario, mutant, baseline, options)) };
}

interface Run {
  readonly steps: readonly StepResult[];
  readonly states: readonly PolicyFingerprint[];
}

/** Runs until a step fails. */
function runOf(scenario: Scenario): Run {
  const cluster = Cluster.create(scenario.cluster);
  cluster.journey.recording = true;
  const states: PolicyFingerprint[] = [];
  const { steps } = runOnHost(scenario, clusterHost(cluster), (step) => {
    states.push(policyFingerprint(cluster));
    return step.passed ? 'go on' : 'stop';
  });
  return { steps, states };
}

function resultOf(scenario: Scenario, mutant: Mutant, baseline: Run, options: MutateOptions): MutantResult {
  const { manifest: _, text: __, ...told } = mutant;
  const changed = withMutant(scenario, mutant);
  const run = runOf(changed);
  const failed = run.steps.find(({ passed }) => !passed);
  if (failed !== undefined) {
    const { detail } = failed;
    const rejected = detail.kind === 'objects' ? detail.objects.find(({ outcome }) => outcome === 'rejected') : undefined;
    return rejected === undefined
      ? { ...told, verdict: 'noticed', by: noticedBy(failed) }
      : { ...told, verdict: 'refused', by: rejected.message ?? '' };
  }
  const same = run.states.every((state, i) => differingEndpoints(state, baseline.states[i] ?? new Map()).length === 0);
  if (same) {
    return { ...told, verdict: 'equivalent', by: '' };
  }
  const broken = brokenProperty(changed, options);
  return broken === null ? { ...told, verdict: 'survived', by: '' } : { ...told, verdict: 'noticed', by: `property "${broken}"` };
}

function noticedBy({ number, title, expectations }: StepResult): string {
  const failed = expectations.filter(({ passed }) => !passed).map(({ key }) => key);
  return `step ${number} (${title})${failed.length === 0 ? '' : `, ${failed.join(', ')}`}`;
}

/** The first property of the scenario that does not hold. */
function brokenProperty(scenario: Scenario, { seed, runs }: MutateOptions): string | null {
  if (scenario.properties.length === 0) {
    return null;
  }
  const { properties } = checkScenario(scenario, { seed, runs, builtins: false, replay: null });
  return properties.find(({ verdict }) => verdict !== 'holds')?.name ?? null;
}

/** Some of the mutants, in their order. */
function drawn(all: readonly Mutant[], { max, seed }: MutateOptions): readonly Mutant[] {
  if (max === null || all.length <= max) {
    return all;
  }
  const rng = new Rng(seed).fork('mutants');
  const left = [...all];
  while (left.length > max) {
    left.splice(rng.below(left.length), 1);
  }
  return left;
}
