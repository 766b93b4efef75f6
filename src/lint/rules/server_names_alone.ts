/** Server names without anything that looks at them. */
import { flowOf, OUTSIDE, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const serverNamesAlone: LintRule = {
  code: 'server-names-alone',
  severity: 'error',
  title: 'serverNames alone does not reach the proxy in 1.13',
  why: 'Only TLS contexts and L7 rules make a redirect in 1.13.3. A port with serverNames and nothing else is opened for every server name: the proxy has the rule, but no packet goes there.',
  see: 'cilium:pkg/policy/l4.go#createL4Filter',
  bad: deathstarExample(
    'egress:\n- toEntities: [world]\n  toPorts:\n  - ports:\n    - {port: "443", protocol: TCP}\n    serverNames: [api.example.com]',
  ),
  good: deathstarExample(
    'egress:\n- toFQDNs:\n  - matchName: api.example.com\n  toPorts:\n  - ports:\n    - {port: "443", protocol: TCP}\n- toPorts:\n  - ports:\n    - {port: "53", protocol: UDP}\n    rules:\n      dns:\n      - matchPattern: "*"',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const { policy, toPorts } = element;
      const peer = element.endpoints.length + element.entities.length + element.cidrs.length === 0 ? OUTSIDE : peerEnd(subject, element);
      return toPorts.flatMap((rule): Draft[] => {
        const alone = rule.terminatingTLS === null && rule.originatingTLS === null && rule.rules === null;
        const [port = 443] = tcpPorts(subject, { ...element, toPorts: [rule] });
        return rule.serverNames.length > 0 && alone
          ? [
              {
                policy,
                path: [...rule.path, 'serverNames'],
                message: `${rule.serverNames.join(', ')}: the port is open for every server name`,
                meant: 'use toFQDNs, or terminate TLS with terminatingTLS and originatingTLS',
                flow: flowOf(element, subjectEnd(subject, element), peer, { port }),
              },
            ]
          : [];
      });
    });
  },
};
