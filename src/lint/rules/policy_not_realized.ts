/** Policies that are taken one by one and cannot be put into force together. */
import { flowOf, peerEnd, STRANGER, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

const HTTP = '- toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, path: "/v1/.*"}\n';

/** The rule. */
export const policyNotRealized: LintRule = {
  code: 'policy-not-realized',
  severity: 'error',
  title: 'The policy of a pod cannot be put into force',
  why: 'Each policy is accepted, but what they make together is not: different L7 protocols on one port, a missing secret, something the proxy answers with a NACK. The endpoint keeps what it had before, or a part of it, and regeneration fails again and again.',
  see: 'cilium:pkg/endpoint/policy.go#Endpoint.regenerate',
  bad: deathstarExample(
    `ingress:\n${HTTP}- toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      kafka:\n      - {topic: plans}`,
  ),
  good: deathstarExample(`ingress:\n${HTTP}`),
  check(subject) {
    return subject.cluster.nodes.flatMap(({ agent }) =>
      agent.endpoints.list().flatMap((endpoint): Draft[] => {
        const pod = subject.pods.find(({ endpointId }) => endpointId === endpoint.id);
        const rules = subject.rules.filter((rule) => pod !== undefined && subject.subjects(rule).includes(pod));
        const own = subject.elements.filter((one) => rules.includes(one.rule));
        const element = own.find(({ toPorts }) => toPorts.length > 0) ?? own[0];
        if (endpoint.lastError === null || element === undefined) {
          return [];
        }
        const [port = 80] = tcpPorts(subject, element);
        return [
          {
            policy: element.policy,
            path: element.rule.path,
            message: `the policy of ${endpoint.name} is not in force: ${endpoint.lastError}`,
            flow: flowOf(element, subjectEnd(subject, element), peerEnd(subject, element) ?? STRANGER, { port }),
          },
        ];
      }),
    );
  },
};
