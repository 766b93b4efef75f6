/** Which pod an author means. */
import { type Cluster, ON_NODE, OUTSIDE } from '../cluster/cluster.ts';
import type { Pod } from '../k8s/objects.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import type { PodName } from './host.ts';

/**
 * `pod`, `namespace/pod`, `deployment/name` or `namespace/deployment/name`; the first that fits. What is no pod can be `node/name`, a process of the
 * node itself, or `world/name`, one of a host outside.
 */
export function findPod(cluster: Cluster, reference: string): PodName | null {
  const parts = reference.split('/');
  const ofDeployment = parts.at(-2) === 'deployment' || parts.at(-2) === 'deploy';
  const name = parts.at(-1) as string;
  const namespace = (ofDeployment ? parts.at(-3) : parts.at(-2)) ?? 'default';
  const pods = cluster.api.list<Pod>('Pod', { namespace });
  const found = ofDeployment
    ? pods.find((pod) => belongsTo(cluster, pod, namespace, name))
    : pods.find((pod) => pod.metadata.name === name);
  if (found !== undefined) {
    return { namespace, name: found.metadata.name };
  }
  const env = namespace === ON_NODE || namespace === OUTSIDE ? cluster.processEnv(namespace, name) : undefined;
  return env === undefined ? null : { namespace, name, ip: formatIpv4(env.podIp) };
}

function belongsTo(cluster: Cluster, pod: Pod, namespace: string, deployment: string): boolean {
  const set = pod.metadata.ownerReferences?.find((owner) => owner.kind === 'ReplicaSet');
  const owners = set === undefined ? undefined : cluster.api.get('ReplicaSet', namespace, set.name)?.metadata.ownerReferences;
  return owners?.some((owner) => owner.kind === 'Deployment' && owner.name === deployment) ?? false;
}
