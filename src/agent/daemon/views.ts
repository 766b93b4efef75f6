/** Read-only views of the agent's state, as its API gives them to the command line. @see cilium:api/v1/models/endpoint.go */
import { formatIpv4 } from '../../net/ipv4.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Identity } from '../identity/identity.ts';
import { printableLabels } from '../labels/labels.ts';

/** An endpoint. */
export interface EndpointModel {
  readonly id: number;
  readonly namespace: string;
  readonly podName: string;
  readonly labels: readonly string[];
  readonly identity: number | null;
  readonly ipv4: string;
  readonly state: string;
  readonly enforcement: { readonly ingress: boolean; readonly egress: boolean; readonly audit: boolean } | null;
}

/** The model of an endpoint. */
export function endpointModel(endpoint: Endpoint, audit: boolean): EndpointModel {
  const policy = endpoint.realizedPolicy?.selectorPolicy;
  return {
    id: endpoint.id,
    namespace: endpoint.namespace,
    podName: endpoint.namespace === '' ? '' : endpoint.podName,
    labels: printableLabels(endpoint.identity?.labels ?? []),
    identity: endpoint.identity?.id ?? null,
    ipv4: formatIpv4(endpoint.ipv4),
    state: endpoint.state,
    enforcement: policy === undefined ? null : { ingress: policy.ingressPolicyEnabled, egress: policy.egressPolicyEnabled, audit },
  };
}

/** The host endpoint, which has no address of its own. */
export function hostEndpointModel(id: number, host: Identity, endpoint: Endpoint | null): EndpointModel {
  const policy = endpoint?.realizedPolicy?.selectorPolicy;
  return {
    id,
    namespace: '',
    podName: '',
    labels: printableLabels(host.labels),
    identity: host.id,
    ipv4: '',
    state: 'ready',
    enforcement: {
      ingress: policy?.ingressPolicyEnabled ?? false,
      egress: policy?.egressPolicyEnabled ?? false,
      audit: endpoint?.policyAuditMode ?? false,
    },
  };
}

/** An identity. */
export function identityModel(identity: Identity): { readonly id: number; readonly labels: readonly string[] } {
  return { id: identity.id, labels: printableLabels(identity.labels) };
}
