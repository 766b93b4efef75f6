/** What a policy asks its endpoint: named ports and proxy ports. @see cilium:pkg/policy/resolve.go#PolicyOwner */
import { type NamedPortMultiMap, resolveNamedPort } from '../policy/named_ports.ts';
import { proxyId } from '../policy/proxyid.ts';
import type { PolicyOwner } from '../policy/resolve.ts';
import type { Endpoint } from './endpoint.ts';

/** Named ports and known proxy ports of an endpoint; `namedPorts` are those of all pods, for egress. */
export function policyOwner(deps: { readonly namedPorts: NamedPortMultiMap }, endpoint: Endpoint): PolicyOwner {
  return {
    namedPort: (ingress, name, proto) =>
      ingress ? resolveNamedPort(endpoint.namedPorts, name, proto) : deps.namedPorts.resolve(name, proto),
    lookupRedirectPort: (ingress, protocol, port) => endpoint.realizedRedirects.get(proxyId(endpoint.id, ingress, protocol, port)) ?? 0,
  };
}
