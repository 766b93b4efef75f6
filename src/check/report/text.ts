/** Results of a check for people. */
import { BLANK, type Line } from '../../scenario/report/block.ts';
import type { CheckResult, Counterexample, PropertyResult } from '../run/check.ts';

/** The lines of a result; `files` are the names counterexamples were written to, by number of the property. */
export function checkReport(result: CheckResult, files: ReadonlyMap<number, string>): Line[] {
  const lines: Line[] = [[{ text: result.file, style: 'title' }]];
  for (const { policy, message, position } of result.refused) {
    const where = position === null ? '' : `${position.file}:${position.line}:${position.column}: `;
    lines.push([{ text: `✗ ${where}the agents refuse ${policy}: ${message}`, style: 'bad' }]);
  }
  for (const [index, property] of result.properties.entries()) {
    lines.push(...propertyLines(property, files.get(index) ?? null));
  }
  const broken = result.properties.filter(({ verdict }) => verdict !== 'holds').length;
  const cases = result.properties.reduce((sum, { runs }) => sum + runs, 0);
  const refused = result.refused.length === 0 ? '' : `, ${result.refused.length} policies refused`;
  const count = `${result.properties.length} ${result.properties.length === 1 ? 'property' : 'properties'}`;
  lines.push(BLANK, [
    { text: result.passed ? '✓ ' : '✗ ', style: result.passed ? 'good' : 'bad' },
    { text: `${count}, ${broken === 0 ? 'all hold' : `${broken} broken`}${refused}; ${cases} cases, seed ${result.seed}`, style: 'strong' },
  ]);
  return lines;
}

function propertyLines(
  { name, verdict, runs, builtin, position, counterexample, notes = [] }: PropertyResult,
  file: string | null,
): Line[] {
  const where = position === null ? '' : `  ${position.file}:${position.line}:${position.column}`;
  const head: Line = [
    { text: verdict === 'holds' ? '✓ ' : '✗ ', style: verdict === 'holds' ? 'good' : 'bad' },
    { text: `${name}${builtin ? ' (built in)' : ''}`, style: 'strong' },
    { text: `  ${runs} cases${where}`, style: 'faint' },
  ];
  if (verdict === 'vacuous') {
    return [
      head,
      [
        {
          text: '  it speaks of nobody: one of its parties means no pod of the manifests, or both mean the same and only pod',
          style: 'bad',
        },
      ],
    ];
  }
  const said = notes.map((note): Line => [{ text: `  ${note}`, style: 'faint' }]);
  return counterexample === null ? [head, ...said] : [head, ...said, ...counterexampleLines(counterexample, file)];
}

function counterexampleLines(
  { summary, derivation, seed, replay, scenario, story, unconfirmed }: Counterexample,
  file: string | null,
): Line[] {
  const plain = (text: string): Line => [{ text, style: 'plain' }];
  const told = unconfirmed === null ? story.split('\n').map((text) => plain(`    ${text}`)) : [];
  return [
    [{ text: `  ${summary}`, style: 'bad' }],
    ...derivation.map((text) => plain(`    ${text}`)),
    [{ text: `  again: --seed ${seed} --replay ${replay}`, style: 'faint' }],
    ...(unconfirmed === null
      ? []
      : [plain(`  the simulated cluster does not confirm it: ${unconfirmed}; this is a fault of trenchrun, please report it`)]),
    BLANK,
    ...told,
    file === null ? plain('  as a scenario:') : plain(`  trenchrun run ${file}`),
    ...(file === null
      ? scenario
          .trimEnd()
          .split('\n')
          .map((text) => plain(`    ${text}`))
      : []),
  ];
}
