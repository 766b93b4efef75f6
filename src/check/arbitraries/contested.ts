/**
 * Policies that quarrel: a few elements that allow, restrict and deny the same few peers at the same few ports of every pod. What decides between statements is met
 * here far more often than by policies that are drawn apart from each other.
 */
import fc from 'fast-check';
import type { K8sObject } from '../model/cluster.ts';
import { httpRule } from './http_rule.ts';
import { type Selector, selector } from './selector.ts';

const NAMESPACED = { key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' };
/** Prefixes inside each other. */
const NESTED = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24'] as const;

type Side = 'from' | 'to';

/** Policies of one direction; shrinks towards fewer elements. */
export function contested(direction?: 'ingress' | 'egress'): fc.Arbitrary<K8sObject[]> {
  const way = direction === undefined ? fc.constantFrom('ingress' as const, 'egress' as const) : fc.constant(direction);
  return way.chain((one) => {
    const side: Side = one === 'ingress' ? 'from' : 'to';
    const pools = fc.tuple(fc.array(peer(side), { minLength: 1, maxLength: 2 }), fc.array(ports(), { minLength: 1, maxLength: 2 }));
    return pools.chain(([peers, places]) => {
      const everyone = fc.constant<K8sObject>({});
      const who = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...peers) }, { weight: 2, arbitrary: everyone });
      const where = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...places) }, { weight: 1, arbitrary: fc.constant([]) });
      const list = fc.array(element(who, where), { minLength: 2, maxLength: 6 });
      return fc.tuple(list, fc.integer({ min: 1, max: 2 })).map(([elements, parts]) => objects(one, elements, parts));
    });
  });
}

interface Element {
  readonly deny: boolean;
  readonly body: K8sObject;
}

function element(who: fc.Arbitrary<K8sObject>, where: fc.Arbitrary<readonly K8sObject[]>): fc.Arbitrary<Element> {
  const kind = fc.constantFrom('allow', 'allow', 'http', 'deny');
  return fc.tuple(who, where, kind, fc.array(httpRule(), { minLength: 1, maxLength: 2 })).map(([peers, list, what, http]) => {
    const rules =
      what === 'http' && list.length > 0 && list.every(({ port, protocol }) => port !== '0' && protocol === 'TCP')
        ? { rules: { http } }
        : {};
    return { deny: what === 'deny', body: { ...peers, ...(list.length === 0 ? {} : { toPorts: [{ ports: list, ...rules }] }) } };
  });
}

function peer(side: Side): fc.Arbitrary<K8sObject> {
  const everywhere = (one: Selector): Selector => ({ ...one, matchExpressions: [...(one.matchExpressions ?? []), NAMESPACED] });
  return fc.oneof(
    { weight: 4, arbitrary: selector().map((one): K8sObject => ({ [`${side}Endpoints`]: [everywhere(one)] })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('all', 'world', 'cluster', 'host').map((name): K8sObject => ({ [`${side}Entities`]: [name] })),
    },
    { weight: 2, arbitrary: fc.constantFrom(...NESTED).map((cidr): K8sObject => ({ [`${side}CIDR`]: [cidr] })) },
  );
}

/** The number and the name of one port among them, so that both come together. */
function ports(): fc.Arbitrary<readonly K8sObject[]> {
  return fc.constantFrom<readonly K8sObject[]>(
    [{ port: '80', protocol: 'TCP' }],
    [{ port: '80', protocol: 'TCP' }],
    [{ port: 'http', protocol: 'TCP' }],
    [{ port: '80', protocol: 'ANY' }],
    [{ port: '0', protocol: 'TCP' }],
    [{ port: '53', protocol: 'UDP' }],
  );
}

function objects(direction: 'ingress' | 'egress', elements: readonly Element[], parts: number): K8sObject[] {
  const section = (all: readonly Element[], deny: boolean): K8sObject => {
    const bodies = all.filter((one) => one.deny === deny).map(({ body }) => body);
    return bodies.length === 0 ? {} : { [deny ? `${direction}Deny` : direction]: bodies };
  };
  return Array.from({ length: parts }, (_, i) => elements.filter((_one, at) => at % parts === i)).map((all, i) => ({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumClusterwideNetworkPolicy',
    metadata: { name: `contested-${i}` },
    spec: { endpointSelector: {}, ...section(all, false), ...section(all, true) },
  }));
}
