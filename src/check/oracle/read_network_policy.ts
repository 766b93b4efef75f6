/** A Kubernetes NetworkPolicy as statements, as the agent understands it (quirk 25). */
import type { K8sObject } from '../model/cluster.ts';
import { both, isEmpty, type OracleSelector, readSelector, replaced } from './labels.ts';
import { readPrefix, remaining } from './read_cilium.ts';
import { NOTHING, readPort } from './read_ports.ts';
import type { Direction, Statement, Term } from './statement.ts';

/** Without requirements it means everyone. */
const EVERY_POD: OracleSelector = { labels: [], expressions: [] };
const NAMESPACE = 'k8s:io.kubernetes.pod.namespace';

/** Statements of a NetworkPolicy. */
export function readNetworkPolicy(object: K8sObject): Statement[] {
  const metadata = (object['metadata'] ?? {}) as { readonly name?: string; readonly namespace?: string };
  const namespace = metadata.namespace ?? 'default';
  const spec = (object['spec'] ?? {}) as K8sObject;
  const types = (spec['policyTypes'] ?? []) as readonly string[];
  const common = {
    policy: `NetworkPolicy ${namespace}/${metadata.name ?? ''}`,
    subject: replaced(
      readSelector(spec['podSelector'], (key) => `k8s:${key}`),
      NAMESPACE,
      namespace,
    ),
    nodes: false,
    deny: false,
    requires: [],
  };
  const section = (direction: Direction): Statement[] =>
    ((spec[direction] ?? []) as K8sObject[]).flatMap((element, i) => {
      const side = direction === 'ingress' ? 'from' : 'to';
      const peers = (element[side] ?? []) as K8sObject[];
      const ports = (element['ports'] ?? []) as K8sObject[];
      const toPorts = ports.length === 0 ? null : [{ ports: ports.flatMap(portTerms), ...NOTHING }];
      const where = `spec.${direction}[${i}]`;
      if (peers.length === 0) {
        return [{ ...common, where, direction, terms: [{ kind: 'endpoints' as const, selector: EVERY_POD }], ports: toPorts }];
      }
      return peers.map((peer, j) => ({
        ...common,
        where: `${where}.${side}[${j}]`,
        direction,
        terms: readPeer(peer, namespace),
        ports: toPorts,
      }));
    });
  const closed = (direction: Direction): Statement => ({ ...common, where: 'spec', direction, terms: [], ports: null });
  const [ingress, egress] = [section('ingress'), section('egress')];
  return [
    ...(ingress.length === 0 && (types.includes('Ingress') || !types.includes('Egress')) ? [closed('ingress')] : ingress),
    ...(egress.length === 0 && types.includes('Egress') ? [closed('egress')] : egress),
  ];
}

function portTerms(port: K8sObject): ReturnType<typeof readPort> {
  return readPort({ port: String(port['port'] ?? '0'), protocol: port['protocol'] ?? 'TCP' }, false);
}

function readPeer(peer: K8sObject, namespace: string): Term[] {
  const block = peer['ipBlock'] as K8sObject | undefined;
  const cidrs: Term[] = (block === undefined ? [] : remaining(block)).flatMap((text): Term[] => {
    const prefix = readPrefix(text);
    return prefix === null ? [] : [{ kind: 'prefix', prefix }];
  });
  const selector = podsOf(peer, namespace);
  return selector === null ? cidrs : [{ kind: 'endpoints', selector }, ...cidrs];
}

function podsOf(peer: K8sObject, namespace: string): OracleSelector | null {
  const has = (key: string): boolean => peer[key] !== undefined && peer[key] !== null;
  const pods = readSelector(peer['podSelector'], (key) => `k8s:${key}`);
  if (!has('namespaceSelector')) {
    return has('podSelector') ? replaced(pods, NAMESPACE, namespace) : null;
  }
  const namespaces = readSelector(peer['namespaceSelector'], (key) => `k8s:io.cilium.k8s.namespace.labels.${key}`);
  const any: OracleSelector = { labels: [], expressions: [{ key: NAMESPACE, operator: 'Exists', values: [] }] };
  return both(isEmpty(namespaces) ? any : namespaces, pods);
}
