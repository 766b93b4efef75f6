/** The built-in property of faults: searches for a case that breaks it, makes it small, and tells it as a scenario. */
import fc from 'fast-check';
import { durationText } from '../../scenario/duration.ts';
import { faultText } from '../../scenario/fault.ts';
import { issueText } from '../../scenario/issue.ts';
import { parseScenario } from '../../scenario/parse.ts';
import { plainText } from '../../scenario/report/block.ts';
import { report } from '../../scenario/report/report.ts';
import { runScenario } from '../../scenario/run_scenario.ts';
import { WHATEVER_FAILS } from '../properties/builtin.ts';
import { type SearchRange, searchBlocks } from '../run/blocks.ts';
import type { Counterexample, Part } from '../run/check.ts';
import { partyText } from '../run/minimize.ts';
import { type Case, prepare } from '../run/property.ts';
import type { CheckSubject } from '../run/subject.ts';
import { type FaultCase, type FaultEvent, faultCases } from './case.ts';
import { type BrokenByFaults, play } from './play.ts';
import { PRECONDITIONS, type Precondition } from './preconditions.ts';
import { faultScenarioText } from './scenario_text.ts';
import { type FaultScene, faultScene } from './scene.ts';

/** What the property says. */
export const FAULT_PROPERTY = WHATEVER_FAILS.name;

/** Where 1.13.3 goes by older policies for a while, and why that is no failure. */
const WINDOW =
  'denied requests arrived by policies that were on their way out: 1.13.3 enforces the old rules until the proxy acknowledges the new ones (cilium:pkg/endpoint/bpf.go#Endpoint.regenerateBPF)';

/** A search through cases with faults. */
export interface FaultSearch {
  /** Whether there is anybody to send requests. */
  readonly possible: boolean;
  run(range: SearchRange): Omit<Part, 'first'>;
}

/** Makes the search of a subject ready. */
export function faultSearch(subject: CheckSubject): FaultSearch {
  const everybody = { from: { entity: 'all' as const }, to: { entity: 'cluster' as const } };
  const anybody = prepare({ name: FAULT_PROPERTY, never: everybody }, subject).cases;
  // Pods that are there are asked more often: the policies were written for them.
  const existing = prepare({ name: FAULT_PROPERTY, always: { from: { entity: 'cluster' }, to: { entity: 'cluster' } } }, subject).cases;
  const usual = [anybody, existing, existing, existing].filter((one) => one !== null);
  const scene = faultScene(subject);
  const made = (): fc.Arbitrary<FaultCase> | null => {
    const decided = decidedCases(fc.oneof(...usual), scene);
    const all = decided.length === 0 ? usual : [...usual, ...usual.map(() => fc.constantFrom(...decided))];
    return faultCases({ cases: fc.oneof(...all), subject });
  };
  // Working out which cases the policies decide takes a moment: once, and only if it is asked for.
  let cases: ReturnType<typeof made> | undefined;
  return {
    possible: usual.length > 0,
    run: (range) => {
      cases ??= usual.length === 0 ? null : made();
      if (cases === null) {
        return { runs: 0, verdict: 'vacuous', counterexample: null };
      }
      let windows = 0;
      const unmet = new Set<Precondition>();
      const property = fc.property(cases, (one) => {
        const played = play(scene, one);
        windows += played.windows;
        for (const reason of played.unmet) {
          unmet.add(reason);
        }
        return played.broken === null;
      });
      const { runs, found } = searchBlocks(range, property);
      const said = [...(windows === 0 ? [] : [WINDOW]), ...[...unmet].sort().map((reason) => PRECONDITIONS[reason])];
      const notes = said.length === 0 ? {} : { notes: said };
      if (found === null) {
        return { runs, verdict: 'holds', counterexample: null, ...notes };
      }
      const { seed, number } = range;
      return { runs, verdict: 'broken', counterexample: explain(subject, found.value, seed, `${number}:${found.path}`), ...notes };
    },
  };
}

/** Samples that are looked at, and policies that are tried without. */
const SAMPLES = 300;
const TRIED = 12;

