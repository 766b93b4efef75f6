/** The agent dies, at once or in a step of a regeneration, and is started again later. */
import { REGENERATION_STEPS, type RegenerationStep } from '../agent/endpoint/regeneration_steps.ts';
import type { Nanos } from '../sim/clock.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import type { Node } from './node.ts';

/** The steps, by the names of the functions. */
export const CRASH_STEPS = REGENERATION_STEPS;

/** What to wait for. */
export interface CrashPoint {
  /** `null`: it dies at once. */
  readonly at: RegenerationStep | null;
  /** Only when this pod's endpoint is regenerated; `null`: any. */
  readonly pod: { readonly namespace: string; readonly name: string } | null;
  /** How long the step is waited for. */
  readonly within: Nanos;
}

/** What is told: it is dead; all is over, it runs again or was never hit. */
export interface CrashEvents {
  struck(): void;
  over(): void;
}

/** Arms the crash; `down` is how long the agent stays away (`null`: for good). */
export function armAgentCrash(
  scheduler: Scheduler,
  node: Node,
  { at, pod, within }: CrashPoint,
  down: Nanos | null,
  events: CrashEvents,
): void {
  const strike = (): void => {
    events.struck();
    node.agentFaults += 1;
    if (down !== null) {
      scheduler.after(down, 'agent comes back', () => {
        node.agentFaults -= 1;
        if (node.agentFaults === 0) {
          node.startAgent();
        }
        events.over();
      });
    }
  };
  if (at === null) {
    node.stopAgent();
    strike();
    return;
  }
  const crash = {
    step: at,
    hits: (endpoint: { readonly namespace: string; readonly podName: string }) =>
      pod === null || (endpoint.namespace === pod.namespace && endpoint.podName === pod.name),
    strike: () => {
      timer.cancel();
      strike();
    },
  };
  const timer = scheduler.after(within, 'no agent crash', () => {
    if (node.crash === crash) {
      node.crash = null;
    }
    events.over();
  });
  node.crash = crash;
}
