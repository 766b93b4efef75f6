/** HTTP rules that something wider makes pointless. */
import type { PortRuleHttp } from '../../agent/policy/api/rule.ts';
import { flowOf, peerEnd, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import { endText } from '../flows.ts';
import { oddRequest } from '../requests.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject } from '../subject.ts';

/** The rule. */
export const l7Shadowed: LintRule = {
  code: 'l7-shadowed',
  severity: 'warning',
  title: 'HTTP rules that an allow without them, or a wider rule, makes pointless',
  why: 'Rules of one port are merged peer by peer, and one that allows more wins: an L3/L4 allow of the same peer adds a rule that allows every request (the traffic still goes through the proxy), and an HTTP rule without path or method covers those with.',
  see: 'cilium:pkg/policy/rule.go#mergePortProto',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: POST, path: /v1/request-landing}\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}\n    rules:\n      http:\n      - {method: POST, path: /v1/request-landing}',
  ),
  check: (subject) => subject.elements.flatMap((element) => [...byOthers(subject, element), ...byNeighbours(element)]),
};

/** A request that the element's rules do not allow, and yet goes through by another element. */
function byOthers(subject: LintSubject, element: Element): Draft[] {
  return element.toPorts.flatMap((rule): Draft[] => {
    const http = rule.rules?.http ?? [];
    const request = http.length === 0 ? null : oddRequest(http);
    const [port] = tcpPorts(subject, { ...element, toPorts: [rule] });
    if (request === null || port === undefined || element.deny) {
      return [];
    }
    const notBy = http.flatMap(({ origin }) => (origin === null ? [] : [origin.path]));
    const ask = { port, ...request, shows: 'allowed', decides: true, notBy } as const;
    const peer = peerEnd(subject, element);
    const flow = flowOf(element, subjectEnd(subject, element), peer, ask);
    return flow === null || peer === null
      ? []
      : [
          {
            policy: element.policy,
            path: [...rule.path, 'rules', 'http'],
            message: `the HTTP rules do not bind ${endText(peer)}: it is allowed on this port without them`,
            meant: 'remove or narrow the wider allow, which the flow names',
            flow,
          },
        ];
  });
}

/** Rules of one list that another of the list covers. */
function byNeighbours({ policy, toPorts }: Element): Draft[] {
  return toPorts.flatMap(({ path, rules }) => {
    const http = rules?.http ?? [];
    return http.flatMap((narrow, i): Draft[] => {
      const wider = http.findIndex((wide, j) => j !== i && covers(wide, narrow) && (j < i || !covers(narrow, wide)));
      return wider < 0
        ? []
        : [
            {
              policy,
              path: [...path, 'rules', 'http', i],
              message: `rule ${wider} of the list allows all that this one allows`,
              meant: 'remove one of the two',
              flow: null,
            },
          ];
    });
  });
}

function covers(wide: PortRuleHttp, narrow: PortRuleHttp): boolean {
  const fits = (one: string, other: string): boolean => one === '' || one === '.*' || one === other;
  return (
    fits(wide.method, narrow.method) &&
    (fits(wide.path, narrow.path) || wide.path === '/.*') &&
    fits(wide.host, narrow.host) &&
    wide.headerMatches.length === 0 &&
    wide.headers.every((header) => narrow.headers.includes(header)) &&
    narrow.headerMatches.every(({ mismatch }) => mismatch === '')
  );
}
