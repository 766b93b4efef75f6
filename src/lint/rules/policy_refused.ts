/** Policies that are not taken. */
import { issueText } from '../../agent/policy/api/hint.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const policyRefused: LintRule = {
  code: 'policy-refused',
  severity: 'error',
  title: 'The agent does not take the policy',
  why: "A policy with one thing wrong is refused as a whole: the pods are left without it (or with its previous version), and only the agent's log and the status of the object say so.",
  see: 'cilium:pkg/policy/api/rule_validation.go#Rule.Sanitize',
  bad: deathstarExample('ingress:\n- fromEntities: [wrold]'),
  good: deathstarExample('ingress:\n- fromEntities: [world]'),
  check(subject) {
    return subject.refused.flatMap(({ policy, issues }) =>
      issues.map((issue): Draft => ({ policy, path: issue.path, message: `refused: ${issueText(issue)}`, flow: null })),
    );
  },
};
