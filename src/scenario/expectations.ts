/**
 * Checks what a step expects against what it did.
 */
import type { SourcePosition } from './issue.ts';
import { matcherText, mismatch, shown } from './match_text.ts';
import type { Actor, DropResult, ExpectationResult, StepDetail } from './result.ts';
import type { DroppedExpectation, EventMatcher, Expectations, TextMatcher } from './schema/expect.ts';

/** What a step did, as far as expectations look at it. */
export interface Happened {
  readonly detail: StepDetail;
  readonly monitor: readonly string[];
  readonly hubble: readonly string[];
  /** Drops during the step, whether or not the step was a request. */
  readonly drops: readonly DropResult[];
  readonly actors: readonly Actor[];
  /** Whether a request reached a server's program; `null`: it was not recorded. */
  readonly arrived: boolean | null;
}

/** The results in the order of the keys. */
export function checkExpectations(
  expect: Expectations,
  happened: Happened,
  positions: Readonly<Record<string, SourcePosition>>,
  fallback: SourcePosition,
): ExpectationResult[] {
  const results: ExpectationResult[] = [];
  for (const key of Object.keys(expect) as (keyof Expectations)[]) {
    const outcome = check(key, expect, happened);
    if (outcome !== null) {
      results.push({ key, ...outcome, position: positions[key] ?? fallback });
    }
  }
  return results;
}

type Outcome = Omit<ExpectationResult, 'key' | 'position'>;

function check(key: keyof Expectations, expect: Expectations, happened: Happened): Outcome | null {
  if (expect[key] === undefined) {
    return null;
  }
  const { detail } = happened;
  switch (key) {
    case 'exitCode':
      return equal(expect.exitCode, 'exitCode' in detail ? detail.exitCode : undefined);
    case 'status':
      return equal(expect.status, detail.kind === 'http' ? (detail.status ?? 'no answer') : undefined);
    case 'outcome':
      return oneOf(expect.outcome, fate(detail));
    case 'arrived':
      return equal(expect.arrived, happened.arrived ?? undefined);
    case 'decidedBy':
      return equal(expect.decidedBy, fate(detail)?.decidedBy, fate(detail)?.why);
    case 'body':
      return text(expect.body as TextMatcher, detail.kind === 'http' ? detail.body : undefined);
    case 'stdout':
      return text(expect.stdout as TextMatcher, outputOf(detail, 'stdout'));
    case 'stderr':
      return text(expect.stderr as TextMatcher, outputOf(detail, 'stderr'));
    case 'dropped':
      return dropped(expect.dropped as boolean | DroppedExpectation, happened);
    case 'monitor':
      return inOrder(expect.monitor as EventMatcher[], happened.monitor);
    case 'hubble':
      return inOrder(expect.hubble as EventMatcher[], happened.hubble);
    case 'noMonitor':
      return none(expect.noMonitor as EventMatcher[], happened.monitor);
  }
}

function fate(detail: StepDetail): { readonly outcome: string; readonly decidedBy: string; readonly why: string } | undefined {
  return detail.kind === 'http' || detail.kind === 'process' ? (detail.fate ?? undefined) : undefined;
}

function outputOf(detail: StepDetail, stream: 'stdout' | 'stderr'): string | undefined {
  if (detail.kind === 'command' || detail.kind === 'process') {
    return detail[stream];
  }
  return detail.kind === 'http' ? (stream === 'stdout' ? detail.body : detail.error) : undefined;
}

/** Any of several outcomes will do. */
function oneOf(expected: Expectations['outcome'], actual: ReturnType<typeof fate>): Outcome {
  const wanted: readonly (string | undefined)[] = Array.isArray(expected) ? expected : [expected];
  const outcome = equal(wanted.join(' or '), actual?.outcome, actual?.why);
  const passed = wanted.includes(actual?.outcome);
  return { ...outcome, actual: passed ? (actual?.outcome ?? NOTHING) : outcome.actual, passed };
}

