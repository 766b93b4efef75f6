/** The table of expectations that ends a report. */
import type { ScenarioResult, StepResult } from '../result.ts';
import { BLANK, columns, type Line, span } from './block.ts';

/** One row an expectation, and a line that counts them. */
export function summary(result: ScenarioResult): Line[] {
  const rows = result.steps.flatMap((step) => {
    const broken = !step.passed && step.expectations.every(({ passed }) => passed);
    return [
      ...(broken ? [[span('✗', 'bad' as const), span(`step ${step.number}`, 'faint' as const), span('runs'), span(failure(step))]] : []),
      ...step.expectations.map(({ key, expected, actual, passed }) => [
        passed ? span('✓', 'good' as const) : span('✗', 'bad' as const),
        span(`step ${step.number}`, 'faint' as const),
        span(key),
        span(passed ? shortened(expected) : `${shortened(expected)}  but: ${actual}`),
      ]),
    ];
  });
  return [...(rows.length === 0 ? [] : [[span('Expectations', 'title')], ...columns(rows, '  '), BLANK]), closing(result)];
}

function closing(result: ScenarioResult): Line {
  const all = result.steps.flatMap(({ expectations }) => expectations);
  const failed = all.filter(({ passed }) => !passed).length;
  const broken = result.steps.filter((step) => !step.passed && step.expectations.every(({ passed }) => passed)).length;
  if (result.passed) {
    return [span(all.length === 0 ? 'done, nothing was expected' : `${count(all.length, 'expectation')} held`, 'good')];
  }
  const parts = [
    ...(failed > 0 ? [`${failed} of ${count(all.length, 'expectation')} failed`] : []),
    ...(broken > 0 ? [`${count(broken, 'step')} could not be done`] : []),
  ];
  return [span(parts.join(', '), 'bad')];
}

function failure(step: StepResult): string {
  const { detail } = step;
  if (detail.kind === 'done') {
    return detail.error ?? '';
  }
  return detail.kind === 'objects' ? detail.objects.flatMap(({ message }) => message ?? []).join('; ') : '';
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

/** Long expectations are cut: the table shows which ones there are, the file says them in full. */
function shortened(text: string): string {
  const limit = 100;
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
