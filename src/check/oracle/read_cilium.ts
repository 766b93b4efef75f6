/**
 * Cilium's policy objects as statements. The objects are taken as accepted; what the agent would reject is not noticed here.
 */
import { formatPrefix, hostPrefix, type IpPrefix, maskPrefix, parseIp, parsePrefix, removePrefixes } from '../../net/prefix.ts';
import type { K8sObject, ModelCluster, ModelService } from '../model/cluster.ts';
import { namesMatching } from './fqdn.ts';
import { keysOf, type OracleSelector, readSelector, replaced, selects } from './labels.ts';
import { readPorts } from './read_ports.ts';
import type { Direction, Statement, Term } from './statement.ts';

const NAMESPACE = 'io.kubernetes.pod.namespace';
const RESERVED = ['world', 'host', 'init', 'ingress', 'remote-node', 'health', 'unmanaged', 'none', 'kube-apiserver'];
const IN_CLUSTER = ['host', 'remote-node', 'init', 'ingress', 'health', 'unmanaged', 'kube-apiserver'];

/** Where an object's rules apply. */
interface Scope {
  readonly policy: string;
  /** `null`: a rule list, which nothing is added to; empty: cluster-wide. */
  readonly namespace: string | null;
  readonly cluster: ModelCluster;
  /** The entity `host` means other nodes too. */
  readonly nodesAreHosts: boolean;
}

/** Statements of a CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy or CiliumRules object. */
export function readCilium(object: K8sObject, cluster: ModelCluster, { nodesAreHosts = false } = {}): Statement[] {
  const kind = String(object['kind']);
  const metadata = (object['metadata'] ?? {}) as { readonly name?: string; readonly namespace?: string };
  if (kind === 'CiliumRules') {
    const scope: Scope = { policy: kind, namespace: null, cluster, nodesAreHosts };
    return ((object['rules'] ?? []) as K8sObject[]).flatMap((rule, i) => readRule(rule, `rules[${i}]`, scope));
  }
  const namespace = kind === 'CiliumNetworkPolicy' ? (metadata.namespace ?? 'default') : '';
  const scope: Scope = {
    policy: `${kind} ${namespace === '' ? '' : `${namespace}/`}${metadata.name ?? ''}`,
    namespace,
    cluster,
    nodesAreHosts,
  };
  const spec = object['spec'] === undefined ? [] : readRule(object['spec'] as K8sObject, 'spec', scope);
  return [...spec, ...((object['specs'] ?? []) as K8sObject[]).flatMap((rule, i) => readRule(rule, `specs[${i}]`, scope))];
}

function readRule(rule: K8sObject, where: string, scope: Scope): Statement[] {
  const nodes = rule['nodeSelector'] !== undefined;
  const written = readSelector(nodes ? rule['nodeSelector'] : rule['endpointSelector']);
  const ofInit = keysOf(written).some(({ source, name }) => source === 'reserved' && name === 'init');
  const { namespace } = scope;
  const subject = namespace === null || namespace === '' || ofInit ? written : replaced(written, `k8s:${NAMESPACE}`, namespace);
  return (['ingress', 'ingressDeny', 'egress', 'egressDeny'] as const).flatMap((section) =>
    ((rule[section] ?? []) as K8sObject[]).map((element, i) => {
      const direction: Direction = section.startsWith('ingress') ? 'ingress' : 'egress';
      const deny = section.endsWith('Deny');
      const side = direction === 'ingress' ? 'from' : 'to';
      const list = (name: string): readonly unknown[] => (element[`${side}${name}`] ?? []) as readonly unknown[];
      return {
        policy: scope.policy,
        where: `${where}.${section}[${i}]`,
        subject,
        nodes,
        direction,
        deny,
        terms: readTerms(element, list, { ...scope, ofInit, deny }),
        requires: list('Requires').map((one) => inNamespace(readSelector(one), scope.namespace, ofInit, false)),
        auth: element['auth'] !== undefined,
        ports: readPorts(element, deny),
      };
    }),
  );
}

