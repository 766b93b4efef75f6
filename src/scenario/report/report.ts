/** The report of a run: opening line, a story for every step, the table of expectations. */
import type { ScenarioResult } from '../result.ts';
import { BLANK, type Line } from './block.ts';
import { opening, stepStory, type Verbosity } from './story.ts';
import { summary } from './summary.ts';

/** The lines of a report. */
export function report(result: ScenarioResult, verbosity: Verbosity): Line[] {
  return [...opening(result), ...result.steps.flatMap((step) => stepStory(result, step, verbosity)), ...summary(result)];
}

/** The lines of `--quiet`: only the steps that failed, and the count. */
export function failures(result: ScenarioResult): Line[] {
  if (result.passed) {
    return [];
  }
  return [
    ...opening(result),
    ...result.steps.filter(({ passed }) => !passed).flatMap((step) => stepStory(result, step, 0)),
    ...summary(result).slice(-1),
    BLANK,
  ];
}
