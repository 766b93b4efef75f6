/** Port ranges, which 1.13 does not know. */
import { flowOf, peerEnd, subjectEnd } from '../ends.ts';
import type { Draft, LintRule } from '../rule.ts';

const HEAD =
  'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: example\nspec:\n  podSelector:\n    matchLabels: {class: deathstar}\n  ingress:\n  - from:\n    - podSelector:\n        matchLabels: {org: empire}\n    ports:\n';

/** The rule. */
export const endPortIgnored: LintRule = {
  code: 'end-port-ignored',
  severity: 'error',
  title: 'endPort is ignored in 1.13',
  why: '1.13 does not know port ranges: a NetworkPolicy with port and endPort opens the first port only.',
  see: 'cilium:pkg/k8s/network_policy.go#parsePorts',
  bad: `${HEAD}    - {protocol: TCP, port: 8000, endPort: 8010}\n`,
  good: `${HEAD}    - {protocol: TCP, port: 8000}\n`,
  check(subject) {
    return subject.elements.flatMap((element) =>
      element.toPorts.flatMap(({ path }): Draft[] => {
        const written = subject.written(element.policy, path) as { readonly port?: unknown; readonly endPort?: unknown } | undefined;
        if (element.policy.ref.kind !== 'NetworkPolicy' || typeof written?.endPort !== 'number') {
          return [];
        }
        const flow = flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port: written.endPort, shows: 'stopped' });
        return [
          {
            policy: element.policy,
            path: [...path, 'endPort'],
            message: `only port ${String(written.port)} is opened: endPort is ignored`,
            meant: 'write each port',
            flow,
          },
        ];
      }),
    );
  },
};
