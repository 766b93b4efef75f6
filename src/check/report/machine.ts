/** Results of a check for machines: JUnit, SARIF, GitHub annotations. */
import { commandProperty, commandText, SARIF_HEAD, sarifLocation, xmlText } from '../../scenario/report/escape.ts';
import type { CheckResult, PropertyResult } from '../run/check.ts';

/** Formats besides the text for people. */
export const CHECK_FORMATS = ['text', 'json', 'junit', 'sarif', 'github'] as const;

/** JUnit XML: a suite for each file, a case for each property. */
export function junit(results: readonly CheckResult[]): string {
  const suites = results.map((result) => {
    const failed = result.properties.filter(({ verdict }) => verdict !== 'holds').length;
    const cases = result.properties.map((one) => {
      const open = `    <testcase classname="${xmlText(result.file)}" name="${xmlText(one.name)}"`;
      return one.verdict === 'holds'
        ? `${open}/>`
        : `${open}>\n      <failure message="${xmlText(message(one))}">${xmlText(details(one))}</failure>\n    </testcase>`;
    });
    const head = `  <testsuite name="${xmlText(result.file)}" tests="${result.properties.length}" failures="${failed}">`;
    return [head, ...cases, '  </testsuite>'].join('\n');
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="trenchrun check">', ...suites, '</testsuites>', ''].join('\n');
}

/** SARIF 2.1.0. @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export function sarif(results: readonly CheckResult[]): string {
  const broken = results.flatMap((result) =>
    result.properties.filter(({ verdict }) => verdict !== 'holds').map((one) => ({ one, file: result.file })),
  );
  const log = {
    ...SARIF_HEAD,
    runs: [
      {
        tool: {
          driver: { name: 'trenchrun', rules: [{ id: 'property', shortDescription: { text: 'A property of the policies is broken' } }] },
        },
        results: broken.map(({ one, file }) => ({
          ruleId: 'property',
          level: 'error',
          message: { text: `${one.name}: ${details(one)}` },
          locations: [sarifLocation(one.position ?? { file, line: 1, column: 1 })],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** Workflow commands that annotate lines of a pull request. */
export function github(results: readonly CheckResult[]): string {
  const lines = results.flatMap((result) =>
    result.properties
      .filter(({ verdict }) => verdict !== 'holds')
      .map((one) => {
        const { file, line, column } = one.position ?? { file: result.file, line: 1, column: 1 };
        return `::error file=${commandProperty(file)},line=${line},col=${column},title=${commandProperty(one.name)}::${commandText(details(one))}`;
      }),
  );
  return lines.map((line) => `${line}\n`).join('');
}

function message({ verdict, counterexample }: PropertyResult): string {
  return verdict === 'vacuous' ? 'it speaks of nobody' : (counterexample?.summary ?? 'broken');
}

function details(one: PropertyResult): string {
  const { counterexample } = one;
  if (counterexample === null) {
    return message(one);
  }
  const { derivation, seed, replay } = counterexample;
  return [message(one), ...derivation, `again: trenchrun check --seed ${seed} --replay ${replay}`].join('\n');
}
