/** `reserved:init` in a namespaced policy. */
import { hasKey } from '../../agent/policy/api/selector.ts';
import { policyExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const initEverywhere: LintRule = {
  code: 'init-everywhere',
  severity: 'error',
  title: 'reserved:init takes a policy out of its namespace',
  why: 'A CiliumNetworkPolicy whose endpointSelector names reserved:init, with whatever operator, gets no namespace added in 1.13.3: it applies to pods of all namespaces, and so do its peers (CVE-2023-41333).',
  see: 'cilium:pkg/k8s/apis/cilium.io/utils/utils.go#getEndpointSelector',
  bad: policyExample(
    'endpointSelector:\n  matchExpressions:\n  - {key: "reserved:init", operator: DoesNotExist}\ningress:\n- fromEntities: [all]',
  ),
  good: policyExample('endpointSelector: {}\ningress:\n- fromEntities: [all]'),
  check(subject) {
    return subject.elements.flatMap(({ rule, policy }): Draft[] =>
      rule.ref.kind === 'CiliumNetworkPolicy' && rule.endpointSelector !== null && hasKey(rule.endpointSelector, 'reserved.init')
        ? [
            {
              policy,
              path: [...rule.path, 'endpointSelector'],
              message: 'the policy applies to pods of every namespace',
              meant: 'leave reserved:init out, or write a CiliumClusterwideNetworkPolicy',
              flow: null,
            },
          ]
        : [],
    );
  },
};
