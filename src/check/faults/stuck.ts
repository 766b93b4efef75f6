/**
 * Where 1.13.3 does not come back by itself: the preconditions of liveness, each with what the run says when it does not hold.
 */
import type { Cluster } from '../../cluster/cluster.ts';

/** Why an endpoint may stay as it is. */
export const PRECONDITIONS = {
  refusedVersion:
    'allowed requests were not answered while an endpoint waited for the proxy: resources that it has refused are not sent again as long as none of their type changes, and who asks for the same ones waits 330s for nothing (cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.useCurrent)',
  usedUp:
    'allowed requests were not answered after an endpoint had failed to regenerate a second time: the controller that tries again ends with its first success (cilium:pkg/endpoint/policy.go#Endpoint.startRegenerationFailureHandler, later pull request 37085)',
} as const;

/** The precondition that does not hold for a pod, or `null`. */
export function stuckPod(cluster: Cluster, namespace: string, name: string): keyof typeof PRECONDITIONS | null {
  const agent = cluster.nodeOf(namespace, name)?.agent;
  const endpoint = agent?.endpoints.ofPod(namespace, name);
  if (agent === undefined || endpoint === undefined) {
    return null;
  }
  if (endpoint.state !== 'ready') {
    return agent.xdsServer.refused().length > 0 ? 'refusedVersion' : null;
  }
  return endpoint.failures > 0 && endpoint.recovery?.usedUp === true ? 'usedUp' : null;
}
