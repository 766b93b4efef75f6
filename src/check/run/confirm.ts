/** Runs a counterexample with packets: only what the simulated cluster really does is a counterexample. */

import { issueText } from '../../scenario/issue.ts';
import { parseScenario } from '../../scenario/parse.ts';
import type { ScenarioResult, StepResult } from '../../scenario/result.ts';
import { runScenario } from '../../scenario/run_scenario.ts';
import type { PropertyKind } from './property.ts';

/** What the run showed. */
export type Confirmation =
  | { readonly confirmed: true; readonly result: ScenarioResult }
  /** The cluster does something else than was told: a fault of this program, said as such. */
  | { readonly confirmed: false; readonly why: string };

/** Runs the scenario: it confirms the counterexample by failing. */
export function confirm(text: string, kind: PropertyKind): Confirmation {
  const parsed = parseScenario(text, { file: 'counterexample.yaml', readFile: () => ({ error: 'a counterexample names no files' }) });
  if (!parsed.ok) {
    return { confirmed: false, why: parsed.issues.map(issueText).join('; ') };
  }
  const result = runScenario(parsed.scenario);
  const tried = result.steps.flatMap((step) => triedIn(step));
  const rejected = result.steps.find((step) => !step.passed && triedIn(step).length === 0);
  if (rejected !== undefined) {
    return { confirmed: false, why: `step ${rejected.number} (${rejected.title}) failed` };
  }
  const broken = tried.some((one) => (kind === 'always' ? !one.reached && one.tells : one.reached));
  if (result.passed || !broken) {
    return { confirmed: false, why: tried.map(({ text: said }) => said).join('; ') || 'nothing was tried' };
  }
  return { confirmed: true, result };
}

/** A request of a step: whether it reached its destination, and whether not reaching it says something about policies. */
interface Tried {
  readonly reached: boolean;
  readonly tells: boolean;
  readonly text: string;
}

function triedIn({ detail }: StepResult): Tried[] {
  if (detail.kind === 'http') {
    const { outcome, why, drops } = detail.fate;
    // A proxy at the client's side answers for the destination's program that drops.
    const tells = outcome !== 'failed' || drops.some(({ reason }) => reason.startsWith('Policy denied'));
    return [{ reached: outcome === 'answered', tells, text: `the request was ${outcome}: ${why}` }];
  }
  if (detail.kind === 'process') {
    const reached = detail.exitCode === 0;
    return [{ reached, tells: true, text: `${detail.argv[0] ?? ''} exited with ${detail.exitCode}` }];
  }
  return [];
}
