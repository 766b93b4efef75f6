/** The L3 part of an element of a Cilium policy. At most one kind of peers is named, as the agent demands. */
import fc from 'fast-check';
import type { K8sObject } from '../model/cluster.ts';
import { entities } from './entities.ts';
import { fqdnSelectors } from './fqdn.ts';
import { cidr, cidrSet } from './ipv4.ts';
import { namespaceName } from './labels.ts';
import { peerSelector } from './selector.ts';

/** Which peers to generate. */
export interface PeerOptions {
  readonly direction: 'ingress' | 'egress';
  readonly deny: boolean;
  /** Requirements; default: now and then. */
  readonly requires?: boolean;
}

/** `fromEndpoints`, `toCIDRSet`, ...; now and then none at all, or an empty list. */
export function peers({ direction, deny, requires = true }: PeerOptions): fc.Arbitrary<K8sObject> {
  const side = direction === 'ingress' ? 'from' : 'to';
  const key =
    (name: string) =>
    (value: unknown): K8sObject => ({ [`${side}${name}`]: value });
  const kinds: { weight: number; arbitrary: fc.Arbitrary<K8sObject> }[] = [
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 8, arbitrary: fc.array(peerSelector(), { minLength: 1, maxLength: 2 }).map(key('Endpoints')) },
    { weight: 3, arbitrary: entities().map(key('Entities')) },
    { weight: 3, arbitrary: fc.array(cidr(), { minLength: 1, maxLength: 2 }).map(key('CIDR')) },
    { weight: 2, arbitrary: fc.array(cidrSet(), { minLength: 1, maxLength: 2 }).map(key('CIDRSet')) },
    { weight: 1, arbitrary: fc.constant<unknown[]>([]).map(key('Endpoints')) },
  ];
  if (direction === 'egress' && !deny) {
    kinds.push({ weight: 2, arbitrary: fqdnSelectors().map(key('FQDNs')) });
    kinds.push({ weight: 1, arbitrary: services().map(key('Services')) });
  }
  const named = fc.oneof(...kinds);
  if (!requires) {
    return named;
  }
  const required = peerSelector().map((one) => key('Requires')([one]));
  return fc
    .tuple(named, fc.oneof({ weight: 12, arbitrary: fc.constant<K8sObject>({}) }, { weight: 1, arbitrary: required }))
    .map(([a, b]) => ({ ...a, ...b }));
}

/** `toServices` by name; some of the services exist. */
function services(): fc.Arbitrary<K8sObject[]> {
  return fc
    .tuple(fc.constantFrom('external', 'missing'), namespaceName())
    .map(([serviceName, namespace]) => [{ k8sService: { serviceName, namespace } }]);
}
