/**
 * Policy objects of all kinds. They are mostly valid, overlap, deny, share selectors; they shrink towards a policy that selects everything and says
 * nothing.
 */
import fc from 'fast-check';
import type { K8sObject } from '../model/cluster.ts';
import { cidrSet } from './ipv4.ts';
import { namespaceName } from './labels.ts';
import { type PeerOptions, peers } from './peers.ts';
import { port, portName, protocol } from './port.ts';
import { selector, subjectSelector } from './selector.ts';
import { type ToPortsOptions, toPorts } from './to_ports.ts';

/** What rules may contain; all defaults are "everything that 1.13 accepts and that its rules give a meaning". */
export interface RuleOptions extends Pick<ToPortsOptions, 'seven' | 'protocolless'>, Pick<PeerOptions, 'requires'> {
  /** Deny sections; default: yes. */
  readonly deny?: boolean;
  /** Only one direction; default: both. */
  readonly direction?: 'ingress' | 'egress';
}

/** One element of a section. */
export function element(direction: 'ingress' | 'egress', deny: boolean, options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  const ports = toPorts({ direction, deny, ...defined('seven', options.seven), ...defined('protocolless', options.protocolless) });
  return fc.tuple(peers({ direction, deny, ...defined('requires', options.requires) }), ports).map(([a, b]) => ({ ...a, ...b }));
}

/** A rule: the value of `spec`, without its subject. */
export function sections(options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  const list = (direction: 'ingress' | 'egress', deny: boolean, maxLength: number) =>
    options.direction !== undefined && options.direction !== direction
      ? fc.constant(null)
      : fc.option(fc.array(element(direction, deny, options), { maxLength }), { freq: deny ? 1 : 2 });
  const none = fc.constant(null);
  return fc
    .record({
      ingress: list('ingress', false, 3),
      ingressDeny: options.deny === false ? none : list('ingress', true, 2),
      egress: list('egress', false, 3),
      egressDeny: options.deny === false ? none : list('egress', true, 2),
    })
    .map((members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null)));
}

/** A rule with its subject. */
export function rule(options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  return fc.tuple(subjectSelector(), sections(options)).map(([endpointSelector, rest]) => ({ endpointSelector, ...rest }));
}

/** A CiliumNetworkPolicy, with `spec` or `specs`. */
export function ciliumNetworkPolicy(options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  const spec = fc.oneof(
    { weight: 5, arbitrary: rule(options).map((one): K8sObject => ({ spec: one })) },
    { weight: 1, arbitrary: fc.array(rule(options), { minLength: 1, maxLength: 2 }).map((specs): K8sObject => ({ specs })) },
  );
  return fc.tuple(namespaceName(), spec).map(([namespace, one]) => ({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'cnp', namespace },
    ...one,
  }));
}

/** A CiliumClusterwideNetworkPolicy for pods. */
export function ciliumClusterwideNetworkPolicy(options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  return rule(options).map((spec) => ({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumClusterwideNetworkPolicy',
    metadata: { name: 'ccnp' },
    spec,
  }));
}

/** A list of rules as the agent's API takes it. */
export function ciliumRules(options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  return fc.array(rule(options), { minLength: 1, maxLength: 2 }).map((rules) => ({ kind: 'CiliumRules', rules }));
}

/** A Kubernetes NetworkPolicy. */
export function networkPolicy(): fc.Arbitrary<K8sObject> {
  const number = fc.oneof<fc.Arbitrary<number | string>[]>(port(), port(), portName());
  const ports = fc.array(
    fc.tuple(fc.option(number, { freq: 8 }), fc.option(protocol(), { freq: 4 })).map(([one, proto]) => ({
      ...(one === null ? {} : { port: one }),
      ...(proto === null ? {} : { protocol: proto }),
    })),
    { maxLength: 2 },
  );
  const namespaces = fc.constantFrom<K8sObject>(
    {},
    { matchLabels: { team: 'red' } },
    { matchLabels: { 'kubernetes.io/metadata.name': 'prod' } },
  );
  const peer = fc.oneof<fc.Arbitrary<K8sObject>[]>(
    selector().map((podSelector) => ({ podSelector })),
    namespaces.map((namespaceSelector) => ({ namespaceSelector })),
    fc.tuple(selector(), namespaces).map(([podSelector, namespaceSelector]) => ({ podSelector, namespaceSelector })),
    cidrSet().map((ipBlock) => ({ ipBlock })),
  );
  const section = (side: 'from' | 'to') =>
    fc.option(
      fc.array(
        fc.tuple(fc.array(peer, { maxLength: 2 }), ports).map(([list, some]) => ({
          ...(list.length === 0 ? {} : { [side]: list }),
          ...(some.length === 0 ? {} : { ports: some }),
        })),
        { maxLength: 2 },
      ),
    );
  return fc
    .tuple(
      namespaceName(),
      subjectSelector(),
      section('from'),
      section('to'),
      fc.option(fc.subarray(['Ingress', 'Egress'], { minLength: 1 })),
    )
    .map(([namespace, podSelector, ingress, egress, policyTypes]) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'np', namespace },
      spec: {
        podSelector,
        ...(ingress === null ? {} : { ingress }),
        ...(egress === null ? {} : { egress }),
        ...(policyTypes === null ? {} : { policyTypes }),
      },
    }));
}

/** A policy of any kind. */
export function policy(options: RuleOptions = {}): fc.Arbitrary<K8sObject> {
  return fc.oneof(
    { weight: 6, arbitrary: ciliumNetworkPolicy(options) },
    { weight: 2, arbitrary: ciliumClusterwideNetworkPolicy(options) },
    { weight: 2, arbitrary: networkPolicy() },
    { weight: 1, arbitrary: ciliumRules(options) },
  );
}

/** Some policies with different names. */
export function policies(options: RuleOptions & { readonly maxLength?: number } = {}): fc.Arbitrary<K8sObject[]> {
  return fc.array(policy(options), { maxLength: options.maxLength ?? 4 }).map((list) => list.map(named));
}

/** Gives an object a name of its own. */
export function named(object: K8sObject, index: number): K8sObject {
  const metadata = object['metadata'] as K8sObject | undefined;
  return metadata === undefined ? object : { ...object, metadata: { ...metadata, name: `${String(metadata['name'])}-${index}` } };
}

function defined<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: T });
}
