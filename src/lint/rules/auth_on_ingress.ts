/** Authentication of what comes in. */
import { flowOf, peerEnd, STRANGER, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const authOnIngress: LintRule = {
  code: 'auth-on-ingress',
  severity: 'error',
  title: 'auth in an ingress rule lets nobody in with 1.13',
  why: 'A connection that is to be authenticated is dropped until the agent has heard of the drop and has cleared it. Drops of what comes in do not say which authentication is missing in 1.13, so the agent does nothing, and the connection is never let in.',
  see: 'cilium:pkg/auth/manager.go#AuthManager.AuthRequired',
  bad: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {class: tiefighter}\n  auth: {type: "null"}'),
  good: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {class: tiefighter}'),
  check(subject) {
    return subject.elements.flatMap((element): Draft[] => {
      if (element.ingress?.auth !== 'null') {
        return [];
      }
      const [port = 80] = tcpPorts(subject, element);
      return [
        {
          policy: element.policy,
          path: [...element.path, 'auth'],
          message: 'what the element allows is dropped, as it cannot be authenticated',
          meant: 'leave auth out, or ask for it in the egress rule of the client',
          flow: flowOf(element, subjectEnd(subject, element), peerEnd(subject, element) ?? STRANGER, { port }),
        },
      ];
    });
  },
};
