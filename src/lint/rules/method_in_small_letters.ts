/** A method that no client sends. */
import { proxyRegexMatches } from '../../cluster/policy_facts.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE'];

/** The rule. */
export const methodInSmallLetters: LintRule = {
  code: 'method-unknown',
  severity: 'warning',
  title: 'A method expression that fits no HTTP method',
  why: 'Methods are compared with capitals and small letters apart, and the expression has to match the whole method: get or GET,POST fit no request that a client sends.',
  see: 'cilium:pkg/policy/api/http.go#PortRuleHTTP',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: get, path: "/v1/.*"}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: "GET|HEAD", path: "/v1/.*"}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const [port] = tcpPorts(subject, element);
      return element.toPorts.flatMap(({ path, rules }) =>
        (rules?.http ?? []).flatMap(({ method }, i): Draft[] => {
          if (method === '' || METHODS.some((one) => proxyRegexMatches(method, one))) {
            return [];
          }
          const meant = METHODS.filter((one) =>
            method
              .toUpperCase()
              .split(/[^A-Z]+/)
              .includes(one),
          );
          const flow =
            port === undefined || meant[0] === undefined
              ? null
              : flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port, method: meant[0], path: '/v1/' });
          return [
            {
              policy: element.policy,
              path: [...path, 'rules', 'http', i, 'method'],
              message: `no HTTP method fits ${method}`,
              meant: meant.length === 0 ? '' : `did you mean ${meant.join('|')}?`,
              flow,
            },
          ];
        }),
      );
    });
  },
};
