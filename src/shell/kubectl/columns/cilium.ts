/**
 * Columns of Cilium's kinds: what their definitions list in additionalPrinterColumns.
 * @see cilium:pkg/k8s/apis/cilium.io/v2/types.go#CiliumEndpoint
 * @see cilium:pkg/k8s/apis/cilium.io/v2/cnp_types.go#CiliumNetworkPolicy
 */
import type { ObjectView } from '../../cluster_view.ts';
import { AGE, type Column, get, items, NAME, text } from './cell.ts';

/** CiliumNetworkPolicy, CiliumEnvoyConfig and their cluster-wide forms. */
export const CILIUM_POLICY_COLUMNS: readonly Column[] = [NAME, AGE];

/** CiliumEndpoint. */
export const CILIUM_ENDPOINT_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'ENDPOINT ID', cell: (cep) => text(get(cep, 'status', 'id'), '') },
  { title: 'IDENTITY ID', cell: (cep) => text(get(cep, 'status', 'identity', 'id'), '') },
  { title: 'INGRESS ENFORCEMENT', cell: (cep) => text(get(cep, 'status', 'policy', 'ingress', 'state'), '') },
  { title: 'EGRESS ENFORCEMENT', cell: (cep) => text(get(cep, 'status', 'policy', 'egress', 'state'), '') },
  { title: 'VISIBILITY POLICY', cell: (cep) => text(get(cep, 'status', 'visibility-policy-status'), '') },
  { title: 'ENDPOINT STATE', cell: (cep) => text(get(cep, 'status', 'state'), '') },
  { title: 'IPV4', cell: (cep) => addressOf(cep, 'ipv4') },
  { title: 'IPV6', cell: (cep) => addressOf(cep, 'ipv6') },
];

/** CiliumIdentity. */
export const CILIUM_IDENTITY_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'NAMESPACE', cell: (identity) => text(identity.metadata.labels?.['io.kubernetes.pod.namespace'], '') },
  AGE,
];

/** CiliumNode. */
export const CILIUM_NODE_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'CILIUMINTERNALIP', cell: (node) => nodeAddress(node, 'CiliumInternalIP') },
  { title: 'INTERNALIP', cell: (node) => nodeAddress(node, 'InternalIP') },
  AGE,
];

function nodeAddress(node: ObjectView, type: string): string {
  return text(
    get(
      items(get(node, 'spec', 'addresses')).find((one) => get(one, 'type') === type),
      'ip',
    ),
    '',
  );
}

function addressOf(endpoint: ObjectView, family: string): string {
  return text(get(items(get(endpoint, 'status', 'networking', 'addressing'))[0], family), '');
}
