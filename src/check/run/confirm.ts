/** Runs a counterexample with packets: only what the simulated cluster really does is a counterexample. */

import { issueText } from '../../scenario/issue.ts';
import { parseScenario } from '../../scenario/parse.ts';
import type { ScenarioResult } from '../../scenario/result.ts';
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
  const rejected = result.steps.slice(0, -1).find(({ passed }) => !passed);
  if (rejected !== undefined) {
    return { confirmed: false, why: `step ${rejected.number} (${rejected.title}) failed` };
  }
  const detail = result.steps.at(-1)?.detail;
  const outcome = detail?.kind === 'http' ? detail.fate.outcome : null;
  if (result.passed || (kind === 'always' ? outcome === 'failed' : outcome !== 'answered')) {
    return {
      confirmed: false,
      why: detail?.kind === 'http' ? `the request was ${detail.fate.outcome}: ${detail.fate.why}` : 'nothing failed',
    };
  }
  return { confirmed: true, result };
}
