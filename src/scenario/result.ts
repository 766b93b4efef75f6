/**
 * What a run of a scenario gives: plain data, the same for the terminal, `--json` and tests. Instants are nanoseconds since boot.
 */
import type { Step } from '../sim/journey.ts';
import type { SourcePosition } from './issue.ts';
import type { DECIDERS, OUTCOMES } from './schema/expect.ts';

/** Version of the layout below; a change that breaks readers changes it. */
export const RESULT_SCHEMA = 'trenchrun/result/1';

/** How a request ended. */
export type Outcome = (typeof OUTCOMES)[number];
/** Who decided it. */
export type Decider = (typeof DECIDERS)[number];

/** A pod (or the host) that took part, as it was during the run. */
export interface Actor {
  /** `namespace/pod`, or a name such as `host`. */
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly endpointId: number | null;
  readonly identity: number | null;
  readonly labels: readonly string[];
}

/** What happened to one object. */
export interface ObjectResult {
  readonly kind: string;
  /** Empty for kinds without namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'deleted' | 'not found' | 'rejected';
  /** Why it was rejected. */
  readonly message?: string;
}

/** A packet that a BPF program dropped. */
export interface DropResult {
  readonly reason: string;
  /** Endpoint whose program dropped. */
  readonly endpointId: number;
  readonly source: string;
  readonly destination: string;
  readonly sourceIdentity: number;
  readonly destinationIdentity: number;
  /** Equal packets in the step. */
  readonly count: number;
}

/** An element of a policy, with the place it was written. */
export interface PolicyReference {
  /** `CiliumNetworkPolicy default/rule1` */
  readonly policy: string;
  /** `null` when the object did not come from a file. */
  readonly position: SourcePosition | null;
  /** What the element says: `selects default/deathstar…`, `allows POST /v1/request-landing`. */
  readonly says: string;
}

/** The fate of a request and what decided it. */
export interface Fate {
  readonly outcome: Outcome;
  readonly decidedBy: Decider;
  /** Why, in one line. */
  readonly why: string;
  /** Position in the journey of the step that decided, or `null` when no single step did. */
  readonly step: number | null;
  readonly drops: readonly DropResult[];
  /** For a denial: the policies that closed the door; for an answer: those that opened it. */
  readonly policies: readonly PolicyReference[];
}

/** What a step did. */
export type StepDetail =
  | { readonly kind: 'objects'; readonly objects: readonly ObjectResult[] }
  | {
      readonly kind: 'process';
      readonly pod: string;
      readonly argv: readonly string[];
      readonly exitCode: number;
      readonly stdout: string;
      readonly stderr: string;
      readonly fate: Fate | null;
    }
  | {
      readonly kind: 'http';
      readonly from: string;
      readonly method: string;
      readonly url: string;
      readonly status: number | null;
      readonly body: string;
      /** Exit code of curl; `null` on a connection of the scenario's own. */
      readonly exitCode: number | null;
      readonly error: string;
      readonly fate: Fate;
    }
  | { readonly kind: 'command'; readonly line: string; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'done'; readonly error: string | null };

/** One expectation. */
export interface ExpectationResult {
  /** Key in the scenario: `status`, `dropped`. */
  readonly key: string;
  readonly expected: string;
  /** What was the case; for one that holds, the same in other words. */
  readonly actual: string;
  readonly passed: boolean;
  readonly position: SourcePosition;
}

/** One step of the scenario. */
export interface StepResult {
  /** From 1. */
  readonly number: number;
  readonly title: string;
  readonly position: SourcePosition;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The part of the journey that belongs to it: from (included) and to (excluded). */
  readonly journey: { readonly from: number; readonly to: number };
  readonly detail: StepDetail;
  /** Lines of `cilium monitor` and `hubble observe` for the step. */
  readonly monitor: readonly string[];
  readonly hubble: readonly string[];
  readonly expectations: readonly ExpectationResult[];
  /** Whether the step did what it says and all its expectations hold. */
  readonly passed: boolean;
}

/** A whole run. */
export interface ScenarioResult {
  readonly schema: typeof RESULT_SCHEMA;
  readonly name: string;
  readonly file: string;
  readonly seed: number;
  readonly passed: boolean;
  readonly steps: readonly StepResult[];
  readonly actors: readonly Actor[];
  /** Empty unless recording was asked for. */
  readonly journey: readonly Step[];
}
