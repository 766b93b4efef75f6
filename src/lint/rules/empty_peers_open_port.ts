/** An empty list of peers beside ports. */
import { flowOf, OUTSIDE, STRANGER, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

const PEERS = ['fromEndpoints', 'fromCIDR', 'fromCIDRSet', 'fromEntities', 'toEndpoints', 'toCIDR', 'toCIDRSet', 'toEntities', 'toFQDNs'];

/** The rule. */
export const emptyPeersOpenPort: LintRule = {
  code: 'empty-peers-open-port',
  severity: 'error',
  title: 'An empty list of peers with ports opens the ports to everyone',
  why: 'fromEndpoints: [] allows nobody only as long as the element has no ports. With ports the list counts as absent, and an element without peers means everyone, the world included. The same holds for an element that has only fromRequires or toRequires and ports, and for an empty peer ({}) of a NetworkPolicy.',
  see: 'cilium:pkg/policy/rule.go#mergeIngress',
  bad: deathstarExample('ingress:\n- fromEndpoints: []\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}'),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}',
  ),
  check(subject) {
    return subject.elements.flatMap((element): Draft[] => {
      if (element.deny || element.toPorts.length === 0) {
        return [];
      }
      const { policy, path } = element;
      const written = (subject.written(policy, path) ?? {}) as Readonly<Record<string, unknown>>;
      const named = PEERS.filter((key) => Array.isArray(written[key]));
      const empty = named.find((key) => (written[key] as readonly unknown[]).length === 0);
      const filled = named.some((key) => (written[key] as readonly unknown[]).length > 0);
      const requires = element.requires.length > 0 ? (element.direction === 'ingress' ? 'fromRequires' : 'toRequires') : null;
      const emptyPeer = policy.ref.kind === 'NetworkPolicy' && element.endpoints.length + element.cidrs.length === 0;
      const key = emptyPeer ? '{}' : (empty ?? requires);
      if (key === null || filled || 'toServices' in written || 'toGroups' in written) {
        return [];
      }
      const [port = 80] = tcpPorts(subject, element);
      return [
        {
          policy,
          path: key === '{}' ? path : [...path, key],
          message: emptyPeer
            ? 'an empty peer with ports opens them to everyone'
            : key === requires
              ? `${key} without other peers opens the ports to everyone`
              : `${key}: [] with ports opens them to everyone`,
          meant: 'leave the element out to allow nobody; name the peers to allow some',
          flow: flowOf(element, subjectEnd(subject, element), element.direction === 'ingress' ? STRANGER : OUTSIDE, {
            port,
            shows: 'allowed',
          }),
        },
      ];
    });
  },
};
