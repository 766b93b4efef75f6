/**
 * What an endpoint does when selections change without its rules: the map follows, then the proxy.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.ApplyPolicyMapChanges
 */
import { formatIpv4 } from '../../net/ipv4.ts';
import { NETWORK_POLICY_TYPE_URL } from '../../xds/stream.ts';
import type { WaitGroup } from '../completion/completion.ts';
import { ENVOY_NODE, PROXYLIB_NODE } from '../envoy/acking_resources.ts';
import { getNetworkPolicy } from '../envoy/network_policy.ts';
import type { EndpointPolicy } from '../policy/resolve.ts';
import type { RegenerationDeps } from './bpf.ts';
import type { Endpoint } from './endpoint.ts';
import { applyPolicyChanges } from './policy_map.ts';
import { policyOwner } from './policy_owner.ts';

/** What bringing a policy to the proxy needs. */
export type NetworkPolicyDeps = Pick<RegenerationDeps, 'namedPorts' | 'proxy' | 'xds' | 'origins'>;

/**
 * Writes changed keys and tells the proxy; acknowledgements go into `group`.
 * @remarks 1.13.3 sends the proxy its policy each time (cilium pull request 25147); the branch point only when a redirect had changed.
 */
export function applyPolicyMapChanges(
  deps: NetworkPolicyDeps & Pick<RegenerationDeps, 'journey'>,
  endpoint: Endpoint,
  group: WaitGroup,
): void {
  if (endpoint.desiredPolicy !== null) {
    applyPolicyChanges(endpoint, deps.journey);
    updateNetworkPolicy(deps, endpoint, group);
  }
}

/**
 * Hands the endpoint's resource to the xDS server; the returned function takes it back. Nothing is waited for while the proxy has no listener.
 * @see cilium:pkg/endpoint/policy.go#Endpoint.updateNetworkPolicy
 */
export function updateNetworkPolicy(
  deps: NetworkPolicyDeps,
  endpoint: Endpoint,
  group: WaitGroup,
): { readonly waits: boolean; revert(): void } {
  const policy = endpoint.desiredPolicy as EndpointPolicy;
  const resource = getNetworkPolicy(
    policy.selectorPolicy,
    {
      ...policyOwner(deps, endpoint),
      endpointId: endpoint.id,
      ips: [formatIpv4(endpoint.ipv4)],
      conntrackMapName: 'global',
      visibility: endpoint.visibility?.ports ?? [],
    },
    deps.origins,
  );
  const { revision } = policy.selectorPolicy;
  const waits = deps.proxy.hasListeners;
  // The parsers have their own copy of the policies, and acknowledge it for themselves.
  const nodes = policy.selectorPolicy.l4Policy.hasProxylibRedirect() ? [ENVOY_NODE, PROXYLIB_NODE] : [ENVOY_NODE];
  const callback = (error: string | null): void => {
    if (error === null) {
      endpoint.proxyPolicyRevision = Math.max(endpoint.proxyPolicyRevision, revision);
    }
  };
  const revert = deps.xds.upsert(NETWORK_POLICY_TYPE_URL, String(endpoint.id), resource, { group: waits ? group : null, callback, nodes });
  return { waits, revert };
}
