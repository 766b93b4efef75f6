/**
 * The columns of `kubectl get`, by kind.
 * @see kubernetes:pkg/printers/internalversion/printers.go#AddHandlers
 * @see cilium:pkg/k8s/apis/cilium.io/v2/types.go#CiliumEndpoint
 */
import { parseRfc3339 } from '../../net/rfc3339.ts';
import type { ObjectView } from '../cluster_view.ts';
import { humanDuration } from './human_duration.ts';

/** One column. */
export interface Column {
  readonly title: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (object: ObjectView, wallMillis: number) => string;
}

/** A kind with its names and columns. */
export interface KindPrinter {
  readonly kind: string;
  /** As messages name it: `pods`, `deployments.apps`. */
  readonly resource: string;
  /** What may be typed: singular, plural, short forms. */
  readonly names: readonly string[];
  readonly namespaced: boolean;
  readonly columns: readonly Column[];
}

const NAME: Column = { title: 'NAME', cell: (object) => object.metadata.name };
const AGE: Column = { title: 'AGE', cell: age };

/** All kinds that can be listed. */
export const KINDS: readonly KindPrinter[] = [
  {
    kind: 'Pod',
    resource: 'pods',
    names: ['po', 'pod', 'pods'],
    namespaced: true,
    columns: [
      NAME,
      { title: 'READY', cell: podReady },
      { title: 'STATUS', cell: podStatus },
      {
        title: 'RESTARTS',
        cell: (pod) => String(containerStatuses(pod).reduce<number>((sum, one) => sum + number(get(one, 'restartCount')), 0)),
      },
      AGE,
      { title: 'IP', wide: true, cell: (pod) => text(get(pod, 'status', 'podIP'), '<none>') },
      { title: 'NODE', wide: true, cell: (pod) => text(get(pod, 'spec', 'nodeName'), '<none>') },
      { title: 'NOMINATED NODE', wide: true, cell: () => '<none>' },
      { title: 'READINESS GATES', wide: true, cell: () => '<none>' },
    ],
  },
  {
    kind: 'Service',
    resource: 'services',
    names: ['svc', 'service', 'services'],
    namespaced: true,
    columns: [
      NAME,
      { title: 'TYPE', cell: (service) => text(get(service, 'spec', 'type'), 'ClusterIP') },
      { title: 'CLUSTER-IP', cell: (service) => text(get(service, 'spec', 'clusterIP'), '<none>') },
      { title: 'EXTERNAL-IP', cell: externalIp },
      { title: 'PORT(S)', cell: servicePorts },
      AGE,
      { title: 'SELECTOR', wide: true, cell: (service) => labelsCell(get(service, 'spec', 'selector')) },
    ],
  },
  {
    kind: 'Endpoints',
    resource: 'endpoints',
    names: ['ep', 'endpoints'],
    namespaced: true,
    columns: [NAME, { title: 'ENDPOINTS', cell: endpointsCell }, AGE],
  },
  {
    kind: 'Deployment',
    resource: 'deployments.apps',
    names: ['deploy', 'deployment', 'deployments', 'deployment.apps', 'deployments.apps'],
    namespaced: true,
    columns: [
      NAME,
      { title: 'READY', cell: (d) => `${number(get(d, 'status', 'readyReplicas'))}/${number(get(d, 'spec', 'replicas'), 1)}` },
      { title: 'UP-TO-DATE', cell: (d) => String(number(get(d, 'status', 'updatedReplicas'))) },
      { title: 'AVAILABLE', cell: (d) => String(number(get(d, 'status', 'availableReplicas'))) },
      AGE,
      {
        title: 'CONTAINERS',
        wide: true,
        cell: (d) =>
          containers(d)
            .map((one) => text(get(one, 'name'), ''))
            .join(','),
      },
      {
        title: 'IMAGES',
        wide: true,
        cell: (d) =>
          containers(d)
            .map((one) => text(get(one, 'image'), ''))
            .join(','),
      },
      { title: 'SELECTOR', wide: true, cell: (d) => labelsCell(get(d, 'spec', 'selector', 'matchLabels')) },
    ],
  },
  {
    kind: 'ReplicaSet',
    resource: 'replicasets.apps',
    names: ['rs', 'replicaset', 'replicasets'],
    namespaced: true,
    columns: [
      NAME,
      { title: 'DESIRED', cell: (rs) => String(number(get(rs, 'spec', 'replicas'), 1)) },
      { title: 'CURRENT', cell: (rs) => String(number(get(rs, 'status', 'replicas'))) },
      { title: 'READY', cell: (rs) => String(number(get(rs, 'status', 'readyReplicas'))) },
      AGE,
    ],
  },
  {
    kind: 'Namespace',
    resource: 'namespaces',
    names: ['ns', 'namespace', 'namespaces'],
    namespaced: false,
    columns: [NAME, { title: 'STATUS', cell: (ns) => text(get(ns, 'status', 'phase'), 'Active') }, AGE],
  },
  {
    kind: 'Node',
    resource: 'nodes',
    names: ['no', 'node', 'nodes'],
    namespaced: false,
    columns: [
      NAME,
      { title: 'STATUS', cell: () => 'Ready' },
      { title: 'ROLES', cell: nodeRoles },
      AGE,
      { title: 'VERSION', cell: (node) => text(get(node, 'status', 'nodeInfo', 'kubeletVersion'), '') },
      { title: 'INTERNAL-IP', wide: true, cell: (node) => nodeAddress(node, 'InternalIP') },
      { title: 'EXTERNAL-IP', wide: true, cell: (node) => nodeAddress(node, 'ExternalIP') },
      { title: 'OS-IMAGE', wide: true, cell: (node) => text(get(node, 'status', 'nodeInfo', 'osImage'), '<unknown>') },
      { title: 'KERNEL-VERSION', wide: true, cell: (node) => text(get(node, 'status', 'nodeInfo', 'kernelVersion'), '<unknown>') },
      {
        title: 'CONTAINER-RUNTIME',
        wide: true,
        cell: (node) => text(get(node, 'status', 'nodeInfo', 'containerRuntimeVersion'), '<unknown>'),
      },
    ],
  },
  {
    kind: 'ServiceAccount',
    resource: 'serviceaccounts',
    names: ['sa', 'serviceaccount', 'serviceaccounts'],
    namespaced: true,
    columns: [NAME, { title: 'SECRETS', cell: () => '0' }, AGE],
  },
  {
    kind: 'NetworkPolicy',
    resource: 'networkpolicies.networking.k8s.io',
    names: ['netpol', 'networkpolicy', 'networkpolicies'],
    namespaced: true,
    columns: [NAME, { title: 'POD-SELECTOR', cell: (policy) => labelsCell(get(policy, 'spec', 'podSelector', 'matchLabels')) }, AGE],
  },
  {
    kind: 'CiliumNetworkPolicy',
    resource: 'ciliumnetworkpolicies.cilium.io',
    names: ['cnp', 'ciliumnp', 'ciliumnetworkpolicy', 'ciliumnetworkpolicies'],
    namespaced: true,
    columns: [NAME, AGE],
  },
  {
    kind: 'CiliumClusterwideNetworkPolicy',
    resource: 'ciliumclusterwidenetworkpolicies.cilium.io',
    names: ['ccnp', 'ciliumclusterwidenetworkpolicy', 'ciliumclusterwidenetworkpolicies'],
    namespaced: false,
    columns: [NAME, AGE],
  },
  {
    kind: 'CiliumEndpoint',
    resource: 'ciliumendpoints.cilium.io',
    names: ['cep', 'ciliumep', 'ciliumendpoint', 'ciliumendpoints'],
    namespaced: true,
    columns: [
      NAME,
      { title: 'ENDPOINT ID', cell: (cep) => text(get(cep, 'status', 'id'), '') },
      { title: 'IDENTITY ID', cell: (cep) => text(get(cep, 'status', 'identity', 'id'), '') },
      { title: 'INGRESS ENFORCEMENT', cell: (cep) => text(get(cep, 'status', 'policy', 'ingress', 'state'), '') },
      { title: 'EGRESS ENFORCEMENT', cell: (cep) => text(get(cep, 'status', 'policy', 'egress', 'state'), '') },
      { title: 'VISIBILITY POLICY', cell: (cep) => text(get(cep, 'status', 'visibility-policy-status'), '') },
      { title: 'ENDPOINT STATE', cell: (cep) => text(get(cep, 'status', 'state'), '') },
      { title: 'IPV4', cell: (cep) => text(get(items(get(cep, 'status', 'networking', 'addressing'))[0], 'ipv4'), '') },
      { title: 'IPV6', cell: (cep) => text(get(items(get(cep, 'status', 'networking', 'addressing'))[0], 'ipv6'), '') },
    ],
  },
  {
    kind: 'CiliumIdentity',
    resource: 'ciliumidentities.cilium.io',
    names: ['ciliumid', 'ciliumidentity', 'ciliumidentities'],
    namespaced: false,
    columns: [NAME, { title: 'NAMESPACE', cell: (id) => text(id.metadata.labels?.['io.kubernetes.pod.namespace'], '') }, AGE],
  },
];

