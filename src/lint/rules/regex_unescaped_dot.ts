/** A dot in an expression that stands for any character. */
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import { requestFor } from '../requests.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject } from '../subject.ts';

/** A dot between two letters or digits, as in a name; not one behind a backslash, before `*` or in a class. */
const NAME_DOT = /^[A-Za-z0-9.-]*[A-Za-z0-9]\.[A-Za-z0-9-]+/;

/** The rule. */
export const regexUnescapedDot: LintRule = {
  code: 'regex-unescaped-dot',
  severity: 'warning',
  title: 'A dot in a host or path expression stands for any character',
  why: 'host and path are regular expressions: api.example.com also matches apiXexample.com, a name that anybody can register.',
  see: 'cilium:pkg/policy/api/http.go#PortRuleHTTP',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, host: api.example.com}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, host: \'api[.]example[.]com\'}',
  ),
  check: (subject) => subject.elements.flatMap((element) => [...hosts(subject, element), ...paths(element)]),
};

function hosts(subject: LintSubject, element: Element): Draft[] {
  const [port] = tcpPorts(subject, element);
  return element.toPorts.flatMap(({ path, rules }) =>
    (rules?.http ?? []).flatMap((rule, i): Draft[] => {
      if (!NAME_DOT.test(rule.host)) {
        return [];
      }
      const request = requestFor({ ...rule, host: '' });
      const lookalike = rule.host.replace('.', 'x');
      const sendable = /^[A-Za-z0-9.-]+$/.test(lookalike) && request !== null && port !== undefined;
      return [
        {
          policy: element.policy,
          path: [...path, 'rules', 'http', i, 'host'],
          message: `host ${rule.host} also matches ${lookalike}`,
          meant: `write ${rule.host.replaceAll('.', '[.]')}`,
          flow: sendable
            ? flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), {
                port,
                ...request,
                host: lookalike,
                shows: 'allowed',
              })
            : null,
        },
      ];
    }),
  );
}

function paths({ policy, toPorts }: Element): Draft[] {
  return toPorts.flatMap(({ path, rules }) =>
    (rules?.http ?? []).flatMap((rule, i): Draft[] =>
      /[A-Za-z0-9]\.[A-Za-z0-9]/.test(rule.path)
        ? [
            {
              policy,
              path: [...path, 'rules', 'http', i, 'path'],
              severity: 'info',
              message: `the dot in path ${rule.path} stands for any character`,
              meant: `write ${rule.path.replace(/([A-Za-z0-9])\.(?=[A-Za-z0-9])/g, '$1[.]')}`,
              flow: null,
            },
          ]
        : [],
    ),
  );
}
