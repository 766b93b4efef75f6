/**
 * A step as a story: who asked whom, which look-ups and filters decided, what changed, what came back. Told from the result alone.
 */
import type { Step } from '../../sim/journey.ts';
import { durationText } from '../duration.ts';
import { shown } from '../match_text.ts';
import type { Actor, Fate, PolicyReference, ScenarioResult, StepResult } from '../result.ts';
import { BLANK, columns, type Line, plain, type Style, span } from './block.ts';
import { stepLines, stepText, timeText } from './step_line.ts';

/** How much of the journey is told: 0 what decided, 1 all decisions, 2 also look-ups and changes, 3 every step. */
export type Verbosity = 0 | 1 | 2 | 3;

const INDENT = '     ';

/** The lines of one step. */
export function stepStory(result: ScenarioResult, step: StepResult, verbosity: Verbosity): Line[] {
  return [heading(step), ...body(result, step, verbosity), ...checks(step), BLANK];
}

function heading(step: StepResult): Line {
  const mark = step.passed ? span('✓', 'good') : span('✗', 'bad');
  const took = step.endedAt - step.startedAt;
  return [
    mark,
    span(`${String(step.number).padStart(3)} `, 'faint'),
    span(step.title, 'title'),
    span(took === 0 ? '' : `  ${timeText(took)}`, 'faint'),
  ];
}

function body(result: ScenarioResult, step: StepResult, verbosity: Verbosity): Line[] {
  const { detail } = step;
  switch (detail.kind) {
    case 'objects':
      return [...objectLines(step), ...told(result, step, verbosity, verbosity === 0 ? [] : null)];
    case 'http':
      return [
        ...who(result, step, detail.from),
        ...told(result, step, verbosity, null),
        ...ending(
          result,
          detail.fate,
          detail.status === null ? `${detail.error}${exitText(detail.exitCode)}` : `${detail.status} ${shown(detail.body)}`,
        ),
      ];
    case 'process':
      return [
        ...(detail.fate === null ? [] : who(result, step, detail.pod)),
        ...told(result, step, verbosity, detail.fate === null && verbosity === 0 ? [] : null),
        ...outputLines(detail.stdout, detail.stderr),
        ...(detail.fate === null ? [] : ending(result, detail.fate, `exit code ${detail.exitCode}`)),
      ];
    case 'command':
      return shortened(outputLines(detail.stdout, detail.stderr), verbosity);
    case 'done':
      return [
        ...(detail.error === null ? [] : [[span(INDENT), span(detail.error, 'bad')]]),
        ...told(result, step, verbosity, verbosity === 0 ? [] : null),
      ];
  }
}

function objectLines(step: StepResult): Line[] {
  const { detail } = step;
  const objects = detail.kind === 'objects' ? detail.objects : [];
  return objects.map(({ kind, namespace, name, outcome, message }) => [
    span(INDENT),
    span(`${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`, 'name'),
    span(` ${outcome}`, outcome === 'rejected' ? 'bad' : 'plain'),
    span(message === undefined ? '' : `: ${message}`),
  ]);
}

/** Client and server with address, endpoint and identity. The server is the last peer the packets of the step were seen to reach. */
function who(result: ScenarioResult, step: StepResult, clientName: string): Line[] {
  const client = result.actors.find(({ name }) => name === clientName);
  const server = serverOf(result, step, client);
  const rows = [...(client === undefined ? [] : [['from', client] as const]), ...(server === undefined ? [] : [['to', server] as const])];
  return columns(
    rows.map(([word, actor]) => [
      span(word, 'faint'),
      span(actor.name, 'name'),
      span(actor.ip),
      span(actor.endpointId === null ? '' : `endpoint ${actor.endpointId}`),
      span(actor.identity === null ? '' : `identity ${actor.identity}`),
    ]),
    INDENT,
  );
}

/** The pod at the other end: seen in the step's monitor lines, as destination of the client's packets. */
function serverOf(result: ScenarioResult, step: StepResult, client: Actor | undefined): Actor | undefined {
  if (client === undefined) {
    return undefined;
  }
  for (const line of step.monitor) {
    const ends = /(\d+\.\d+\.\d+\.\d+):\d+ -> (\d+\.\d+\.\d+\.\d+):\d+ tcp/.exec(line);
    const server = ends?.[1] === client.ip ? result.actors.find(({ ip }) => ip === ends[2]) : undefined;
    if (server !== undefined) {
      return server;
    }
  }
  return undefined;
}

/** The part of the journey that the verbosity asks for; `only` overrides what level 0 shows. */
function told(result: ScenarioResult, step: StepResult, verbosity: Verbosity, only: readonly Step[] | null): Line[] {
  const all = result.journey.slice(step.journey.from, step.journey.to);
  if (verbosity > 0) {
    return stepLines(
      all.filter((one) => isTold(one, verbosity)),
      step.startedAt,
      INDENT,
    );
  }
  const { steps, repeats } = only === null ? deciding(all, fateStep(step)) : { steps: only, repeats: new Map<number, number>() };
  return stepLines(steps, step.startedAt, INDENT, repeats);
}

function isTold(step: Step, verbosity: Verbosity): boolean {
  switch (step.kind) {
    case 'decide':
      return true;
    case 'lookup':
    case 'change':
      return verbosity >= 2;
    case 'enter':
    case 'emit':
    case 'message':
      return verbosity >= 3;
  }
}

/** Functions whose decisions are told only from level 1 on: they speak about every packet. */
const CHATTY: ReadonlySet<string> = new Set(['ct_lookup4']);

