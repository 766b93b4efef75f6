/** Findings for people, and the documentation of rules. */
import { BLANK, type Line, span } from '../../scenario/report/block.ts';
import { CATALOGUE } from '../catalogue.ts';
import { type Finding, type Flow, type LintResult, SEVERITIES, type Severity } from '../finding.ts';
import type { LintRule } from '../rule.ts';

/** The lines of a result; findings milder than `least` are counted only. */
export function lintReport({ findings, notes, policies, workloads }: LintResult, least: Severity): Line[] {
  const shown = atLeast(findings, least);
  const hidden = findings.length - shown.length;
  const counts = SEVERITIES.map((one) => ({ one, count: shown.filter(({ severity }) => severity === one).length })).filter(
    ({ count }) => count > 0,
  );
  const what = counts.map(({ one, count }) => `${count} ${one === 'info' ? 'for information' : count === 1 ? one : `${one}s`}`);
  const seen = `${plural(policies, 'policy', 'policies')}, ${plural(workloads, 'workload', 'workloads')}`;
  return [
    ...shown.flatMap(findingLines),
    ...notes.map((note): Line => [span('note: ', 'faint'), span(note)]),
    [
      span(shown.length === 0 ? '✓ ' : '✗ ', shown.length === 0 ? 'good' : 'bad'),
      span(`${seen}: ${what.length === 0 ? 'no findings' : what.join(', ')}`, 'strong'),
      span(hidden === 0 ? '' : ` (${hidden} milder not shown)`, 'faint'),
    ],
  ];
}

/** The findings that are at least so bad. */
export function atLeast(findings: readonly Finding[], least: Severity): Finding[] {
  return findings.filter(({ severity }) => SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(least));
}

function findingLines({ code, severity, position, policy, element, message, why, meant, flow }: Finding): Line[] {
  const { file, line, column } = position;
  return [
    [
      span(`${file}:${line}:${column}`, 'source'),
      span(' '),
      span(severity, severity === 'error' ? 'bad' : severity === 'warning' ? 'verdict' : 'faint'),
      span(' '),
      span(code, 'strong'),
    ],
    [span(`  ${message}`)],
    [span('  in     ', 'faint'), span(policy, 'name'), span(element === '' ? '' : `  ${element}`)],
    [span('  why    ', 'faint'), span(why)],
    ...(meant === '' ? [] : [[span('  meant  ', 'faint'), span(meant)] as Line]),
    ...(flow === null ? [] : flowLines(flow)),
    BLANK,
  ];
}

function flowLines({ from, to, port, request, verdict, why, policies }: Flow): Line[] {
  const good = verdict === 'allowed';
  return [
    [
      span('  flow   ', 'faint'),
      span(`${request} from ${from} to ${to}, port ${port}: `),
      span(verdict, good ? 'good' : 'bad'),
      span(`, ${why}`),
    ],
    ...policies.map(
      (one): Line => [
        span('         '),
        span(one.policy, 'name'),
        span(` ${one.says}`),
        span(one.position === null ? '' : `  ${one.position.file}:${one.position.line}:${one.position.column}`, 'source'),
      ],
    ),
  ];
}

/** The documentation of a rule. */
export function ruleText({ code, severity, title, why, see, bad, good }: LintRule): Line[] {
  const yaml = (text: string): Line[] => shortened(text).map((line): Line => [span(`  ${line}`)]);
  return [
    [span(code, 'strong'), span(`  ${severity}`, severity === 'error' ? 'bad' : 'verdict')],
    [span(title)],
    BLANK,
    [span(why)],
    [span(`see ${see}`, 'source')],
    BLANK,
    [span('With the finding:', 'faint')],
    ...yaml(bad),
    BLANK,
    [span('Without:', 'faint')],
    ...yaml(good),
  ];
}

/** All rules, one a line. */
export function catalogueText(): Line[] {
  const width = Math.max(...CATALOGUE.map(({ code }) => code.length));
  return CATALOGUE.map(
    ({ code, severity, title }): Line => [span(code.padEnd(width + 2), 'strong'), span(severity.padEnd(9)), span(title)],
  );
}

/** Examples of thousands of lines show how they go on. */
function shortened(text: string): string[] {
  const lines = text.trimEnd().split('\n');
  return lines.length <= 40 ? lines : [...lines.slice(0, 14), '  …', ...lines.slice(-8)];
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