function readTerms(
  element: K8sObject,
  list: (name: string) => readonly unknown[],
  scope: Scope & { readonly ofInit: boolean; readonly deny: boolean },
): Term[] {
  // Only objects of the API server are tied to services, and only where they allow.
  const services = scope.namespace === null || scope.deny ? [] : (list('Services') as K8sObject[]);
  const backends = services.flatMap((reference) => backendsOf(reference, scope.cluster.services));
  return [
    ...list('Endpoints').map(
      (one): Term => ({ kind: 'endpoints', selector: inNamespace(readSelector(one), scope.namespace, scope.ofInit, true) }),
    ),
    ...list('Entities').flatMap((name): Term[] => entity(String(name), scope)),
    ...list('CIDR').flatMap((text) => prefixTerm(String(text))),
    ...list('CIDRSet').flatMap((one) => remaining(one as K8sObject).flatMap(prefixTerm)),
    ...backends.flatMap(prefixTerm),
    ...(scope.deny ? [] : ((element['toFQDNs'] ?? []) as K8sObject[])).map(
      (one): Term => ({ kind: 'names', addresses: namesMatching(one, scope.cluster.dns) }),
    ),
  ];
}

/** A peer without a namespace is in the policy's own, or for a cluster-wide policy in any (quirk 10). */
function inNamespace(selector: OracleSelector, namespace: string | null, ofInit: boolean, keepReserved: boolean): OracleSelector {
  const keys = keysOf(selector);
  if (namespace === null || ofInit || (keepReserved && keys.some(({ source }) => source === 'reserved'))) {
    return selector;
  }
  if (keys.some(({ source, name }) => name === NAMESPACE && (source === 'k8s' || source === 'any'))) {
    return selector;
  }
  return namespace === ''
    ? { ...selector, expressions: [...selector.expressions, { key: `k8s:${NAMESPACE}`, operator: 'Exists', values: [] }] }
    : { ...selector, labels: [...selector.labels, [`k8s:${NAMESPACE}`, namespace]] };
}

function entity(name: string, { cluster: { name: cluster = 'default' }, nodesAreHosts }: Scope): Term[] {
  const reserved = (one: string): OracleSelector => ({ labels: [[`reserved:${one}`, '']], expressions: [] });
  if (name === 'all') {
    return [{ kind: 'everyone' }];
  }
  if (name === 'cluster') {
    const labelled: OracleSelector = { labels: [['k8s:io.cilium.k8s.policy.cluster', cluster]], expressions: [] };
    return [{ kind: 'entity', selectors: [...IN_CLUSTER.map(reserved), labelled] }];
  }
  if (name === 'host' && nodesAreHosts) {
    return [{ kind: 'entity', selectors: [reserved('host'), reserved('remote-node')] }];
  }
  return RESERVED.includes(name) ? [{ kind: 'entity', selectors: [reserved(name)] }] : [];
}

function prefixTerm(text: string): Term[] {
  const prefix = readPrefix(text);
  return prefix === null ? [] : [{ kind: 'prefix', prefix }];
}

/** A prefix, or an address as the prefix that holds it alone. */
export function readPrefix(text: string): IpPrefix | null {
  const prefix = parsePrefix(text);
  const address = prefix === null ? parseIp(text) : null;
  return prefix !== null ? maskPrefix(prefix) : address === null ? null : hostPrefix(address);
}

/** What is left of a prefix without its exceptions. */
export function remaining(rule: K8sObject): string[] {
  const allowed = readPrefix(String(rule['cidr'] ?? ''));
  const except = ((rule['except'] ?? []) as string[]).map(readPrefix).filter((prefix): prefix is IpPrefix => prefix !== null);
  return allowed === null ? [] : removePrefixes([allowed], except).map(formatPrefix);
}

/** Backends of services without selector, named or chosen by labels; of others nothing (quirk 9). */
function backendsOf(reference: K8sObject, services: readonly ModelService[]): readonly string[] {
  type Named = { readonly serviceName?: string; readonly namespace?: string; readonly selector?: unknown };
  const chosen = reference['k8sServiceSelector'] as Named | undefined;
  const named = reference['k8sService'] as Named | undefined;
  return services
    .filter(({ name, namespace, labels = {} }) => {
      const own = Object.entries(labels).map(([key, value]) => ({ source: 'k8s', key, value }));
      const means = chosen === undefined ? named?.serviceName === name : selects(readSelector(chosen.selector), own);
      return means && [undefined, '', namespace].includes((chosen ?? named)?.namespace);
    })
    .flatMap(({ backends }) => backends);
}
