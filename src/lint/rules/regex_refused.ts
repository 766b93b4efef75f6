/** An expression the proxy does not take. */
import { proxyRegexError } from '../../cluster/policy_facts.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const regexRefused: LintRule = {
  code: 'regex-refused',
  severity: 'error',
  title: 'An expression that the proxy refuses, which freezes every policy update',
  why: 'Hosts are not compiled when a policy is imported, and the proxy takes no expression whose compiled program is larger than 100 instructions. It then answers a NACK to the whole update: the policy of every endpoint in it, and every later change, stays what it was until the expression is gone.',
  see: 'envoy:source/common/common/regex.cc#CompiledGoogleReMatcher',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, path: "/v1/[a-z]{90}"}\n      - {method: GET, host: "api(.example.com"}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, path: "/v1/[a-z]+"}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const [port = 80] = tcpPorts(subject, element);
      const flow = flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port });
      return element.toPorts.flatMap(({ path, rules }) =>
        (rules?.http ?? []).flatMap((rule, i) =>
          (['method', 'path', 'host'] as const).flatMap((key): Draft[] => {
            const error = rule[key] === '' ? null : proxyRegexError(rule[key]);
            const message = `the proxy refuses the expression: ${error ?? ''}`;
            const meant = /program size/.test(message) ? 'make it shorter: repetitions such as {90} count as often as they repeat' : '';
            return error === null ? [] : [{ policy: element.policy, path: [...path, 'rules', 'http', i, key], message, meant, flow }];
          }),
        ),
      );
    });
  },
};
