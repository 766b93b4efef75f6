/** What lint says: findings, each with the place, the reason, what was meant, and a flow that shows the effect. */
import type { SourcePosition } from '../scenario/issue.ts';
import type { PolicyReference } from '../scenario/result.ts';

/** From worst to mildest: it does not do what it says; it probably does not; worth knowing. */
export const SEVERITIES = ['error', 'warning', 'info'] as const;

/** How bad. */
export type Severity = (typeof SEVERITIES)[number];

/** A request that was sent through the simulated cluster. */
export interface Flow {
  /** `default/tiefighter`, `a pod default/someone without labels`, `198.51.100.77` */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly protocol: 'TCP';
  /** `GET /v1/` */
  readonly request: string;
  readonly verdict: 'allowed' | 'denied' | 'dropped' | 'failed';
  /** What decided. */
  readonly why: string;
  readonly policies: readonly PolicyReference[];
}

/** One finding. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  readonly position: SourcePosition;
  /** `CiliumNetworkPolicy default/rule1` */
  readonly policy: string;
  /** `spec.ingress[0].toPorts[0]` */
  readonly element: string;
  readonly message: string;
  /** What Cilium 1.13.3 makes of it. */
  readonly why: string;
  /** What was probably meant, or how to write it; empty if there is nothing to say. */
  readonly meant: string;
  /** `null` where no request can show it. */
  readonly flow: Flow | null;
}

/** All findings about some files. */
export interface LintResult {
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why. */
  readonly notes: readonly string[];
  readonly policies: number;
  readonly workloads: number;
}