function equal(expected: unknown, actual: unknown, why?: string): Outcome {
  const passed = expected === actual;
  const because = !passed && why !== undefined && why !== '' ? ` (${why})` : '';
  return { expected: String(expected), actual: actual === undefined ? NOTHING : `${String(actual)}${because}`, passed };
}

/** What a step without such a result is said to have given. */
const NOTHING = 'this step gives none';

function text(matcher: TextMatcher, actual: string | undefined): Outcome {
  if (actual === undefined) {
    return { expected: matcherText(matcher), actual: NOTHING, passed: false };
  }
  const reason = mismatch(matcher, actual);
  return { expected: matcherText(matcher), actual: reason ?? shown(actual), passed: reason === null };
}

function dropped(expected: boolean | DroppedExpectation, happened: Happened): Outcome {
  const { drops } = happened;
  const list = drops.length === 0 ? 'nothing was dropped' : drops.map(dropText).join('; ');
  if (typeof expected === 'boolean') {
    return { expected: expected ? 'a drop' : 'no drop', actual: list, passed: drops.length > 0 === expected };
  }
  const names = new Map(happened.actors.map((actor) => [actor.ip, actor]));
  const passed = drops.some((drop) => fits(expected, drop, names));
  const wanted = Object.entries(expected)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ');
  return { expected: wanted, actual: list, passed };
}

function fits(expected: DroppedExpectation, drop: DropResult, actors: ReadonlyMap<string, Actor>): boolean {
  const isEnd = (wanted: string | undefined, end: string): boolean => {
    const ip = end.slice(0, end.lastIndexOf(':'));
    return wanted === undefined || wanted === end || wanted === ip || isName(actors.get(ip), wanted);
  };
  const { reason, endpoint, count, from, to } = expected;
  const atEndpoint =
    endpoint === undefined ||
    (typeof endpoint === 'number'
      ? endpoint === drop.endpointId
      : [...actors.values()].some((actor) => actor.endpointId === drop.endpointId && isName(actor, endpoint)));
  return (
    (reason === undefined || reason === drop.reason) &&
    atEndpoint &&
    (count === undefined || count === drop.count) &&
    isEnd(from, drop.source) &&
    isEnd(to, drop.destination)
  );
}

/** Whether a scenario's word (`tiefighter`, `default/tiefighter`) names the actor. */
function isName(actor: Actor | undefined, word: string): boolean {
  return actor !== undefined && (actor.name === word || actor.name === `default/${word}`);
}

function dropText(drop: DropResult): string {
  return `${drop.reason}: ${drop.source} -> ${drop.destination} at endpoint ${drop.endpointId}${drop.count > 1 ? ` (${drop.count} times)` : ''}`;
}

function inOrder(matchers: readonly EventMatcher[], lines: readonly string[]): Outcome {
  let at = 0;
  for (const [i, matcher] of matchers.entries()) {
    const found = lines.findIndex((line, index) => index >= at && matchesLine(matcher, line));
    if (found < 0) {
      const where = i === 0 ? '' : ' after the ones before it';
      return {
        expected: eventsText(matchers),
        actual: `no line has ${eventText(matcher)}${where}; ${lines.length} lines were seen`,
        passed: false,
      };
    }
    at = found + 1;
  }
  return { expected: eventsText(matchers), actual: 'all seen', passed: true };
}

function none(matchers: readonly EventMatcher[], lines: readonly string[]): Outcome {
  for (const matcher of matchers) {
    const line = lines.find((one) => matchesLine(matcher, one));
    if (line !== undefined) {
      return { expected: `not ${eventsText(matchers)}`, actual: shown(line, 120), passed: false };
    }
  }
  return { expected: `not ${eventsText(matchers)}`, actual: 'none seen', passed: true };
}

function matchesLine(matcher: EventMatcher, line: string): boolean {
  return 'contains' in matcher ? line.includes(matcher.contains) : new RegExp(matcher.matches).test(line);
}

function eventsText(matchers: readonly EventMatcher[]): string {
  return matchers.map(eventText).join(', ');
}

function eventText(matcher: EventMatcher): string {
  return 'contains' in matcher ? shown(matcher.contains) : `/${matcher.matches}/`;
}
