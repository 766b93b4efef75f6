/**
 * The library: everything a program may use. The command line uses nothing else.
 */

export { CATALOGUE } from './lint/catalogue.ts';
export { type Finding, type Flow as LintFlow, type LintResult, SEVERITIES, type Severity } from './lint/finding.ts';
export { type LintOutcome, lintInOrder, lintManifests, mergeLintResults } from './lint/lint.ts';
export type { LintText } from './lint/load.ts';
export { LINT_FORMATS, lintOutput } from './lint/report/machine.ts';
export { atLeast, catalogueText, lintReport, ruleText } from './lint/report/text.ts';
export type { MonitorEvent } from './monitor/event.ts';
export { formatMonitor, type MonitorOptions } from './monitor/format.ts';
export type { Flow } from './monitor/hubble/flow.ts';
export { observe } from './monitor/hubble/observer.ts';
export { compactFlow } from './monitor/hubble/printer.ts';
export { nearest as nearestWord } from './net/nearest_word.ts';
export { clusterHost } from './scenario/cluster_host.ts';
export { type Coverage, type CoveredElement, type CoveredEntry, type CoveredName, mergeCoverage } from './scenario/coverage/coverage.ts';
export { COVERAGE_FORMATS, coverageReport, lcov } from './scenario/coverage/report.ts';
export { runCovered } from './scenario/coverage/run_covered.ts';
export type { ExplainQuestion, Explanation } from './scenario/explain/explanation.ts';
export type { Found } from './scenario/explain/place.ts';
export { parseHttp, parsePort, parseQuestion, type QuestionWords } from './scenario/explain/question.ts';
export { explainManifests, explainScenario, isScenarioText } from './scenario/explain/state.ts';
export { explanationText } from './scenario/explain/text.ts';
export { type Issue, issueText, type SourcePosition } from './scenario/issue.ts';
export { type ParseOptions, type ParseResult, parseScenario, type ReadFile } from './scenario/parse.ts';
export { type Line, plainText, type Span, type Style } from './scenario/report/block.ts';
export { failures, report } from './scenario/report/report.ts';
export type { Verbosity } from './scenario/report/story.ts';
export type {
  Actor,
  DropResult,
  ExpectationResult,
  Fate,
  PolicyReference,
  ScenarioResult,
  StepDetail,
  StepResult,
} from './scenario/result.ts';
export { type RunOptions, runScenario } from './scenario/run_scenario.ts';
export type { Action, Scenario, ScenarioStep } from './scenario/scenario.ts';
export { type ScenarioShellOptions, scenarioShell } from './scenario/scenario_shell.ts';
export { explanationJsonSchema } from './scenario/schema/explanation.ts';
export { resultJsonSchema } from './scenario/schema/result.ts';
export { scenarioJsonSchema } from './scenario/schema/scenario.ts';
export type { ClusterView, EndpointView, NodeView } from './shell/cluster_view.ts';
export type { Pause } from './shell/lang/pause.ts';
export { runCommand } from './shell/run_command.ts';
export { createShell, type Shell, type ShellOptions, type ShellOutput } from './shell/shell.ts';
export type { CommandResult } from './shell/table.ts';
export type { FileRead, Parsed, ReadPath, Tool, ToolContext } from './shell/tool.ts';
