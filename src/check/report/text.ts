/** Results of a check for people. */

import type { SourcePosition } from '../../scenario/issue.ts';
import { BLANK, type Line, type Style } from '../../scenario/report/block.ts';
import type { CheckResult, Counterexample, PropertyResult } from '../run/check.ts';

/** The lines of a result; `files` are the names counterexamples were written to, by number of the property. */
export function checkReport(result: CheckResult, files: ReadonlyMap<number, string>): Line[] {
  return [
    ...checkHead(result),
    ...result.properties.flatMap((property, index) => propertyLines(property, files.get(index) ?? null)),
    ...checkSummary(result),
  ];
}

/** What is known before the search: the file, and what the agents refuse of it. */
export function checkHead({ file, refused }: Pick<CheckResult, 'file' | 'refused'>): Line[] {
  return [
    [{ text: file, style: 'title' }],
    ...refused.map(({ policy, message, position }): Line => {
      const where = position === null ? '' : `${placeText(position)}: `;
      return [{ text: `✗ ${where}the agents refuse ${policy}: ${message}`, style: 'bad' }];
    }),
  ];
}

/** What became of a property; `file` is what its counterexample was written to. */
export function propertyLines(property: PropertyResult, file: string | null): Line[] {
  const { name, verdict, builtin, position, counterexample, notes = [] } = property;
  const [mark, style] = MARKS[verdict];
  const head: Line = [
    { text: `${mark} `, style },
    { text: `${oneLine(name)}${builtin ? ' (built in)' : ''}`, style: 'strong' },
    {
      text: `  ${casesText(property)}${position === null ? '' : `  ${placeText(position)}`}`,
      style: verdict === 'unfinished' ? style : 'faint',
    },
  ];
  if (verdict === 'vacuous') {
    return [head, [{ text: `  ${VACUOUS}`, style: 'bad' }]];
  }
  const said = notes.map((note): Line => [{ text: `  ${note}`, style: 'faint' }]);
  return counterexample === null ? [head, ...said] : [head, ...said, ...counterexampleLines(counterexample, file)];
}

/** The last line, and the one before it. */
export function checkSummary(result: CheckResult): Line[] {
  const { properties, refused, seed, interrupted, missingShards = [], passed } = result;
  const count = (verdict: PropertyResult['verdict']): number => properties.filter((one) => one.verdict === verdict).length;
  const broken = count('broken') + count('vacuous');
  const unfinished = count('unfinished');
  const cases = properties.reduce((sum, { runs }) => sum + runs, 0);
  const said = [
    `${properties.length} ${properties.length === 1 ? 'property' : 'properties'}`,
    ...(broken + unfinished === 0 ? ['all hold'] : []),
    ...(broken > 0 ? [`${broken} broken`] : []),
    ...(unfinished > 0 ? [`${unfinished} not tried to the end`] : []),
    ...(refused.length === 0 ? [] : [`${refused.length} ${refused.length === 1 ? 'policy' : 'policies'} refused`]),
  ];
  const stopped = interrupted === true ? '; interrupted' : missingShards.length > 0 ? `; ${missingText(missingShards)}` : '';
  if (properties.length + refused.length === 0) {
    return [BLANK, [{ text: '? nothing to check: no property is stated, and there is no policy', style: 'verdict' }]];
  }
  const [mark, style] = MARKS[passed ? 'holds' : broken + refused.length > 0 ? 'broken' : 'unfinished'];
  return [
    BLANK,
    [
      { text: `${mark} `, style },
      { text: `${said.join(', ')}; ${cases} cases, seed ${seed}${stopped}`, style: 'strong' },
    ],
  ];
}

/** `1200 cases`; `1200 of 10000 cases, no failure so far` */
export function casesText({ runs, planned, verdict }: PropertyResult): string {
  if (verdict !== 'unfinished') {
    return `${runs} cases`;
  }
  return `${runs}${planned === undefined ? '' : ` of ${planned}`} cases tried, none breaks it so far`;
}

/** `the results of shards 2 and 3 are missing` */
export function missingText(shards: readonly number[]): string {
  return `the results of ${shards.length === 1 ? 'shard' : 'shards'} ${shards.join(', ')} are missing`;
}

/** What a vacuous property is. */
export const VACUOUS = 'it speaks of nobody: one of its parties means no pod of the manifests, or both mean the same and only pod';

const MARKS: Readonly<Record<PropertyResult['verdict'], readonly [mark: string, style: Style]>> = {
  holds: ['✓', 'good'],
  broken: ['✗', 'bad'],
  vacuous: ['✗', 'bad'],
  unfinished: ['?', 'verdict'],
};

/** A name can have any characters; a terminal would obey some of them. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

function placeText({ file, line, column }: SourcePosition): string {
  return `${file}:${line}:${column}`;
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
