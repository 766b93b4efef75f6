/** A deny of a peer that an HTTP rule opens again. */
import { flowOf, podEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import { requestFor } from '../requests.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const denyReopenedByL7: LintRule = {
  code: 'deny-reopened-by-l7',
  severity: 'error',
  title: 'An HTTP rule opens again what a deny closes',
  why: 'Once a redirect has its proxy port, 1.13.3 writes the entries of that port again without a look at denies. A deny of a peer on all ports then stands beside the more specific redirect entry of the same peer, which wins; and the rules the proxy gets know no deny.',
  see: 'cilium:pkg/endpoint/bpf.go#Endpoint.addNewRedirectsFromDesiredPolicy',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: POST, path: /v1/request-landing}\ningressDeny:\n- fromEndpoints:\n  - matchLabels: {class: tiefighter}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n    matchExpressions:\n    - {key: class, operator: NotIn, values: [tiefighter]}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: POST, path: /v1/request-landing}\ningressDeny:\n- fromEndpoints:\n  - matchLabels: {class: tiefighter}',
  ),
  check(subject) {
    return subject.elements.flatMap((deny): Draft[] => {
      if (!deny.deny) {
        return [];
      }
      const denied = deny.endpoints.flatMap((selector) => subject.matching(selector)).filter(({ workload }) => workload !== null);
      const mine = new Set(subject.subjects(deny.rule));
      const allows = subject.elements.filter(
        (one) => !one.deny && one.direction === deny.direction && subject.subjects(one.rule).some((pod) => mine.has(pod)),
      );
      for (const allow of allows) {
        const peer = denied.find((pod) => allow.endpoints.some((selector) => subject.matching(selector).includes(pod)));
        const request = allow.toPorts
          .flatMap(({ rules }) => rules?.http ?? [])
          .map(requestFor)
          .find((one) => one !== null);
        const [port] = tcpPorts(subject, allow);
        const denies = deny.toPorts.length === 0 || tcpPorts(subject, deny).some((one) => one === port);
        if (peer !== undefined && request !== undefined && request !== null && port !== undefined && denies) {
          const flow = flowOf(deny, subjectEnd(subject, deny), podEnd(peer), { port, ...request, shows: 'allowed', decides: true });
          return [
            {
              policy: deny.policy,
              path: deny.path,
              message: `the deny does not hold on port ${port}: an HTTP rule of ${allow.policy.ref.name} names a denied peer`,
              meant: 'take the denied pods out of the peers of the HTTP rule too',
              flow,
            },
          ];
        }
      }
      return [];
    });
  },
};
