/** The report of a run: opening line, a story for every step, the table of expectations. */
import type { ScenarioResult } from '../result.ts';
import type { Line } from './block.ts';
import { opening, stepStory, type Verbosity } from './story.ts';
import { summary } from './summary.ts';

/** The lines of a report. */
export function report(result: ScenarioResult, verbosity: Verbosity): Line[] {
  return [...opening(result), ...result.steps.flatMap((step) => stepStory(result, step, verbosity)), ...summary(result)];
}
