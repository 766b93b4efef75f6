/**
 * Rules through the agent's API: what is there, putting some in, taking some out.
 * @see cilium:daemon/cmd/policy.go#getPolicy.Handle
 * @see cilium:daemon/cmd/policy.go#putPolicy.Handle
 * @see cilium:daemon/cmd/policy.go#deletePolicy.Handle
 */
import type { Daemon } from '../daemon/daemon.ts';
import { parseRuleList } from '../k8s/cnp.ts';
import { containsLabels, type LabelArray, parseSelectLabelArray } from '../labels/labels.ts';
import { encodeRule } from '../policy/api/encode.ts';
import type { Rule } from '../policy/api/rule.ts';

/** Rules as JSON text and the revision. @see cilium:api/v1/models/policy.go#Policy */
export interface PolicyModel {
  readonly policy: string;
  readonly revision: number;
}

/** An answer, or the text of the error the client prints. */
export type PolicyAnswer = { readonly ok: true; readonly value: PolicyModel } | { readonly ok: false; readonly error: string };

/** Rules that have all labels. */
export function getPolicy({ repository }: Daemon, texts: readonly string[]): PolicyAnswer {
  const rules = withLabels(repository.allRules(), parseSelectLabelArray(texts));
  return rules.length === 0 && texts.length > 0
    ? { ok: false, error: '[GET /policy][404] getPolicyNotFound ' }
    : { ok: true, value: { policy: rulesText(rules), revision: repository.revision } };
}

/** What is wrong with a list of rules, or `null`. */
export function checkPolicy(daemon: Daemon, rules: readonly unknown[]): string | null {
  return parseRuleList(rules, daemon.policyConfig).issues[0]?.message ?? null;
}

/** Adds rules; `done` hears the answer as soon as the repository has them. */
export function putPolicy(daemon: Daemon, list: readonly unknown[], done: (answer: PolicyAnswer) => void): void {
  const { rules, issues } = parseRuleList(list, daemon.policyConfig);
  const issue = issues[0];
  if (issue !== undefined) {
    done({ ok: false, error: `[PUT /policy][500] putPolicyFailure  ${issue.message}` });
    return;
  }
  daemon.policy.policyAdd(rules, { replaceWithLabels: null }, (revision) =>
    done({ ok: true, value: { policy: rulesText(rules), revision } }),
  );
}

/** Deletes the rules that have all labels; without labels all rules. */
export function deletePolicy(daemon: Daemon, texts: readonly string[], done: (answer: PolicyAnswer) => void): void {
  const labels = parseSelectLabelArray(texts);
  if (texts.length > 0 && withLabels(daemon.repository.allRules(), labels).length === 0) {
    done({ ok: false, error: '[DELETE /policy][404] deletePolicyNotFound ' });
    return;
  }
  daemon.policy.policyDelete(labels, (revision) =>
    done({ ok: true, value: { policy: rulesText(daemon.repository.allRules()), revision } }),
  );
}

function withLabels(rules: readonly Rule[], labels: LabelArray): readonly Rule[] {
  return rules.filter((rule) => containsLabels(rule.labels, labels));
}

/** @see cilium:pkg/policy/repository.go#JSONMarshalRules */
function rulesText(rules: readonly Rule[]): string {
  const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };
  return JSON.stringify(rules.map(encodeRule), null, 2).replace(/[<>&]/g, (one) => escapes[one] as string);
}