/** The printer of a kind by any of its names, or `null`. */
export function findKind(name: string): KindPrinter | null {
  const wanted = name.toLowerCase();
  return KINDS.find((one) => one.names.includes(wanted) || one.resource === wanted) ?? null;
}

function age(object: ObjectView, wallMillis: number): string {
  const created = parseRfc3339(object.metadata.creationTimestamp ?? '');
  return created === null ? '<unknown>' : humanDuration(wallMillis - created);
}

/** A member deep inside, or `undefined`. */
function get(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(
    (at: unknown, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown, absent: string): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) || absent : absent;
}

function number(value: unknown, absent = 0): number {
  return typeof value === 'number' ? value : absent;
}

function labelsCell(value: unknown): string {
  const pairs = Object.entries((typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>);
  return pairs.length === 0
    ? '<none>'
    : pairs
        .map(([key, one]) => `${key}=${String(one)}`)
        .sort()
        .join(',');
}

function containerStatuses(pod: ObjectView): readonly unknown[] {
  return items(get(pod, 'status', 'containerStatuses'));
}

function containers(deployment: ObjectView): readonly unknown[] {
  return items(get(deployment, 'spec', 'template', 'spec', 'containers'));
}

/** Without container statuses, the pod's phase decides for all its containers. */
function podReady(pod: ObjectView): string {
  const statuses = containerStatuses(pod);
  const total = items(get(pod, 'spec', 'containers')).length;
  const ready =
    statuses.length > 0
      ? statuses.filter((one) => get(one, 'ready') === true).length
      : get(pod, 'status', 'phase') === 'Running'
        ? total
        : 0;
  return `${ready}/${total}`;
}

function podStatus(pod: ObjectView): string {
  return get(pod, 'metadata', 'deletionTimestamp') !== undefined ? 'Terminating' : text(get(pod, 'status', 'phase'), 'Pending');
}

function externalIp(service: ObjectView): string {
  const ingress = items(get(service, 'status', 'loadBalancer', 'ingress')).map((one) => text(get(one, 'ip'), ''));
  const addresses = [...items(get(service, 'spec', 'externalIPs')).map(String), ...ingress];
  return addresses.length > 0 ? addresses.join(',') : get(service, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>';
}

function servicePorts(service: ObjectView): string {
  const ports = items(get(service, 'spec', 'ports')).map((port) => {
    const nodePort = number(get(port, 'nodePort'));
    return `${number(get(port, 'port'))}${nodePort === 0 ? '' : `:${nodePort}`}/${text(get(port, 'protocol'), 'TCP')}`;
  });
  return ports.length === 0 ? '<none>' : ports.join(',');
}

/** At most three addresses, then how many more. @see kubernetes:pkg/printers/internalversion/printers.go#formatEndpoints */
function endpointsCell(endpoints: ObjectView): string {
  const all = items(get(endpoints, 'subsets')).flatMap((subset) =>
    items(get(subset, 'ports')).flatMap((port) =>
      items(get(subset, 'addresses')).map((address) => `${text(get(address, 'ip'), '')}:${number(get(port, 'port'))}`),
    ),
  );
  if (all.length === 0) {
    return '<none>';
  }
  return all.slice(0, 3).join(',') + (all.length > 3 ? ` + ${all.length - 3} more...` : '');
}

function nodeRoles(node: ObjectView): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {})
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  return roles.length === 0 ? '<none>' : roles.sort().join(',');
}

function nodeAddress(node: ObjectView, type: string): string {
  const address = items(get(node, 'status', 'addresses')).find((one) => get(one, 'type') === type);
  return text(get(address, 'address'), '<none>');
}
