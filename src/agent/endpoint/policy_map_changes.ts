/**
 * What an endpoint does when selections change without its rules: the map follows, then the proxy.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.ApplyPolicyMapChanges
 */
import { formatIpv4 } from '../../net/ipv4.ts';
import { NETWORK_POLICY_TYPE_URL } from '../../xds/stream.ts';
import { getNetworkPolicy } from '../envoy/network_policy.ts';
import { ENVOY_NODE, PROXYLIB_NODE } from '../envoy/xds_server.ts';
import type { EndpointPolicy } from '../policy/resolve.ts';
import type { RegenerationDeps } from './bpf.ts';
import type { CompletionGroup } from './completions.ts';
import type { Endpoint } from './endpoint.ts';
import { syncPolicyMap } from './policy_map.ts';
import { policyOwner } from './policy_owner.ts';

/** What bringing a policy to the proxy needs. */
export type NetworkPolicyDeps = Pick<RegenerationDeps, 'namedPorts' | 'proxy' | 'xds' | 'origins'>;

/**
 * Writes changed keys and tells the proxy; acknowledgements go into `completions`.
 * @remarks 1.13.3 sends the proxy its policy each time (cilium pull request 25147); the branch point only when a redirect had changed.
 */
export function applyPolicyMapChanges(
  deps: NetworkPolicyDeps & Pick<RegenerationDeps, 'journey'>,
  endpoint: Endpoint,
  completions: CompletionGroup,
): void {
  if (endpoint.desiredPolicy !== null) {
    syncPolicyMap(endpoint, deps.journey);
    updateNetworkPolicy(deps, endpoint, completions);
  }
}

/**
 * Hands the endpoint's resource to the xDS server; the returned function takes it back. Nothing is waited for while the proxy has no listener.
 * @see cilium:pkg/endpoint/policy.go#Endpoint.updateNetworkPolicy
 */
export function updateNetworkPolicy(
  deps: NetworkPolicyDeps,
  endpoint: Endpoint,
  completions: CompletionGroup,
): { readonly waits: boolean; revert(): void } {
  const policy = endpoint.desiredPolicy as EndpointPolicy;
  const name = String(endpoint.id);
  const before = deps.xds.get(NETWORK_POLICY_TYPE_URL, name);
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
  const revision = endpoint.nextPolicyRevision;
  const completion = deps.proxy.hasListeners ? completions.add() : null;
  // The parsers have their own copy of the policies, and acknowledge it for themselves.
  const parsers = policy.selectorPolicy.l4Policy.hasProxylibRedirect();
  const acknowledged = (error: string | null): void => {
    if (error === null) {
      endpoint.proxyPolicyRevision = Math.max(endpoint.proxyPolicyRevision, revision);
    }
    completion?.(error);
  };
  deps.xds.upsert(NETWORK_POLICY_TYPE_URL, name, resource, acknowledged, parsers ? [ENVOY_NODE, PROXYLIB_NODE] : [ENVOY_NODE]);
  return {
    waits: completion !== null,
    revert: () => {
      if (before !== undefined) {
        deps.xds.upsert(NETWORK_POLICY_TYPE_URL, name, before, null);
      }
    },
  };
}
