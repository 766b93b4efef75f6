/** A section that holds no element. */
import type { Path } from '../../agent/policy/api/rule.ts';
import { STRANGER, subjectEnd } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const emptySection: LintRule = {
  code: 'empty-section',
  severity: 'warning',
  title: 'ingress: [] enforces nothing',
  why: 'An empty list counts as absent: the direction is not enforced and everything passes. Default deny is a list with one empty element: ingress: [{}]. An empty element in a deny section denies nothing, but switches default deny on.',
  see: 'cilium:pkg/policy/repository.go#Repository.computePolicyEnforcementAndRules',
  bad: deathstarExample('ingress: []'),
  good: deathstarExample('ingress:\n- {}'),
  check(subject) {
    return subject.policies.flatMap((policy) => {
      if (policy.ref.kind === 'NetworkPolicy') {
        return [];
      }
      const specs = subject.written(policy, ['specs']);
      const places: Path[] = [['spec'], ...(Array.isArray(specs) ? specs.map((_, i): Path => ['specs', i]) : [])];
      return places.flatMap((place) =>
        (['ingress', 'egress', 'ingressDeny', 'egressDeny'] as const).flatMap((section): Draft[] => {
          const path = [...place, section];
          const value = subject.written(policy, path);
          if (!Array.isArray(value) || value.length > 0) {
            return [];
          }
          const rule = subject.rules.find((one) => one.ref.name === policy.ref.name && one.ref.namespace === policy.ref.namespace);
          const own = rule === undefined ? null : subjectEnd(subject, { rule });
          const deny = section.endsWith('Deny');
          const flow =
            own === null || deny
              ? null
              : section === 'ingress'
                ? { from: STRANGER, to: own, port: 80 }
                : { from: own, to: STRANGER, port: 80 };
          return [
            {
              policy,
              path,
              severity: deny ? 'info' : 'warning',
              message: `${section}: [] enforces nothing`,
              meant: deny ? 'leave it out' : `${section}: [{}] is default deny`,
              flow: flow === null ? null : { ...flow, shows: 'allowed' },
            },
          ];
        }),
      );
    });
  },
};
