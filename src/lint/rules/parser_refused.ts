/** Rules of a protocol that its parser does not take, or that has no parser. */
import { parserNames, parserRuleError } from '../../cluster/policy_facts.ts';
import { nearest } from '../../net/nearest_word.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';

/** The rule. */
export const parserRefused: LintRule = {
  code: 'parser-refused',
  severity: 'error',
  title: 'Rules of a protocol that nobody can enforce',
  why: 'The agent takes any l7proto with any l7 rules: they are read by the parsers in the proxy. A rule that a parser does not take is answered with a NACK, and the regeneration of every endpoint that has it fails; where there is no parser of the name, each connection to the port is closed.',
  see: 'cilium:proxylib/proxylib/policymap.go#newPortNetworkPolicyRule',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      l7proto: cassandra\n      l7:\n      - {query_action: SELECT, query_table: "attendance.*"}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      l7proto: cassandra\n      l7:\n      - {query_action: select, query_table: "attendance.*"}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const [port = 80] = tcpPorts(subject, element);
      const flow = flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port });
      return element.toPorts.flatMap(({ path, rules }): Draft[] => {
        const proto = rules?.l7proto ?? '';
        // Those of Envoy's own filters are another matter.
        if (rules === null || rules === undefined || proto === '' || proto.startsWith('envoy.')) {
          return [];
        }
        if (!parserNames().includes(proto)) {
          const suggestion = nearest(proto, parserNames());
          const meant = suggestion === null ? '' : `l7proto: ${suggestion}`;
          const message = `there is no parser ${JSON.stringify(proto)}: each connection to the port is closed`;
          return [{ policy: element.policy, path: [...path, 'rules', 'l7proto'], message, meant, flow }];
        }
        return (rules.l7 ?? []).flatMap(({ fields }, i): Draft[] => {
          const error = parserRuleError(proto, Object.fromEntries(fields));
          const message = `the parser refuses the rule: ${error ?? ''}`;
          return error === null ? [] : [{ policy: element.policy, path: [...path, 'rules', 'l7', i], message, meant: '', flow }];
        });
      });
    });
  },
};
