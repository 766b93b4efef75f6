/** A port without protocol in a deny section. */
import { flowOf, peerEnd, STRANGER, subjectEnd } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const denyWithoutProtocol: LintRule = {
  code: 'deny-without-protocol',
  severity: 'error',
  title: 'A deny without protocol denies nothing',
  why: 'Deny sections are not sanitized in 1.13: a missing protocol stays empty, and the map entry gets protocol number 0, which no packet has. (Beside an allow of the same peer it takes that allow away instead, on all its ports.) A protocol in small letters is likewise not understood.',
  see: 'cilium:pkg/policy/api/rule_validation.go#Rule.Sanitize',
  bad: deathstarExample(
    'ingress:\n- fromEntities: [all]\ningressDeny:\n- fromEndpoints:\n  - matchLabels: {class: xwing}\n  toPorts:\n  - ports:\n    - {port: "80"}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEntities: [all]\ningressDeny:\n- fromEndpoints:\n  - matchLabels: {class: xwing}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) =>
      element.toPorts.flatMap((rule) =>
        rule.ports.flatMap(({ port, protocol }, i): Draft[] => {
          if (!element.deny || ['TCP', 'UDP', 'SCTP', 'ANY'].includes(protocol)) {
            return [];
          }
          const number = /^[1-9]\d{0,4}$/.test(port) ? Number(port) : 80;
          return [
            {
              policy: element.policy,
              path: [...rule.path, 'ports', i],
              message: `the deny of port ${port} ${protocol === '' ? 'has no protocol' : `has protocol ${protocol}`}: no packet fits its map entry`,
              meant: `write protocol: TCP${protocol === '' ? ', and another port for UDP' : ''}`,
              flow: flowOf(element, subjectEnd(subject, element), peerEnd(subject, element) ?? STRANGER, { port: number }),
            },
          ];
        }),
      ),
    );
  },
};
