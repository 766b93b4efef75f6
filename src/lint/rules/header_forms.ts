/** Header matches that mean something else. */
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const headerForms: LintRule = {
  code: 'header-form',
  severity: 'warning',
  title: 'A header match that does not compare what it says',
  why: 'headers entries are split at the first blank: "X-Token:secret" is the name of a header, not a name and a value. A headerMatches entry with a mismatch action changes requests instead of refusing them.',
  see: 'cilium:pkg/envoy/server.go#getHTTPRule',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, headers: ["X-Token:secret"]}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: GET, headers: ["X-Token: secret"]}',
  ),
  check(subject) {
    return subject.elements.flatMap(({ policy, toPorts }) =>
      toPorts.flatMap(({ path, rules }) =>
        (rules?.http ?? []).flatMap((rule, i): Draft[] => {
          const at = [...path, 'rules', 'http', i];
          const names = rule.headers.flatMap((header, j): Draft[] =>
            /^[^\s]+:[^\s]+$/.test(header)
              ? [
                  {
                    policy,
                    path: [...at, 'headers', j],
                    message: `${header} is taken for the name of a header`,
                    meant: `write "${header.replace(':', ': ')}"`,
                    flow: null,
                  },
                ]
              : [],
          );
          const actions = rule.headerMatches.flatMap(({ mismatch, name }, j): Draft[] =>
            mismatch === ''
              ? []
              : [
                  {
                    policy,
                    path: [...at, 'headerMatches', j],
                    severity: 'info',
                    message: `with mismatch: ${mismatch} a wrong ${name} is not refused`,
                    meant: 'leave mismatch out to refuse requests without the header',
                    flow: null,
                  },
                ],
          );
          return [...names, ...actions];
        }),
      ),
    );
  },
};
