/**
 * Columns of services, policies, nodes and the rest of Kubernetes' own kinds.
 * @see kubernetes:pkg/printers/internalversion/printers.go#AddHandlers
 */
import type { ObjectView } from '../../cluster_view.ts';
import { AGE, type Column, get, items, labelsCell, members, NAME, number, selectorCell, text } from './cell.ts';

/** Services. */
export const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'TYPE', cell: (service) => text(get(service, 'spec', 'type'), 'ClusterIP') },
  { title: 'CLUSTER-IP', cell: (service) => text(get(service, 'spec', 'clusterIP'), '<none>') },
  { title: 'EXTERNAL-IP', cell: externalIp },
  { title: 'PORT(S)', cell: servicePorts },
  AGE,
  { title: 'SELECTOR', wide: true, cell: (service) => labelsCell(get(service, 'spec', 'selector')) },
];

/** Endpoints. */
export const ENDPOINTS_COLUMNS: readonly Column[] = [NAME, { title: 'ENDPOINTS', cell: endpointsCell }, AGE];

/** Namespaces. */
export const NAMESPACE_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'STATUS', cell: (ns) => text(get(ns, 'status', 'phase'), 'Active') },
  AGE,
];

/** Nodes. */
export const NODE_COLUMNS: readonly Column[] = [
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
];

/** Service accounts. */
export const SERVICE_ACCOUNT_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'SECRETS', cell: (account) => String(items(get(account, 'secrets')).length) },
  AGE,
];

/** ConfigMaps. */
export const CONFIG_MAP_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'DATA', cell: (map) => String(members(get(map, 'data')).length + members(get(map, 'binaryData')).length) },
  AGE,
];

/** Secrets. */
export const SECRET_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'TYPE', cell: (secret) => text(get(secret, 'type'), 'Opaque') },
  { title: 'DATA', cell: (secret) => String(members(get(secret, 'data')).length + members(get(secret, 'stringData')).length) },
  AGE,
];

/** Network policies. */
export const NETWORK_POLICY_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'POD-SELECTOR', cell: (policy) => selectorCell(get(policy, 'spec', 'podSelector')) },
  AGE,
];

function externalIp(service: ObjectView): string {
  if (get(service, 'spec', 'type') === 'ExternalName') {
    return text(get(service, 'spec', 'externalName'), '<none>');
  }
  const ingress = items(get(service, 'status', 'loadBalancer', 'ingress')).map((one) => text(get(one, 'ip'), ''));
  const addresses = [...ingress, ...items(get(service, 'spec', 'externalIPs')).map(String)];
  return addresses.length > 0 ? addresses.join(',') : get(service, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>';
}

function servicePorts(service: ObjectView): string {
  const ports = items(get(service, 'spec', 'ports')).map((port) => {
    const nodePort = number(get(port, 'nodePort'));
    return `${number(get(port, 'port'))}${nodePort === 0 ? '' : `:${nodePort}`}/${text(get(port, 'protocol'), 'TCP')}`;
  });
  return ports.length === 0 ? '<none>' : ports.join(',');
}

/** At most three addresses, then how many more; with port names none. @see kubernetes:pkg/printers/internalversion/printers.go#formatEndpoints */
export function endpointsCell(endpoints: ObjectView): string {
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

/** @see kubernetes:pkg/printers/internalversion/printers.go#findNodeRoles */
export function nodeRoles(node: ObjectView): string {
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
