/** How full policy maps get. */
import { POLICY_MAP_MAX_ENTRIES } from '../../maps/policymap.ts';
import { policyExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { LintSubject } from '../subject.ts';

/** From here on it is worth knowing. */
const WARN_SHARE = 0.5;

/** The rule. */
export const policyMapSize: LintRule = {
  code: 'policy-map-size',
  severity: 'error',
  title: 'A policy map fills up',
  why: 'Every identity and port an endpoint may talk to is an entry of its policy map: peers times ports, and a protocol left out counts three times. What does not fit into bpf-policy-map-max entries (16384) is not written, and traffic it should allow is dropped.',
  see: 'cilium:pkg/maps/policymap/policymap.go#MaxEntries',
  bad: bigPolicy(3000),
  good: bigPolicy(10),
  check(subject) {
    return subject.pods.flatMap((pod): Draft[] => {
      const size = entriesOf(subject, pod.endpointId);
      const largest = subject.elements.filter(({ rule }) => subject.subjects(rule).includes(pod)).sort((a, b) => weight(b) - weight(a))[0];
      if (size < POLICY_MAP_MAX_ENTRIES * WARN_SHARE || largest === undefined) {
        return [];
      }
      return [
        {
          policy: largest.policy,
          path: largest.path,
          severity: size > POLICY_MAP_MAX_ENTRIES ? 'error' : 'warning',
          message: `the policy map of ${pod.namespace}/${pod.name} needs ${size} entries of ${POLICY_MAP_MAX_ENTRIES}; this element makes most of them`,
          meant: 'join prefixes, write protocols, or use fewer ports',
          flow: null,
        },
      ];
    });
  },
};

function entriesOf({ cluster }: LintSubject, endpointId: number): number {
  const endpoint = cluster.nodes[0]?.agent.endpoints.get(endpointId);
  return (endpoint?.desiredPolicy ?? endpoint?.realizedPolicy)?.mapState.size ?? 0;
}

function weight({ cidrs, endpoints, toPorts }: LintSubject['elements'][number]): number {
  const ports = toPorts.reduce((sum, one) => sum + one.ports.length, 0);
  return (cidrs.length + endpoints.length) * Math.max(1, ports);
}

/** A policy with many prefixes and six ports. */
function bigPolicy(prefixes: number): string {
  const list = Array.from({ length: prefixes }, (_, i) => `  - 20.${Math.floor(i / 250)}.${i % 250}.0/24`);
  const ports = [8001, 8002, 8003, 8004, 8005, 8006].map((port) => `    - {port: "${port}", protocol: TCP}`);
  return policyExample(
    ['endpointSelector:', '  matchLabels: {class: tiefighter}', 'egress:', '- toCIDR:', ...list, '  toPorts:', '  - ports:', ...ports].join(
      '\n',
    ),
  );
}
