/** A selector that no pod of the manifests fits. */
import type { EndpointSelector } from '../../agent/policy/api/selector.ts';
import { editDistance } from '../../net/nearest_word.ts';
import { fitting, flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import { labelKeyText } from '../names.ts';
import type { Draft, LintRule } from '../rule.ts';
import { isReserved, type LintSubject } from '../subject.ts';

/** The rule. */
export const selectorMatchesNothing: LintRule = {
  code: 'selector-matches-nothing',
  severity: 'warning',
  title: 'A selector matches no pod of the manifests',
  why: 'An endpointSelector that selects nothing protects nothing, and no error says so; a peer selector that matches nothing allows (or denies) nobody. In a CiliumNetworkPolicy a selector without a namespace means the namespace of the policy.',
  see: 'cilium:pkg/policy/api/selector.go#EndpointSelector.Matches',
  bad: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {org: empyre}'),
  good: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}'),
  check(subject) {
    if (subject.workloads.length === 0) {
      return [];
    }
    return [...unselected(subject), ...unmatchedPeers(subject)];
  },
};

function unselected(subject: LintSubject): Draft[] {
  return subject.rules.flatMap((rule): Draft[] => {
    const { endpointSelector, ref, path } = rule;
    const [element] = subject.elements.filter((one) => one.rule === rule);
    if (endpointSelector === null || isReserved(endpointSelector) || subject.subjects(rule).length > 0 || element === undefined) {
      return [];
    }
    const key = ref.kind === 'NetworkPolicy' ? 'podSelector' : 'endpointSelector';
    const peer = peerEnd(subject, element);
    const [port = 80] = tcpPorts(subject, element);
    return [
      {
        policy: element.policy,
        path: [...path, key],
        message: `the policy selects no pod: none has ${wantedText(endpointSelector)}`,
        meant: nearestText(subject, endpointSelector),
        flow: flowOf(element, subjectEnd(subject, element), peer, { port }),
      },
    ];
  });
}

function unmatchedPeers(subject: LintSubject): Draft[] {
  return subject.elements.flatMap((element) =>
    element.endpoints.flatMap((selector, i): Draft[] => {
      const reserved = isReserved(selector) || selector.text.includes('reserved');
      if (reserved || subject.subjects(element.rule).length === 0 || subject.matching(selector).length > 0) {
        return [];
      }
      const named =
        element.policy.ref.kind === 'NetworkPolicy' ? [] : [element.direction === 'ingress' ? 'fromEndpoints' : 'toEndpoints', i];
      const [port = 80] = tcpPorts(subject, element);
      const peer = fitting(selector, element.rule.ref.namespace);
      return [
        {
          policy: element.policy,
          path: [...element.path, ...named],
          message: `the selector matches no pod: none has ${wantedText(selector)}`,
          meant: nearestText(subject, selector),
          flow: flowOf(element, subjectEnd(subject, element), peer, { port }),
        },
      ];
    }),
  );
}

function wantedText({ matchLabels, matchExpressions }: EndpointSelector): string {
  const labels = matchLabels.map(([key, value]) => `${labelKeyText(key)}=${value}`);
  const expressions = matchExpressions.map(
    ({ key, operator, values }) => `${labelKeyText(key)} ${operator}${values.length === 0 ? '' : ` (${values.join(', ')})`}`,
  );
  return [...labels, ...expressions].join(' and ');
}

/** The label of a pod that is nearest to one that was asked for in vain. */
function nearestText({ pods }: LintSubject, { matchLabels }: EndpointSelector): string {
  const have = [
    ...new Set(
      pods.flatMap(({ labels }) =>
        [...labels].filter(([key]) => key.startsWith('k8s.')).map(([key, value]) => `${labelKeyText(key)}=${value}`),
      ),
    ),
  ];
  for (const [key, value] of matchLabels) {
    const wanted = `${labelKeyText(key)}=${value}`;
    if (!have.includes(wanted)) {
      const near = have.map((text) => ({ text, distance: editDistance(wanted, text, 4) })).sort((a, b) => a.distance - b.distance)[0];
      return near !== undefined && near.distance < 4 ? `did you mean ${near.text}?` : `no pod has ${wanted}`;
    }
  }
  return matchLabels.length > 1 ? 'pods have each of the labels, but none has all of them' : '';
}
