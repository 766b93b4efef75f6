/** What a policy asks its endpoint: named ports and proxy ports. @see cilium:pkg/policy/resolve.go#PolicyOwner */
import { type NamedPort, resolveNamedPort } from '../policy/named_ports.ts';
import { proxyId } from '../policy/proxyid.ts';
import type { PolicyOwner } from '../policy/resolve.ts';
import type { Endpoint } from './endpoint.ts';

/** Named ports and known proxy ports of an endpoint; `clusterNamedPorts` are those of all pods, for egress. */
export function policyOwner(deps: { readonly clusterNamedPorts: () => readonly NamedPort[] }, endpoint: Endpoint): PolicyOwner {
  return {
    namedPort: (ingress, name, proto) => resolveNamedPort(ingress ? endpoint.namedPorts : deps.clusterNamedPorts(), name, proto),
    lookupRedirectPort: (ingress, protocol, port) => endpoint.realizedRedirects.get(proxyId(endpoint.id, ingress, protocol, port)) ?? 0,
  };
}
