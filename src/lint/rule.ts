/** What a lint rule is, and what it asks to be shown. */
import type { Path } from '../agent/policy/api/rule.ts';
import type { Severity } from './finding.ts';
import type { LintSubject, PolicyObject } from './subject.ts';

/** An end of a flow. */
export type FlowEnd =
  /** One of the manifests' pods. */
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  /** A pod that does not exist but could. */
  | { readonly kind: 'someone'; readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  /** An address outside the cluster. */
  | { readonly kind: 'world'; readonly ip: string };

/** A request that shows an effect. */
export interface FlowAsk {
  readonly from: FlowEnd;
  readonly to: FlowEnd;
  readonly port: number;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** What is to be seen; absent: whatever happens. */
  readonly shows?: 'allowed' | 'stopped';
  /** No finding unless it is seen. Otherwise a finding that is not borne out becomes an `info` that says so. */
  readonly decides?: boolean;
  /** With `decides`: the elements at these paths of the policy must not be what allows it. */
  readonly notBy?: readonly Path[];
}

/** A finding before its flow was run. */
export interface Draft {
  readonly policy: PolicyObject;
  readonly path: Path;
  readonly message: string;
  /** Absent: what the rule's documentation says. */
  readonly why?: string;
  readonly meant?: string;
  /** Absent: the rule's own. */
  readonly severity?: Severity;
  readonly flow: FlowAsk | null;
}

/** A rule with its documentation. The examples are manifests that tests run: `bad` has the finding, `good` does not. */
export interface LintRule {
  readonly code: string;
  readonly severity: Severity;
  readonly title: string;
  /** What happens and why, for `--explain`. */
  readonly why: string;
  /** Where it is known from. */
  readonly see: string;
  readonly bad: string;
  readonly good: string;
  check(subject: LintSubject): readonly Draft[];
}
