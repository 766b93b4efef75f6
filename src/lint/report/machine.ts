/** Findings for machines: JSON, SARIF, GitHub annotations, JUnit. */
import { commandProperty, commandText, SARIF_HEAD, sarifLocation, xmlText } from '../../scenario/report/escape.ts';
import { CATALOGUE } from '../catalogue.ts';
import type { Finding, LintResult, Severity } from '../finding.ts';
import { atLeast } from './text.ts';

/** Formats of `--format`. */
export const LINT_FORMATS = ['text', 'json', 'sarif', 'github', 'junit'] as const;
/** Version of the JSON layout; a change that breaks readers changes it. */
export const LINT_SCHEMA = 'trenchrun/lint/1';

const SARIF_LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };
const GITHUB_LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'notice' };

/** A result in one of the formats besides text; findings milder than `least` are left out. */
export function lintOutput(result: LintResult, format: Exclude<(typeof LINT_FORMATS)[number], 'text'>, least: Severity): string {
  const findings = atLeast(result.findings, least);
  switch (format) {
    case 'json':
      return `${JSON.stringify({ schema: LINT_SCHEMA, ...result, findings }, null, 2)}\n`;
    case 'sarif':
      return sarif(findings);
    case 'github':
      return findings.map(annotation).join('');
    case 'junit':
      return junit(findings);
  }
}

/** @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
function sarif(findings: readonly Finding[]): string {
  const rules = CATALOGUE.map(({ code, title, why, severity }) => ({
    id: code,
    shortDescription: { text: title },
    fullDescription: { text: why },
    defaultConfiguration: { level: SARIF_LEVELS[severity] },
  }));
  const results = findings.map((one) => ({
    ruleId: one.code,
    ruleIndex: CATALOGUE.findIndex(({ code }) => code === one.code),
    level: SARIF_LEVELS[one.severity],
    message: { text: details(one) },
    locations: [sarifLocation(one.position)],
  }));
  const log = { ...SARIF_HEAD, runs: [{ tool: { driver: { name: 'trenchrun', rules } }, results }] };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function annotation(finding: Finding): string {
  const { severity, position, code } = finding;
  const { file, line, column } = position;
  const place = `file=${commandProperty(file)},line=${line},col=${column},title=${commandProperty(code)}`;
  return `::${GITHUB_LEVELS[severity]} ${place}::${commandText(details(finding))}\n`;
}

/** A case for each rule, failed by its findings. */
function junit(findings: readonly Finding[]): string {
  const cases = CATALOGUE.map(({ code }) => {
    const own = findings.filter((one) => one.code === code);
    const open = `    <testcase classname="trenchrun.lint" name="${xmlText(code)}"`;
    const failures = own.map((one) => {
      const { file, line, column } = one.position;
      const message = `${file}:${line}:${column}: ${one.message}`;
      return `      <failure type="${one.severity}" message="${xmlText(message)}">${xmlText(details(one))}</failure>`;
    });
    return own.length === 0 ? `${open}/>` : [`${open}>`, ...failures, '    </testcase>'].join('\n');
  });
  const failed = new Set(findings.map(({ code }) => code)).size;
  const head = `  <testsuite name="trenchrun lint" tests="${CATALOGUE.length}" failures="${failed}">`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="trenchrun lint">',
    head,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function details({ message, why, meant, flow }: Finding): string {
  const shown = flow === null ? [] : [`${flow.request} from ${flow.from} to ${flow.to}, port ${flow.port}: ${flow.verdict}, ${flow.why}`];
  return [message, why, ...(meant === '' ? [] : [`meant: ${meant}`]), ...shown].join('\n');
}