/** What decided about a request and what it changed, each told once, by the programs and the proxy. */
function deciding(all: readonly Step[], fate: number | null): { readonly steps: Step[]; readonly repeats: Map<number, number> } {
  const dropped = new Set(all.filter((step) => step.kind === 'decide' && step.fn === 'send_drop_notify').map(({ packet }) => packet));
  const names = nameResolution(all);
  const first = new Map<string, Step>();
  const repeats = new Map<number, number>();
  for (const step of all) {
    if (step.seq !== fate && (names.has(step.packet) || !isDeciding(step, dropped))) {
      continue;
    }
    const key = `${step.actor} ${step.fn} ${stepText(step)}`;
    const known = first.get(key) ?? step;
    first.set(key, known);
    repeats.set(known.seq, (repeats.get(known.seq) ?? 0) + 1);
  }
  return { steps: [...first.values()], repeats };
}

/** Packets to and from the name server: the story is about the request, not about finding its name. */
function nameResolution(all: readonly Step[]): ReadonlySet<number | undefined> {
  const found = new Set<number | undefined>();
  for (const step of all) {
    if (step.kind === 'enter' && step.packet !== undefined && /:53 (?:-> .* )?udp|:53 udp$/.test(step.what)) {
      found.add(step.packet);
    }
  }
  return found;
}

function isDeciding(step: Step, dropped: ReadonlySet<number | undefined>): boolean {
  if (step.actor !== 'bpf' && step.actor !== 'envoy') {
    return false;
  }
  if (step.kind === 'decide') {
    // The datapath asks the policy for replies too, and ignores the answer.
    const ignored = step.fn === '__policy_can_access' && step.verdict === 'drop' && !dropped.has(step.packet);
    return !CHATTY.has(step.fn) && !ignored;
  }
  return step.kind === 'change' && isTelling(step);
}

/** Rewritten packets, marks, and new entries of connections; not the companions for ICMP errors. */
function isTelling(step: Step & { readonly kind: 'change' }): boolean {
  return step.target === 'packet' || step.target === 'mark' || (step.before === null && !/ related\b/.test(stepText(step)));
}

function fateStep(step: StepResult): number | null {
  const { detail } = step;
  return detail.kind === 'http' || detail.kind === 'process' ? (detail.fate?.step ?? null) : null;
}

const OUTCOME_STYLES: Readonly<Record<Fate['outcome'], Style>> = { answered: 'good', denied: 'bad', dropped: 'bad', failed: 'bad' };

function ending(result: ScenarioResult, fate: Fate, came: string): Line[] {
  const decision = fate.step === null ? undefined : result.journey[fate.step];
  const place = decision === undefined ? '' : ` at step ${decision.seq} of the journey (${decision.see ?? decision.fn})`;
  return [
    [
      span(`${INDENT}=> `, 'faint'),
      span(came, 'strong'),
      span('  '),
      span(fate.outcome, OUTCOME_STYLES[fate.outcome]),
      span(`, decided by ${fate.decidedBy}`),
      span(place, 'faint'),
    ],
    ...(fate.outcome === 'answered' ? [] : [plain(`${INDENT}   ${fate.why}`)]),
    ...fate.policies.map(policyLine),
  ];
}

function policyLine(reference: PolicyReference): Line {
  const { policy, position, says } = reference;
  const place = position === null ? '' : `  ${position.file}:${position.line}:${position.column}`;
  return [span(`${INDENT}   `), span(policy, 'name'), span(`  ${says}`), span(place, 'source')];
}

function outputLines(stdout: string, stderr: string): Line[] {
  const lines = (text: string, style: Style): Line[] =>
    text === ''
      ? []
      : text
          .replace(/\n+$/, '')
          .split('\n')
          .map((line) => [span(`${INDENT}| `, 'faint'), span(line.replace(/\r$/, '').trimEnd(), style)]);
  return [...lines(stdout, 'plain'), ...lines(stderr, 'faint')];
}

/** Most lines of a command's output that are shown unless more is asked for. */
const MAX_OUTPUT_LINES = 24;

function shortened(lines: Line[], verbosity: Verbosity): Line[] {
  if (verbosity > 0 || lines.length <= MAX_OUTPUT_LINES) {
    return lines;
  }
  const kept = lines.slice(0, MAX_OUTPUT_LINES - 4);
  return [...kept, [span(`${INDENT}| ... ${lines.length - kept.length} more lines, -v shows them`, 'faint')]];
}

/** Expectations that do not hold, with what happened instead and what decided it. */
function checks(step: StepResult): Line[] {
  return step.expectations
    .filter(({ passed }) => !passed)
    .flatMap(({ key, expected, actual, position }) => [
      [
        span(`${INDENT}✗ `, 'bad'),
        span(`${key}: expected ${expected}`),
        span(`  ${position.file}:${position.line}:${position.column}`, 'source'),
      ],
      plain(`${INDENT}  instead: ${actual}`),
    ]);
}

function exitText(exitCode: number | null): string {
  return exitCode === null ? '' : ` (curl exit code ${exitCode})`;
}

/** The line a report opens with. */
export function opening(result: ScenarioResult): Line[] {
  const last = result.steps.at(-1);
  const took = last === undefined ? 0 : last.endedAt - (result.steps[0]?.startedAt ?? 0);
  return [
    [span(result.name, 'strong'), span(`  ${result.file}, seed ${result.seed}, ${durationText(took)} of virtual time`, 'faint')],
    BLANK,
  ];
}
