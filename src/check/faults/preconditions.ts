/**
 * Where 1.13.3 breaks safety or does not come back by itself: the preconditions of the property, each with what the run says when it does not hold.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { FaultSection } from '../../scenario/schema/fault.ts';

/** Why 1.13.3 would fail too. */
export const PRECONDITIONS = {
  refusedVersion:
    'allowed requests were not answered while the proxy lacked resources that it had refused: they are not sent again until something of their type changes, and who asks for the same ones waits 330s for nothing (cilium:pkg/envoy/xds/server.go#Server.processRequestStream)',
  usedUp:
    'allowed requests were not answered after an endpoint had failed to regenerate a second time: the controller that tries again ends with its first success (cilium:pkg/endpoint/policy.go#Endpoint.startRegenerationFailureHandler, later pull request 37085)',
  portUsedAgain:
    'allowed requests were not answered where the client had the source port of an earlier connection through the proxy: its entry in conntrack, which garbage collection had not taken yet, is opened again as it was, and answers go to a proxy that waits for none (cilium:bpf/lib/conntrack.h#__ct_lookup)',
  halfWritten:
    'denied requests arrived where the agent had died while it wrote a policy map: entries are written one by one, so that an allow may be there before the deny beside it (cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMapsWith)',
} as const;

/** The name of one. */
export type Precondition = keyof typeof PRECONDITIONS;

/** Whether a fault can leave a policy map half written. */
export function leavesHalfWritten(fault: FaultSection): boolean {
  return fault.kind === 'agent-crash' && (fault.at === 'addPolicyKey' || fault.at === 'deletePolicyKey');
}

/** The precondition of liveness that does not hold for a pod, or `null`. */
export function stuckPod(cluster: Cluster, namespace: string, name: string): Precondition | null {
  const agent = cluster.nodeOf(namespace, name)?.agent;
  if (agent === undefined) {
    return null;
  }
  const endpoint = agent.endpoints.ofPod(namespace, name);
  if (endpoint?.state === 'ready' && endpoint.failures > 0 && endpoint.recovery?.usedUp === true) {
    return 'usedUp';
  }
  return agent.xdsServer.refused().length > 0 ? 'refusedVersion' : null;
}
