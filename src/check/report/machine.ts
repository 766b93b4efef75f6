/** Results of a check for machines: JUnit, SARIF, GitHub annotations. */
import type { SourcePosition } from '../../scenario/issue.ts';
import type { CheckResult, PropertyResult } from '../run/check.ts';

/** Formats besides the text for people. */
export const CHECK_FORMATS = ['text', 'json', 'junit', 'sarif', 'github'] as const;

/** JUnit XML: a suite for each file, a case for each property. */
export function junit(results: readonly CheckResult[]): string {
  const suites = results.map((result) => {
    const failed = result.properties.filter(({ verdict }) => verdict !== 'holds').length;
    const cases = result.properties.map((one) => {
      const open = `    <testcase classname="${xml(result.file)}" name="${xml(one.name)}"`;
      return one.verdict === 'holds'
        ? `${open}/>`
        : `${open}>\n      <failure message="${xml(message(one))}">${xml(details(one))}</failure>\n    </testcase>`;
    });
    const head = `  <testsuite name="${xml(result.file)}" tests="${result.properties.length}" failures="${failed}">`;
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
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'trenchrun', rules: [{ id: 'property', shortDescription: { text: 'A property of the policies is broken' } }] },
        },
        results: broken.map(({ one, file }) => ({
          ruleId: 'property',
          level: 'error',
          message: { text: `${one.name}: ${details(one)}` },
          locations: [{ physicalLocation: location(one.position ?? { file, line: 1, column: 1 }) }],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function location({ file, line, column }: SourcePosition): object {
  return { artifactLocation: { uri: file }, region: { startLine: line, startColumn: column } };
}

/** Workflow commands that annotate lines of a pull request. */
export function github(results: readonly CheckResult[]): string {
  const lines = results.flatMap((result) =>
    result.properties
      .filter(({ verdict }) => verdict !== 'holds')
      .map((one) => {
        const { file, line, column } = one.position ?? { file: result.file, line: 1, column: 1 };
        return `::error file=${property(file)},line=${line},col=${column},title=${property(one.name)}::${data(details(one))}`;
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

function xml(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '&#10;' };
  return text.replace(/[&<>"\n]/g, (sign) => escapes[sign] ?? sign);
}

/** @see https://docs.github.com/en/actions/using-workflows/workflow-commands-for-github-actions */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
