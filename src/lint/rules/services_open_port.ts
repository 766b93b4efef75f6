/** `toServices` that resolves to nothing. */
import { flowOf, OUTSIDE, subjectEnd, tcpPorts } from '../ends.ts';
import { deathstarExample } from '../example.ts';
import type { Draft, LintRule } from '../rule.ts';
import type { LintSubject } from '../subject.ts';

/** The rule. */
export const servicesOpenPort: LintRule = {
  code: 'services-open-port',
  severity: 'error',
  title: 'toServices with ports that finds no backends opens the ports to everyone',
  why: 'toServices stands for the addresses behind services without selector. A service that does not exist, or has a selector, yields no addresses; the peer list is then empty, and an element without peers but with ports means everyone on those ports. Without ports it allows nothing.',
  see: 'cilium:pkg/policy/rule.go#mergeEgress',
  bad: deathstarExample(
    'egress:\n- toServices:\n  - k8sService: {serviceName: payments, namespace: default}\n  toPorts:\n  - ports:\n    - {port: "443", protocol: TCP}',
  ),
  good: deathstarExample(
    'egress:\n- toEndpoints:\n  - matchLabels: {class: deathstar}\n  toPorts:\n  - ports:\n    - {port: "443", protocol: TCP}',
  ),
  check(subject) {
    return subject.elements.flatMap((element): Draft[] => {
      const written = subject.written(element.policy, [...element.path, 'toServices']);
      if (!Array.isArray(written) || written.length === 0 || element.cidrs.length > 0) {
        return [];
      }
      const path = [...element.path, 'toServices'];
      const name = serviceOf(written[0]);
      const reason = reasonOf(subject, name);
      const meant = 'use toEndpoints with the labels of the pods; policy is applied after the service was translated';
      if (element.toPorts.length === 0) {
        return [{ policy: element.policy, path, severity: 'warning', message: `${reason}: the element allows nothing`, meant, flow: null }];
      }
      const [port = 443] = tcpPorts(subject, element);
      const ports = element.toPorts.flatMap((one) => one.ports.map(({ port: text }) => text)).join(', ');
      return [
        {
          policy: element.policy,
          path,
          message: `${reason}: the element opens port ${ports} to everyone`,
          meant,
          flow: flowOf(element, subjectEnd(subject, element), OUTSIDE, { port, shows: 'allowed' }),
        },
      ];
    });
  },
};

interface Named {
  readonly name: string;
  readonly namespace: string;
}

function serviceOf(reference: unknown): Named | null {
  const { k8sService } = (reference ?? {}) as { readonly k8sService?: { readonly serviceName?: string; readonly namespace?: string } };
  return k8sService?.serviceName === undefined ? null : { name: k8sService.serviceName, namespace: k8sService.namespace ?? '' };
}

function reasonOf({ services }: LintSubject, named: Named | null): string {
  if (named === null) {
    return 'the service selector finds no addresses';
  }
  const found = services.find(
    ({ metadata }) => metadata.name === named.name && (named.namespace === '' || metadata.namespace === named.namespace),
  );
  const text = `${named.namespace === '' ? '' : `${named.namespace}/`}${named.name}`;
  if (found === undefined) {
    return `there is no service ${text}`;
  }
  return Object.keys(found.spec.selector ?? {}).length > 0
    ? `service ${text} has a selector, which toServices does not follow`
    : `service ${text} has no addresses`;
}
