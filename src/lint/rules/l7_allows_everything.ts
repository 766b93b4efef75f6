/** HTTP rules without a restriction. */
import type { PortRuleHttp } from '../../agent/policy/api/rule.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const l7AllowsEverything: LintRule = {
  code: 'l7-allows-everything',
  severity: 'warning',
  title: 'An HTTP rule that allows every request',
  why: 'A rule whose path is .* (or /.*) and that names no method, host or header lets everything through; the traffic only takes the way through the proxy. http: [] is no rule at all: the port is opened without the proxy.',
  see: 'cilium:pkg/policy/api/l4.go#L7Rules.IsEmpty',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {path: "/.*"}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, path: "/v1/.*"}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const [port] = tcpPorts(subject, element);
      const flow =
        port === undefined
          ? null
          : flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), {
              port,
              method: 'DELETE',
              path: '/everything',
              shows: 'allowed',
            });
      return element.toPorts.flatMap(({ path, rules }): Draft[] => {
        if (rules?.http?.length === 0) {
          const message = 'http: [] is no rule: every request is allowed, without the proxy';
          return [{ policy: element.policy, path: [...path, 'rules', 'http'], message, meant: 'write the requests to allow', flow }];
        }
        return (rules?.http ?? []).flatMap((rule, i): Draft[] =>
          unrestricted(rule)
            ? [
                {
                  policy: element.policy,
                  path: [...path, 'rules', 'http', i],
                  message: 'the rule allows every request',
                  meant: 'name methods and paths, or leave the HTTP rules out',
                  // An empty rule is how one asks for the proxy's access log alone.
                  severity: rule.path === '' ? 'info' : 'warning',
                  flow,
                },
              ]
            : [],
        );
      });
    });
  },
};

function unrestricted({ method, path, host, headers, headerMatches }: PortRuleHttp): boolean {
  const any = (text: string): boolean => ['', '.*', '^.*$'].includes(text);
  return any(method) && (any(path) || /^\^?\/\.\*\$?$/.test(path)) && any(host) && headers.length + headerMatches.length === 0;
}
