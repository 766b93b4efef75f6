/** A path that a query string does not fit. */
import { proxyRegexMatches } from '../../cluster/policy_facts.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import { requestFor } from '../requests.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const pathWithoutQuery: LintRule = {
  code: 'path-without-query',
  severity: 'info',
  title: 'A path that no query string fits',
  why: 'The expression has to match the whole path, and the query string is part of it: /v1/request-landing does not match /v1/request-landing?x=1, nor /v1/request-landing/.',
  see: 'cilium:pkg/envoy/server.go#getHTTPRule',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: POST, path: /v1/request-landing}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: POST, path: \'/v1/request-landing([?].*)?\'}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const [port] = tcpPorts(subject, element);
      return element.toPorts.flatMap(({ path, rules }) =>
        (rules?.http ?? []).flatMap((rule, i): Draft[] => {
          const request = requestFor(rule);
          const asked = request === null ? null : `${request.path}?x=1`;
          if (rule.path === '' || request === null || asked === null || proxyRegexMatches(rule.path, asked)) {
            return [];
          }
          const ends = [subjectEnd(subject, element), peerEnd(subject, element)] as const;
          return [
            {
              policy: element.policy,
              path: [...path, 'rules', 'http', i, 'path'],
              message: `path ${rule.path} does not match ${asked}`,
              meant: `write ${rule.path}([?].*)? if query strings are to pass`,
              flow: port === undefined ? null : flowOf(element, ...ends, { port, method: request.method, path: asked }),
            },
          ];
        }),
      );
    });
  },
};