/** Cases that one of the policies decides: without it they would fare otherwise. Faults and changes of policies tell most there. */
function decidedCases(cases: fc.Arbitrary<Case>, scene: FaultScene): Case[] {
  const everything = '1'.repeat(scene.policies.length);
  const without = Array.from(
    { length: Math.min(TRIED, everything.length) },
    (_, i) => `${everything.slice(0, i)}0${everything.slice(i + 1)}`,
  );
  const known = new Map<string, Case>();
  for (const one of fc.sample(cases, { seed: 1, numRuns: SAMPLES })) {
    if (one.to.kind === 'pod' && one.from.kind !== 'host' && one.protocol === 'TCP') {
      const { reaches } = scene.reach(everything, one);
      if (without.some((state) => scene.reach(state, one).reaches !== reaches)) {
        known.set(JSON.stringify([one.from, one.to, one.port, reaches]), one);
      }
    }
  }
  return [...known.values()];
}

/** @remarks Simplified: of the policies whole objects are taken away, not their parts. */
function explain(subject: CheckSubject, found: FaultCase, seed: number, replay: string): Counterexample {
  const { scene, one, broken } = smallest(subject, found);
  const { method, path } = broken.request;
  const summary = `${partyText(one.from)} sends ${method} ${path} to ${partyText(one.to)} port ${one.port}: it ${broken.text}`;
  const derivation = one.events.map((event) => eventText(scene, one, event));
  const description = [`Found by trenchrun check --seed ${seed} --replay ${replay}`, summary, ...derivation].join('\n');
  const scenario = faultScenarioText(scene, one, broken, description);
  const parsed = parseScenario(scenario, { file: 'counterexample.yaml', readFile: () => ({ error: 'a counterexample names no files' }) });
  const result = parsed.ok ? runScenario(parsed.scenario) : null;
  const unconfirmed = parsed.ok
    ? result?.passed === true
      ? 'the scenario passes: what was seen arrives only when its steps are over'
      : null
    : parsed.issues.map(issueText).join('; ');
  const story = result === null || unconfirmed !== null ? '' : plainText(report(result, 0));
  return { seed, replay, summary, derivation, scenario, story, unconfirmed };
}

/** Policies go that the failure does not need. */
function smallest(subject: CheckSubject, found: FaultCase): { scene: FaultScene; one: FaultCase; broken: BrokenByFaults } {
  let best = { scene: faultScene(subject), one: found };
  let broken = play(best.scene, found).broken as BrokenByFaults;
  for (let i = best.scene.policies.length - 1; i >= 0; i--) {
    const fewer = {
      scene: faultScene(
        subject,
        best.scene.policies.filter((_, at) => at !== i),
      ),
      one: { ...best.one, events: best.one.events.flatMap((event) => withoutPolicy(event, i)) },
    };
    const still = play(fewer.scene, fewer.one).broken;
    if (still !== null && still.what === broken.what && still.reach.reaches === broken.reach.reaches) {
      best = fewer;
      broken = still;
    }
  }
  return { ...best, broken };
}

function withoutPolicy(event: FaultEvent, index: number): FaultEvent[] {
  if (event.kind !== 'apply' && event.kind !== 'delete') {
    return [event];
  }
  return event.policy === index ? [] : [event.policy > index ? { ...event, policy: event.policy - 1 } : event];
}

function eventText({ policies }: FaultScene, one: FaultCase, event: FaultEvent): string {
  switch (event.kind) {
    case 'fault':
      return faultText(event.fault);
    case 'wait':
      return `${durationText(event.nanos)} pass`;
    case 'apply':
    case 'delete': {
      const metadata = policies[event.policy]?.['metadata'] as { readonly name?: string } | undefined;
      return `policy ${metadata?.name ?? ''} is ${event.kind === 'apply' ? 'applied' : 'deleted'}`;
    }
    case 'request': {
      const request = one.requests[event.request % one.requests.length];
      return `${request?.method ?? ''} ${request?.path ?? ''}${event.kept ? ' on a kept connection' : ''}`;
    }
  }
}
