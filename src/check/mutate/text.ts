/** What became of mutants, for people. */
import { BLANK, type Line, span } from '../../scenario/report/block.ts';
import type { MutantResult, MutantVerdict, MutateResult } from './mutate.ts';

/** The lines of a result. Mutants that were noticed are told with `verbose` only. */
export function mutateReport({ file, error, possible, mutants, seed }: MutateResult, verbose: boolean): Line[] {
  if (error !== null) {
    return [[span(file, 'title')], [span('✗ ', 'bad'), span(error)]];
  }
  const count = (verdict: MutantVerdict): number => mutants.filter((one) => one.verdict === verdict).length;
  const survived = count('survived');
  const drawn = mutants.length < possible ? ` of ${possible}, drawn with seed ${seed}` : '';
  const rare = (['equivalent', 'refused'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `, ${count(verdict)} ${verdict}`);
  const parts = `${count('noticed')} noticed, ${survived} survived${rare.join('')}`;
  return [
    [span(file, 'title')],
    ...mutants.flatMap((one) => (one.verdict === 'survived' ? survivor(one) : verbose ? [headOf(one)] : [])),
    [
      span(survived === 0 ? '✓ ' : '✗ ', survived === 0 ? 'good' : 'bad'),
      span(`${mutants.length} ${mutants.length === 1 ? 'mutant' : 'mutants'}${drawn}: ${parts}`, 'strong'),
    ],
  ];
}

function survivor(one: MutantResult): Line[] {
  const diff = one.diff.trimEnd().split('\n');
  const style = (line: string) => (line.startsWith('+') ? 'good' : line.startsWith('-') ? 'bad' : 'faint');
  return [headOf(one), ...diff.map((line): Line => [span(`    ${line}`, style(line))]), BLANK];
}

function headOf({ number, verdict, operator, what, policy, element, position, by }: MutantResult): Line {
  const { file, line, column } = position;
  const good = verdict === 'noticed';
  return [
    span(`  ${good ? '✓' : verdict === 'survived' ? '✗' : '-'} `, good ? 'good' : verdict === 'survived' ? 'bad' : 'faint'),
    span(`${number} `, 'faint'),
    span(`${file}:${line}:${column}`, 'source'),
    span(` ${verdict} `, verdict === 'survived' ? 'bad' : 'plain'),
    span(operator, 'strong'),
    span(`: ${what}, ${policy} ${element}`.trimEnd()),
    span(by === '' ? '' : `: ${by}`, 'faint'),
  ];
}
