/** `toFQDNs` whose names nobody learns. */
import { fqdnSelectorMatches } from '../../agent/policy/api/fqdn.ts';
import type { Rule } from '../../agent/policy/api/rule.ts';
import { flowOf, OUTSIDE, subjectEnd, tcpPorts } from '../ends.ts';
import { policyExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject } from '../subject.ts';

const DNS =
  '- toEndpoints:\n  - matchLabels:\n      k8s:io.kubernetes.pod.namespace: kube-system\n      k8s:k8s-app: kube-dns\n  toPorts:\n  - ports:\n    - {port: "53", protocol: ANY}\n';

/** The rule. */
export const fqdnsWithoutDns: LintRule = {
  code: 'fqdns-without-dns',
  severity: 'error',
  title: 'toFQDNs without a DNS rule that lets the name be asked for',
  why: 'Addresses of names are learned from the answers that pass the DNS proxy, and queries only go there when an egress rule of the same pods has rules.dns for port 53. Without it the names never get addresses and nothing is allowed; a name that the DNS rules do not cover is refused.',
  see: 'cilium:pkg/fqdn/dnsproxy/proxy.go#DNSProxy.ServeDNS',
  bad: policyExample(`endpointSelector:\n  matchLabels: {org: empire}\negress:\n- toFQDNs:\n  - matchName: api.github.com\n${DNS}`),
  good: policyExample(
    `endpointSelector:\n  matchLabels: {org: empire}\negress:\n- toFQDNs:\n  - matchName: api.github.com\n${DNS}    rules:\n      dns:\n      - matchPattern: "*.github.com"`,
  ),
  check: (subject) => subject.elements.flatMap((element) => check(subject, element)),
};

function check(subject: LintSubject, element: Element): Draft[] {
  const names = element.egress?.toFQDNs ?? [];
  if (names.length === 0) {
    return [];
  }
  const dns = rulesFor(subject, element.rule).flatMap(({ egress }) =>
    egress.flatMap(({ toPorts }) => toPorts.flatMap(({ rules }) => rules?.dns ?? [])),
  );
  const [port = 443] = tcpPorts(subject, element);
  const flow = flowOf(element, subjectEnd(subject, element), OUTSIDE, { port });
  if (dns.length === 0) {
    return [
      {
        policy: element.policy,
        path: [...element.path, 'toFQDNs'],
        message: 'no egress rule of these pods has rules.dns: no name will ever have addresses',
        meant: 'add rules: {dns: [{matchPattern: "*"}]} to the rule for port 53',
        flow,
      },
    ];
  }
  return names.flatMap(({ matchName }, i): Draft[] =>
    matchName === '' || dns.some((one) => fqdnSelectorMatches(one, matchName))
      ? []
      : [
          {
            policy: element.policy,
            path: [...element.path, 'toFQDNs', i],
            message: `no DNS rule allows the query for ${matchName}: the proxy refuses it`,
            meant: `add {matchName: ${matchName}} to rules.dns`,
            flow,
          },
        ],
  );
}

/** The rules in force where a rule is: those that select a pod it selects, or have the same selector. */
function rulesFor(subject: LintSubject, rule: Rule): readonly Rule[] {
  const mine = new Set(subject.subjects(rule));
  return subject.rules.filter(
    (one) => one.endpointSelector?.text === rule.endpointSelector?.text || subject.subjects(one).some((pod) => mine.has(pod)),
  );
}
