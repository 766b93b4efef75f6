/** A selector on a label that the agent leaves out of identities. */

import type { EndpointSelector } from '../../agent/policy/api/selector.ts';
import { countsForIdentity } from '../../cluster/policy_facts.ts';
import { fitting, flowOf, subjectEnd } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const labelNotInIdentity: LintRule = {
  code: 'label-not-in-identity',
  severity: 'error',
  title: 'A selector uses a label that is no part of identities',
  why: 'The agent leaves some labels out of the identity (pod-template-hash, those of kubernetes.io, controller-revision-hash, …). Policy sees identities only, so a selector on such a label matches no pod, whatever labels it has; with NotIn or DoesNotExist it matches every pod.',
  see: 'cilium:pkg/labelsfilter/filter.go#defaultLabelPrefixCfg',
  bad: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {pod-template-hash: 7d4b8c}'),
  good: deathstarExample('ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}'),
  check(subject) {
    const drafts: Draft[] = [];
    for (const rule of subject.rules) {
      const elements = subject.elements.filter((one) => one.rule === rule);
      const [first] = elements;
      const own = rule.endpointSelector === null ? null : excludedKey(rule.endpointSelector);
      if (own !== null && first !== undefined) {
        const key = rule.ref.kind === 'NetworkPolicy' ? 'podSelector' : 'endpointSelector';
        drafts.push({ policy: first.policy, path: [...rule.path, key], ...said(own), flow: null });
      }
      for (const element of elements) {
        element.endpoints.forEach((selector, i) => {
          const key = excludedKey(selector);
          if (key !== null) {
            const named = rule.ref.kind === 'NetworkPolicy' ? [] : [element.direction === 'ingress' ? 'fromEndpoints' : 'toEndpoints', i];
            const peer = fitting(selector, rule.ref.namespace);
            const flow = flowOf(element, subjectEnd(subject, element), peer, { port: 80 });
            drafts.push({ policy: element.policy, path: [...element.path, ...named], ...said(key), flow });
          }
        });
      }
    }
    return drafts;
  },
};

function said(key: string): Pick<Draft, 'message' | 'meant'> {
  return { message: `the label ${key} is no part of identities: policy does not see it`, meant: 'use a label of your own, such as app' };
}

function excludedKey({ matchLabels, matchExpressions }: EndpointSelector): string | null {
  const keys = [...matchLabels.map(([key]) => key), ...matchExpressions.map(({ key }) => key)];
  const own = keys.filter((key) => /^(?:any|k8s)\./.test(key)).map((key) => key.slice(key.indexOf('.') + 1));
  return own.find((key) => !key.startsWith('io.cilium.k8s.') && !countsForIdentity(key)) ?? null;
}
