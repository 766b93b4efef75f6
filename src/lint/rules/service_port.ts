/** The port of a service where the port of its pods counts. */

import type { Service } from '../../k8s/objects.ts';
import { matchesLabels } from '../../k8s/selector.ts';
import { flowOf, peerEnd, podEnd, tcpPorts } from '../ends.ts';
import { policyExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { Element, LintPod, LintSubject } from '../subject.ts';

/** The rule. */
export const servicePort: LintRule = {
  code: 'service-port',
  severity: 'warning',
  title: 'The port of a service instead of the port of its pods',
  why: 'Policy is applied after a service is translated: the port that counts is the one the pod listens on (targetPort), not the port of the service.',
  see: 'cilium:bpf/lib/lb.h#lb4_local',
  bad: policyExample(
    'endpointSelector:\n  matchLabels: {class: hangar}\ningress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "80", protocol: TCP}',
  ),
  good: policyExample(
    'endpointSelector:\n  matchLabels: {class: hangar}\ningress:\n- fromEndpoints:\n  - matchLabels: {org: empire}\n  toPorts:\n  - ports:\n    - {port: "8080", protocol: TCP}',
  ),
  check(subject) {
    return subject.elements.flatMap((element) => {
      const targets =
        element.direction === 'ingress' ? subject.subjects(element.rule) : element.endpoints.flatMap((one) => subject.matching(one));
      return element.deny ? [] : tcpPorts(subject, element).flatMap((port) => check(subject, element, targets, port));
    });
  },
};

function check(subject: LintSubject, element: Element, targets: readonly LintPod[], port: number): Draft[] {
  for (const pod of targets) {
    const { workload } = pod;
    if (workload === null || workload.ports.length === 0 || workload.ports.some((one) => one.port === port)) {
      continue;
    }
    const service = subject.services.find(
      (one) => behind(one, pod) && one.spec.ports?.some((entry) => entry.port === port && target(entry) !== port),
    );
    const entry = service?.spec.ports?.find((one) => one.port === port);
    if (service === undefined || entry === undefined) {
      continue;
    }
    const at = element.toPorts.find(({ ports }) => ports.some((one) => one.port === String(port)));
    const to = { kind: 'service', namespace: service.metadata.namespace ?? 'default', name: service.metadata.name } as const;
    const from = element.direction === 'ingress' ? peerEnd(subject, element) : null;
    const own = subject.subjects(element.rule).find((one) => one.workload !== null);
    const flow =
      element.direction === 'ingress'
        ? flowOf(element, to, from, { port })
        : flowOf(element, own === undefined ? null : podEnd(own), to, { port });
    return [
      {
        policy: element.policy,
        path: at?.path ?? element.path,
        message: `${port} is the port of service ${to.namespace}/${to.name}; its pods listen on ${String(entry.targetPort)}, which is not opened here`,
        meant: `write port ${String(entry.targetPort)}`,
        flow,
      },
    ];
  }
  return [];
}

function behind({ metadata, spec }: Service, { namespace, workload }: LintPod): boolean {
  const { selector } = spec;
  return (
    selector !== undefined &&
    Object.keys(selector).length > 0 &&
    (metadata.namespace ?? 'default') === namespace &&
    matchesLabels(selector, workload?.labels ?? {})
  );
}

function target({ port, targetPort }: { readonly port: number; readonly targetPort?: number | string }): number | string {
  return targetPort ?? port;
}
