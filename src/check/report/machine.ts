/** Results of a check for machines: JUnit, SARIF, GitHub annotations. */
import type { SourcePosition } from '../../scenario/issue.ts';
import { commandProperty, commandText, SARIF_HEAD, sarifLocation, xmlText } from '../../scenario/report/escape.ts';
import type { CheckResult, PropertyResult } from '../run/check.ts';
import type { RefusedPolicy } from '../run/subject.ts';
import { casesText, missingText, VACUOUS } from './text.ts';

/** Formats besides the text for people. */
export const CHECK_FORMATS = ['text', 'json', 'junit', 'sarif', 'github'] as const;

/**
 * JUnit XML: a suite for each file, a case for each property and each policy that is refused. What was not tried to the end is skipped, not passed.
 * @see https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
 */
export function junit(results: readonly CheckResult[]): string {
  const suites = results.map((result) => {
    const { file, properties, refused } = result;
    const failed = properties.filter(isBroken).length + refused.length;
    const skipped = properties.filter(({ verdict }) => verdict === 'unfinished').length;
    const names = new Map<string, number>();
    const open = (name: string, { file: source, line } = topOf(file)): string => {
      // Readers take two cases of one name for one.
      const times = (names.get(name) ?? 0) + 1;
      names.set(name, times);
      const unique = times === 1 ? name : `${name} (${times})`;
      return `    <testcase classname="${xmlText(file)}" name="${xmlText(unique)}" file="${xmlText(source)}" line="${line}"`;
    };
    const cases = [
      ...refused.map((one) => {
        const head = open(`the agents accept ${one.policy}`, one.position ?? topOf(file));
        return `${head}>\n${failure(one.message, refusalText(one))}\n    </testcase>`;
      }),
      ...properties.map((one) => {
        const head = open(one.name, placeOf(one, file));
        if (one.verdict === 'unfinished') {
          return `${head}>\n      <skipped message="${xmlText(`${stopText(result)}: ${casesText(one)}`)}"/>\n    </testcase>`;
        }
        return isBroken(one) ? `${head}>\n${failure(message(one), details(one))}\n    </testcase>` : `${head}/>`;
      }),
    ];
    const counts = `tests="${cases.length}" failures="${failed}" errors="0" skipped="${skipped}"`;
    return [`  <testsuite name="${xmlText(file)}" ${counts}>`, ...cases, '  </testsuite>'].join('\n');
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="trenchrun check">', ...suites, '</testsuites>', ''].join('\n');
}

function failure(said: string, text: string): string {
  return `      <failure message="${xmlText(said)}">${xmlText(text)}</failure>`;
}

const RULES = [
  { id: 'property', shortDescription: { text: 'A property of the policies is broken' } },
  { id: 'refused-policy', shortDescription: { text: 'The agents refuse a policy' } },
];

/** SARIF 2.1.0. @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export function sarif(results: readonly CheckResult[]): string {
  const found = results.flatMap(({ properties, refused, file }) => [
    ...refused.map((one) => sarifResult(1, refusalText(one), one.position ?? topOf(file))),
    ...properties.filter(isBroken).map((one) => {
      const why = one.counterexample?.position;
      const related = one.position === null || why === undefined ? {} : { relatedLocations: [sarifLocation(why)] };
      return { ...sarifResult(0, `${one.name}: ${details(one)}`, placeOf(one, file)), ...related };
    }),
  ]);
  const stopped = results.filter(isStopped);
  const notes = stopped.flatMap((result) => [
    { level: 'warning', message: { text: `${result.file}: ${stopText(result)}` } },
    ...result.properties
      .filter(({ verdict }) => verdict === 'unfinished')
      .map((one) => ({
        level: 'warning',
        message: { text: `${one.name}: ${casesText(one)}` },
        locations: [sarifLocation(placeOf(one, result.file))],
      })),
  ]);
  const log = {
    ...SARIF_HEAD,
    runs: [
      {
        tool: { driver: { name: 'trenchrun', rules: RULES } },
        ...(stopped.length === 0 ? {} : { invocations: [{ executionSuccessful: false, toolExecutionNotifications: notes }] }),
        results: found,
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function sarifResult(ruleIndex: 0 | 1, text: string, position: SourcePosition): object {
  return { ruleId: RULES[ruleIndex]?.id, ruleIndex, level: 'error', message: { text }, locations: [sarifLocation(position)] };
}

/** Workflow commands that annotate lines of a pull request. */
export function github(results: readonly CheckResult[]): string {
  const lines = results.flatMap((result) => [
    ...result.refused.map((one) => annotation('error', one.position ?? topOf(result.file), one.policy, refusalText(one))),
    ...result.properties.flatMap((one) => {
      const place = placeOf(one, result.file);
      if (one.verdict === 'unfinished') {
        return [annotation('warning', place, one.name, `${stopText(result)}: ${casesText(one)}`)];
      }
      return isBroken(one) ? [annotation('error', place, one.name, details(one))] : [];
    }),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

function annotation(level: 'error' | 'warning', { file, line, column }: SourcePosition, title: string, text: string): string {
  return `::${level} file=${commandProperty(file)},line=${line},col=${column},title=${commandProperty(title)}::${commandText(text)}`;
}

function isBroken({ verdict }: PropertyResult): boolean {
  return verdict === 'broken' || verdict === 'vacuous';
}

function isStopped({ interrupted, missingShards = [] }: CheckResult): boolean {
  return interrupted === true || missingShards.length > 0;
}

function stopText({ missingShards = [] }: CheckResult): string {
  return missingShards.length > 0 ? missingText(missingShards) : 'interrupted';
}

/** Where a property was written; for a built-in one, where the policy that breaks it was. */
function placeOf({ position, counterexample }: PropertyResult, file: string): SourcePosition {
  return position ?? counterexample?.position ?? topOf(file);
}

function topOf(file: string): SourcePosition {
  return { file, line: 1, column: 1 };
}

function refusalText({ policy, message: said }: RefusedPolicy): string {
  return `the agents refuse ${policy}: ${said}`;
}

function message({ verdict, counterexample }: PropertyResult): string {
  return verdict === 'vacuous' ? VACUOUS : (counterexample?.summary ?? 'broken');
}

function details(one: PropertyResult): string {
  const { counterexample } = one;
  if (counterexample === null) {
    return message(one);
  }
  const { derivation, seed, replay } = counterexample;
  return [message(one), ...derivation, `again: trenchrun check --seed ${seed} --replay ${replay}`].join('\n');
}
