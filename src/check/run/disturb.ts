/** Properties while agent or proxy are away and when they are back: tried with packets, because no model of policies knows of processes. */
import fc from 'fast-check';
import { confirm } from './confirm.ts';
import { summaryOf } from './derivation.ts';
import type { Case, Prepared } from './property.ts';
import { scenarioText } from './scenario_text.ts';

/** Who goes away and comes back. */
export type Restarted = 'proxy' | 'agent';

/** What was found. */
export interface Disturbance {
  /** Cases tried. */
  readonly runs: number;
  readonly broken: {
    readonly summary: string;
    readonly scenario: string;
    readonly story: ReturnType<typeof confirm>;
    readonly derivation: string;
  } | null;
}

/** Cases that are run for each condition. */
const RUNS = 6;
/** Cases they are chosen from. */
const CHOICE = 400;

/** Tries cases in which the property would be broken if what happens were the opposite of what policies say. */
export function disturb(prepared: Prepared, who: Restarted, seed: number, description: string): Disturbance {
  const chosen = choose(prepared, seed);
  for (const [i, one] of chosen.entries()) {
    const reach = prepared.reach(one);
    const away = `while the ${who} is away, or when it is back`;
    const broken = {
      reach,
      what: prepared.kind === 'always' ? `does not reach the destination ${away}` : `reaches the destination ${away}`,
    };
    const { attempt, policies } = { attempt: one, policies: prepared.subject.policies };
    const summary = summaryOf({ attempt, policies, broken });
    const text = scenarioText(prepared, { attempt, policies }, { title: summary, description, restart: who });
    const story = confirm(text, prepared.kind);
    if (story.confirmed) {
      return { runs: i + 1, broken: { summary, scenario: text, story, derivation: `the ${who} is stopped and started again` } };
    }
  }
  return { runs: chosen.length, broken: null };
}

/** Different ones, those that the proxy decides first: they are what a restart can change. */
function choose(prepared: Prepared, seed: number): Case[] {
  const all = prepared.cases === null ? [] : fc.sample(prepared.cases, { seed, numRuns: CHOICE });
  const telling = all.filter((one) => one.deleted === -1 && prepared.breaks(one) === null && prepared.forbids(one));
  const distinct = [...new Map(telling.map((one) => [JSON.stringify(one), one])).values()];
  const byProxy = distinct.filter((one) => isByProxy(prepared, one));
  return [...byProxy.slice(0, RUNS - 2), ...distinct.filter((one) => !byProxy.includes(one)).slice(0, 2)];
}

function isByProxy(prepared: Prepared, one: Case): boolean {
  const reach = prepared.reach(one);
  return reach.reaches === 'no' ? reach.how === 'denied' : reach.reaches === 'yes' && one.protocol === 'TCP';
}
