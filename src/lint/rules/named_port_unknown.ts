/** A named port that no pod has, or that means different numbers. */

import { isSvcName } from '../../agent/policy/api/port.ts';
import type { PortProtocol } from '../../agent/policy/api/rule.ts';
import { nearest } from '../../net/nearest_word.ts';
import { flowOf, peerEnd, subjectEnd } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintSubject } from '../subject.ts';

/** The rule. */
export const namedPortUnknown: LintRule = {
  code: 'named-port-unknown',
  severity: 'error',
  title: 'A named port that no pod has',
  why: 'A name is looked up among the container ports: for ingress of the selected pod itself, for egress of all pods of the cluster, with the same protocol. One that is not found, or for egress has two numbers, makes no map entry at all, and no error says so.',
  see: 'cilium:pkg/endpoint/policy.go#Endpoint.getNamedPortIngress',
  bad: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: htp, protocol: TCP}',
  ),
  good: deathstarExample(
    'ingress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: http, protocol: TCP}',
  ),
  check(subject) {
    if (subject.workloads.length === 0) {
      return [];
    }
    return subject.elements.flatMap((element) =>
      element.toPorts.flatMap((rule) =>
        rule.ports.flatMap((port, i): Draft[] => {
          const problem = isSvcName(port.port) ? problemOf(subject, element, port) : null;
          if (problem === null) {
            return [];
          }
          const path = element.policy.ref.kind === 'NetworkPolicy' ? rule.path : [...rule.path, 'ports', i, 'port'];
          const flow = flowOf(element, subjectEnd(subject, element), peerEnd(subject, element), { port: 80 });
          return [{ policy: element.policy, path, ...problem, flow }];
        }),
      ),
    );
  },
};

function problemOf(subject: LintSubject, element: Element, { port, protocol }: PortProtocol): Pick<Draft, 'message' | 'meant'> | null {
  const own = subject.subjects(element.rule);
  const ingress = element.direction === 'ingress';
  const ports = (ingress ? own : subject.pods).flatMap(({ workload }) => workload?.ports ?? []);
  if (ingress && own.every(({ workload }) => workload === null)) {
    return null;
  }
  const protocols = protocol === 'ANY' ? ['TCP', 'UDP', 'SCTP'] : [protocol];
  const named = ports.filter(({ name }) => name?.toLowerCase() === port);
  const found = named.filter((one) => protocols.includes(one.protocol));
  const whose = ingress ? 'no pod the policy selects' : 'no pod of the cluster';
  // Ports of the cluster's own pods count for egress.
  if (found.length === 0 && !(!ingress && ['dns', 'dns-tcp', 'metrics'].includes(port))) {
    const other = named[0];
    const near = nearest(
      port,
      ports.flatMap(({ name }) => name ?? []),
    );
    return {
      message: `${whose} has a port named ${port} with protocol ${protocol}: the element makes no map entry`,
      meant:
        other !== undefined
          ? `${port} has protocol ${other.protocol}`
          : near === null
            ? 'name the port in the container, or write its number'
            : `did you mean ${near}?`,
    };
  }
  const numbers = new Set(found.map((one) => one.port));
  return !ingress && numbers.size > 1
    ? {
        message: `the port name ${port} means ${[...numbers].sort((a, b) => a - b).join(' and ')} in this cluster: for egress such a name makes no map entry`,
        meant: 'write the number',
      }
    : null;
}
