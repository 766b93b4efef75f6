/**
 * CiliumEndpoint objects: what users see of an endpoint.
 * @see cilium:pkg/k8s/watchers/endpointsynchronizer.go
 * @see cilium:pkg/endpoint/endpoint_status.go#Endpoint.GetCiliumEndpointStatus
 */
import type { ApiServer } from '../../../k8s/api_server.ts';
import type { CiliumEndpoint, Pod } from '../../../k8s/objects.ts';
import { formatIpv4, type Ipv4 } from '../../../net/ipv4.ts';
import type { Endpoint } from '../../endpoint/endpoint.ts';
import { printableLabels } from '../../labels/labels.ts';

/** What users read where the agent does not publish the status. */
export const STATUS_DISABLED = '<status disabled>';

/** @see cilium:pkg/endpoint/endpoint_status.go#Endpoint.getEndpointVisibilityPolicyStatus */
function visibilityStatus({ visibility }: Endpoint, publishPolicy: boolean): { 'visibility-policy-status'?: string } {
  if (!publishPolicy) {
    return { 'visibility-policy-status': STATUS_DISABLED };
  }
  return visibility === null ? {} : { 'visibility-policy-status': visibility.error ?? 'OK' };
}

/** Creates or updates the object of an endpoint. */
export function syncCiliumEndpoint(api: ApiServer, endpoint: Endpoint, nodeIp: Ipv4, publishPolicy: boolean): void {
  const pod = api.get<Pod>('Pod', endpoint.namespace, endpoint.podName);
  const { identity } = endpoint;
  if (pod === undefined || identity === null) {
    return;
  }
  const policy = endpoint.realizedPolicy?.selectorPolicy;
  const state = (enforcing: boolean): string => (publishPolicy ? (enforcing ? 'enforcing' : 'non-enforcing') : STATUS_DISABLED);
  const direction = (enforcing: boolean): { enforcing: boolean; state: string } => ({
    enforcing: publishPolicy && enforcing,
    state: state(enforcing),
  });
  const status: NonNullable<CiliumEndpoint['status']> = {
    encryption: {},
    'external-identifiers': {
      'container-id': endpoint.containerId,
      'k8s-namespace': endpoint.namespace,
      'k8s-pod-name': endpoint.podName,
      'pod-name': endpoint.name,
    },
    id: endpoint.id,
    identity: { id: identity.id, labels: printableLabels(identity.labels) },
    networking: { addressing: [{ ipv4: formatIpv4(endpoint.ipv4) }], node: formatIpv4(nodeIp) },
    policy: { ingress: direction(policy?.ingressPolicyEnabled ?? false), egress: direction(policy?.egressPolicyEnabled ?? false) },
    ...visibilityStatus(endpoint, publishPolicy),
    state: endpoint.state === 'waiting-for-identity' ? 'waiting-for-identity' : 'ready',
  };
  const object: CiliumEndpoint = {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEndpoint',
    metadata: {
      name: endpoint.podName,
      namespace: endpoint.namespace,
      ...(pod.metadata.labels === undefined ? {} : { labels: pod.metadata.labels }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid ?? '' }],
    },
    status,
  };
  if (api.get('CiliumEndpoint', endpoint.namespace, endpoint.podName) === undefined) {
    api.create(object);
  } else {
    api.updateStatus('CiliumEndpoint', endpoint.namespace, endpoint.podName, status);
  }
}
