/** Namespaces that a policy cannot speak of, or that it loses. */
import type { Path } from '../../agent/policy/api/rule.ts';
import { STRANGER } from '../ends.ts';
import { policyExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject, PolicyObject } from '../subject.ts';

const NAMESPACE = /^(?:k8s:|any:)?io\.kubernetes\.pod\.namespace$/;
const NAMESPACE_LABEL = /^(?:k8s:|any:)?io\.cilium\.k8s\.namespace\.labels\./;

/** The rule. */
export const namespaceOverwritten: LintRule = {
  code: 'namespace-overwritten',
  severity: 'error',
  title: 'A namespace in a selector that the policy overwrites or confines',
  why: 'A CiliumNetworkPolicy selects pods of its own namespace: another one in endpointSelector is overwritten. A peer selector that names only labels of namespaces (io.cilium.k8s.namespace.labels) still gets the namespace of the policy added, so it never leaves it.',
  see: 'cilium:pkg/k8s/apis/cilium.io/utils/utils.go#getEndpointSelector',
  bad: policyExample(
    'endpointSelector:\n  matchLabels:\n    class: deathstar\n    k8s:io.kubernetes.pod.namespace: empire\ningress:\n- {}',
  ),
  good: policyExample('endpointSelector:\n  matchLabels:\n    class: deathstar\ningress:\n- {}'),
  check: (subject) => [
    ...subject.policies.flatMap((policy) => overwritten(subject, policy)),
    ...subject.elements.flatMap((one) => confined(subject, one)),
  ],
};

function overwritten(subject: LintSubject, policy: PolicyObject): Draft[] {
  if (policy.ref.kind !== 'CiliumNetworkPolicy') {
    return [];
  }
  const specs = subject.written(policy, ['specs']);
  const places: Path[] = [['spec'], ...(Array.isArray(specs) ? specs.map((_, i): Path => ['specs', i]) : [])];
  return places.flatMap((place) => {
    const labels = subject.written(policy, [...place, 'endpointSelector', 'matchLabels']);
    return entries(labels).flatMap(([key, value]): Draft[] =>
      NAMESPACE.test(key) && value !== policy.ref.namespace
        ? [
            {
              policy,
              path: [...place, 'endpointSelector', 'matchLabels', key],
              message: `the policy selects pods of namespace ${policy.ref.namespace}, not of ${String(value)}`,
              meant: `put the policy into namespace ${String(value)}, or write a CiliumClusterwideNetworkPolicy`,
              flow: { from: STRANGER, to: { kind: 'someone', namespace: String(value), labels: bareLabels(labels) }, port: 80 },
            },
          ]
        : [],
    );
  });
}

/** Labels that a pod can have, of those a selector asks for. */
function bareLabels(labels: unknown): Record<string, string> {
  const own = entries(labels).filter(([key]) => !key.includes(':') && !key.startsWith('io.'));
  return Object.fromEntries(own.map(([key, value]) => [key, String(value)]));
}

function confined(subject: LintSubject, { policy, path, direction }: Element): Draft[] {
  const key = direction === 'ingress' ? 'fromEndpoints' : 'toEndpoints';
  const selectors = subject.written(policy, [...path, key]);
  if (policy.ref.kind !== 'CiliumNetworkPolicy' || !Array.isArray(selectors)) {
    return [];
  }
  return selectors.flatMap((selector, i): Draft[] => {
    const keys = keysOf(selector);
    const own = keys.some((one) => NAMESPACE.test(one) || one.startsWith('reserved'));
    return keys.some((one) => NAMESPACE_LABEL.test(one)) && !own
      ? [
          {
            policy,
            path: [...path, key, i],
            severity: 'warning',
            message: `labels of namespaces alone do not leave namespace ${policy.ref.namespace}: it is added to the selector`,
            meant: 'add matchExpressions: [{key: k8s:io.kubernetes.pod.namespace, operator: Exists}]',
            flow: null,
          },
        ]
      : [];
  });
}

function keysOf(selector: unknown): string[] {
  const { matchLabels, matchExpressions } = (selector ?? {}) as { readonly matchLabels?: unknown; readonly matchExpressions?: unknown };
  const expressions = Array.isArray(matchExpressions)
    ? matchExpressions.map((one) => String((one as { readonly key?: unknown } | null)?.key ?? ''))
    : [];
  return [...entries(matchLabels).map(([key]) => key), ...expressions];
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
