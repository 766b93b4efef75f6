/** A namespace that is excluded by NotIn. */
import { flowOf, OUTSIDE, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

const NAMESPACE_KEYS = ['k8s.io.kubernetes.pod.namespace', 'any.io.kubernetes.pod.namespace'];

/** The rule. */
export const namespaceNotIn: LintRule = {
  code: 'namespace-not-in',
  severity: 'error',
  title: 'A namespace NotIn matches everything that has no namespace',
  why: 'NotIn and DoesNotExist hold for what lacks the label. Reserved identities and prefixes have no namespace: such a peer selector also means the world, the host and every prefix.',
  see: 'cilium:pkg/k8s/apis/cilium.io/utils/utils.go#getEndpointSelector',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchExpressions:\n    - {key: "k8s:io.kubernetes.pod.namespace", operator: NotIn, values: [untrusted]}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchExpressions:\n    - {key: "k8s:io.kubernetes.pod.namespace", operator: Exists}\n    - {key: "k8s:io.kubernetes.pod.namespace", operator: NotIn, values: [untrusted]}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) =>
      element.endpoints.flatMap(({ matchLabels, matchExpressions }, i): Draft[] => {
        const onNamespace = matchExpressions.filter(({ key }) => NAMESPACE_KEYS.includes(key));
        const excluded = onNamespace.some(({ operator }) => operator === 'NotIn' || operator === 'DoesNotExist');
        const confined =
          matchLabels.length > 0 || matchExpressions.some(({ operator }) => operator === 'In' || operator === 'Exists') || element.deny;
        if (!excluded || confined || element.policy.ref.kind === 'NetworkPolicy') {
          return [];
        }
        const [port = 80] = tcpPorts(subject, element);
        return [
          {
            policy: element.policy,
            path: [...element.path, element.direction === 'ingress' ? 'fromEndpoints' : 'toEndpoints', i],
            message: 'the selector also matches the world, the host and every prefix: they have no namespace',
            meant: 'add {key: k8s:io.kubernetes.pod.namespace, operator: Exists}',
            flow: flowOf(element, subjectEnd(subject, element), OUTSIDE, { port, shows: 'allowed' }),
          },
        ];
      }),
    );
  },
};
