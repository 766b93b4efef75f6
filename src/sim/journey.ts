/**
 * The journey: the record of what happened, step by step, as data.
 *
 * Every hop of a packet and of a policy appends typed steps. The terminal, the shell, Hubble lines, explanations and property
 * tests read the journey; none of them computes fate a second time. Nobody listens by default: callers test `recording`
 * before they build a step, so an idle journey costs one branch.
 */
import type { Nanos } from './clock.ts';

/** Plain JSON data. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A plain JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** The room of the house in which a step happened. */
export type Actor = 'k8s' | 'agent' | 'kernel' | 'bpf' | 'envoy' | 'workload' | 'cluster';

/** What all steps have in common. */
export interface StepBase {
  readonly actor: Actor;
  /** The function, by the name it has upstream (`ipv4_policy`, `PolicyAdd`, `tcp_v4_rcv`). */
  readonly fn: string;
  /** The upstream source it models: `cilium:bpf/bpf_lxc.c#ipv4_policy`. */
  readonly see?: string;
  /** The packet it is about: `Packet.id`. */
  readonly packet?: number;
}

/** A packet (or request, or object) arrives at a function. */
export interface EnterStep extends StepBase {
  readonly kind: 'enter';
  /** Where: a device and hook (`lxc1 ingress`), a listener, a queue. */
  readonly where: string;
  /** One line about what arrived: `10.0.0.123:48954 -> 10.0.0.111:80 tcp SYN`. */
  readonly what: string;
}

/** A map, table or cache was asked. */
export interface LookupStep extends StepBase {
  readonly kind: 'lookup';
  /** The map's name: `cilium_ipcache`, `ip rule`, `NetworkPolicyMap`. */
  readonly map: string;
  readonly key: Json;
  /** The entry found, or `null` for a miss. */
  readonly entry: Json;
}

/** Something was decided. */
export interface DecideStep extends StepBase {
  readonly kind: 'decide';
  /** The decision: `redirect`, `allow`, `drop`, `deliver`, `established`, `to-stack`. */
  readonly verdict: string;
  /** Why, in one line. */
  readonly why: string;
  readonly data?: JsonObject;
}

/** State changed: a map entry, a mark, a header, a socket, a rule. */
export interface ChangeStep extends StepBase {
  readonly kind: 'change';
  /** What changed: a map's name, `mark`, `ip.dst`, `tcp state`. */
  readonly target: string;
  readonly key?: Json;
  /** `null`: did not exist. */
  readonly before: Json;
  /** `null`: no longer exists. */
  readonly after: Json;
}

/** An observation was emitted: a perf event, an access log record, a control-plane event. */
export interface EmitStep extends StepBase {
  readonly kind: 'emit';
  /** `trace`, `drop`, `policy-verdict`, `access-log`, `agent`. */
  readonly event: string;
  readonly data: JsonObject;
}

/** A message between two parts that do not share memory: xDS, CNI, API watch. */
export interface MessageStep extends StepBase {
  readonly kind: 'message';
  readonly from: string;
  readonly to: string;
  readonly what: string;
  readonly data?: JsonObject;
}

/** One step of the journey, before the recorder numbers it. */
export type StepDetail = EnterStep | LookupStep | DecideStep | ChangeStep | EmitStep | MessageStep;

/** One numbered step. */
export type Step = StepDetail & {
  /** Position in the journey, from 0. */
  readonly seq: number;
  /** Nanoseconds since boot. */
  readonly at: Nanos;
};

/** The recorder, one per cluster. */
export class Journey {
  /** Whether somebody listens. Test it before building a step. */
  recording = false;
  readonly #steps: Step[] = [];
  readonly #now: () => Nanos;

  constructor(now: () => Nanos) {
    this.#now = now;
  }

  /** Appends a step; does nothing while nobody listens. */
  add(detail: StepDetail): void {
    if (this.recording) {
      this.#steps.push({ seq: this.#steps.length, at: this.#now(), ...detail });
    }
  }

  /** All steps so far. */
  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** The steps from position `from` on. */
  since(from: number): readonly Step[] {
    return this.#steps.slice(from);
  }
}
