/** Which pod an author means. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Pod } from '../k8s/objects.ts';
import type { PodName } from './host.ts';

/** `pod`, `namespace/pod`, `deployment/name` or `namespace/deployment/name`; the first that fits. */
export function findPod(cluster: Cluster, reference: string): PodName | null {
  const parts = reference.split('/');
  const ofDeployment = parts.at(-2) === 'deployment' || parts.at(-2) === 'deploy';
  const name = parts.at(-1) as string;
  const namespace = (ofDeployment ? parts.at(-3) : parts.at(-2)) ?? 'default';
  const pods = cluster.api.list<Pod>('Pod', { namespace });
  const found = ofDeployment
    ? pods.find((pod) => belongsTo(cluster, pod, namespace, name))
    : pods.find((pod) => pod.metadata.name === name);
  return found === undefined ? null : { namespace, name: found.metadata.name };
}

function belongsTo(cluster: Cluster, pod: Pod, namespace: string, deployment: string): boolean {
  const set = pod.metadata.ownerReferences?.find((owner) => owner.kind === 'ReplicaSet');
  const owners = set === undefined ? undefined : cluster.api.get('ReplicaSet', namespace, set.name)?.metadata.ownerReferences;
  return owners?.some((owner) => owner.kind === 'Deployment' && owner.name === deployment) ?? false;
}
