/** Requirements on peers that have none. */
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const requiresIgnored: LintRule = {
  code: 'requires-ignored',
  severity: 'warning',
  title: 'fromRequires does not narrow entities and prefixes',
  why: 'fromRequires and toRequires are added to the endpoint selectors of every rule of the same pods. Entities, prefixes and names are not touched by them.',
  see: 'cilium:pkg/policy/repository.go#Repository.resolvePolicyLocked',
  bad: deathstarExample('ingress:\n- fromRequires:\n  - matchLabels: {org: empire}\n  fromEntities: [cluster]'),
  good: deathstarExample('ingress:\n- fromRequires:\n  - matchLabels: {org: empire}\n  fromEndpoints:\n  - {}'),
  check(subject) {
    return subject.elements.flatMap((element): Draft[] => {
      const { requires, entities, cidrs, policy, path, direction } = element;
      if (requires.length === 0 || entities.length + cidrs.length === 0) {
        return [];
      }
      const [port = 80] = tcpPorts(subject, element);
      const key = direction === 'ingress' ? 'fromRequires' : 'toRequires';
      return [
        {
          policy,
          path: [...path, key],
          message: `${key} does not narrow the ${entities.length > 0 ? 'entities' : 'prefixes'} beside it`,
          meant: 'use endpoint selectors as peers',
          flow: flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port }),
        },
      ];
    });
  },
};
