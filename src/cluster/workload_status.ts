/**
 * The status of ReplicaSets, Deployments and DaemonSets: how many pods there are and how many are ready.
 * @see kubernetes:pkg/controller/replicaset/replica_set_utils.go#calculateStatus
 * @see kubernetes:pkg/controller/deployment/sync.go#calculateStatus
 * @see kubernetes:pkg/controller/daemon/daemon_controller.go
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { Deployment, KubeObject, Pod, ReplicaSet } from '../k8s/objects.ts';

/** What a status is made from. */
interface StatusDeps {
  readonly api: ApiServer;
  /** RFC 3339 text of now. */
  readonly now: () => string;
}

/** Starts to follow pods and what makes them. */
export function startWorkloadStatus(deps: StatusDeps): void {
  const { api } = deps;
  const onPod = (pod: Pod): void => {
    const owner = pod.metadata.ownerReferences?.[0];
    const namespace = pod.metadata.namespace ?? 'default';
    const object = owner === undefined ? undefined : api.get<KubeObject>(owner.kind, namespace, owner.name);
    if (object?.kind === 'ReplicaSet') {
      syncReplicaSet(deps, object as ReplicaSet);
    } else if (object?.kind === 'DaemonSet') {
      syncDaemonSet(deps, object);
    }
  };
  const onSet = (set: ReplicaSet): void => {
    syncReplicaSet(deps, set);
    const owner = set.metadata.ownerReferences?.[0];
    const deployment = owner === undefined ? undefined : api.get<Deployment>('Deployment', set.metadata.namespace ?? 'default', owner.name);
    if (deployment !== undefined) {
      syncDeployment(deps, deployment);
    }
  };
  const onDeployment = (deployment: Deployment): void => syncDeployment(deps, deployment);
  api.watch<Pod>('Pod', { onAdd: onPod, onUpdate: (_old, now) => onPod(now), onDelete: onPod });
  api.watch<ReplicaSet>('ReplicaSet', { onAdd: onSet, onUpdate: (_old, now) => onSet(now), onDelete: onSet });
  api.watch<Deployment>('Deployment', { onAdd: onDeployment, onUpdate: (_old, now) => onDeployment(now) });
  const onDaemonSet = (set: KubeObject): void => syncDaemonSet(deps, set);
  api.watch<KubeObject>('DaemonSet', { onAdd: onDaemonSet, onUpdate: (_old, now) => onDaemonSet(now) });
}

function syncReplicaSet({ api }: StatusDeps, seen: ReplicaSet): void {
  const { namespace = 'default', name } = seen.metadata;
  const set = api.get<ReplicaSet>('ReplicaSet', namespace, name);
  if (set === undefined) {
    return;
  }
  const pods = ownedPods(api, set);
  const ready = pods.filter(isReady).length;
  api.updateStatus('ReplicaSet', namespace, name, {
    replicas: pods.length,
    fullyLabeledReplicas: pods.length,
    ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
    observedGeneration: set.metadata.generation ?? 1,
  });
}

function syncDeployment({ api, now }: StatusDeps, seen: Deployment): void {
  const { namespace = 'default', name } = seen.metadata;
  const deployment = api.get<Deployment>('Deployment', namespace, name);
  if (deployment === undefined) {
    return;
  }
  const sets = api.list<ReplicaSet>('ReplicaSet', { namespace }).filter((set) => isOwnedBy(set, deployment));
  const sum = (some: readonly ReplicaSet[], member: string): number =>
    some.reduce((total, set) => total + (typeof set.status?.[member] === 'number' ? Number(set.status[member]) : 0), 0);
  const current = sets.filter((set) => set.spec.replicas !== 0).slice(-1);
  const wanted = deployment.spec.replicas ?? 1;
  const [replicas, updated, available] = [sum(sets, 'replicas'), sum(current, 'replicas'), sum(sets, 'availableReplicas')];
  const missing = Math.max(0, Math.max(wanted, replicas) - available);
  const counts = {
    replicas,
    updatedReplicas: updated,
    readyReplicas: sum(sets, 'readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: missing,
  };
  const conditions = conditionsOf(
    deployment,
    current.at(-1),
    available >= wanted - Math.floor(wanted / 4),
    updated === wanted && missing === 0,
    now(),
  );
  api.updateStatus('Deployment', namespace, name, {
    observedGeneration: deployment.metadata.generation ?? 1,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    conditions,
  });
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastUpdateTime: string;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** @see kubernetes:pkg/controller/deployment/progress.go#DeploymentController.syncRolloutStatus */
function conditionsOf(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  available: boolean,
  complete: boolean,
  now: string,
): Condition[] {
  const old = (deployment.status?.['conditions'] ?? []) as readonly Condition[];
  const condition = (type: string, status: string, reason: string, message: string): Condition => {
    const before = old.find((one) => one.type === type);
    const same = before?.status === status;
    return before !== undefined && same && before.reason === reason && before.message === message
      ? before
      : {
          type,
          status,
          lastUpdateTime: now,
          lastTransitionTime: same && before !== undefined ? before.lastTransitionTime : now,
          reason,
          message,
        };
  };
  const name = set?.metadata.name ?? '';
  return [
    available
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
      : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
    complete
      ? condition('Progressing', 'True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has successfully progressed.`)
      : condition('Progressing', 'True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`),
  ];
}

function syncDaemonSet({ api }: StatusDeps, set: KubeObject): void {
  const { namespace = 'default', name } = set.metadata;
  const pods = ownedPods(api, set);
  const ready = pods.filter(isReady).length;
  const nodes = api.list('Node').length;
  api.updateStatus('DaemonSet', namespace, name, {
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: nodes,
    numberMisscheduled: 0,
    numberReady: ready,
    numberAvailable: ready,
    updatedNumberScheduled: pods.length,
    observedGeneration: set.metadata.generation ?? 1,
  });
}

function ownedPods(api: ApiServer, owner: KubeObject): Pod[] {
  return api.list<Pod>('Pod', { namespace: owner.metadata.namespace ?? 'default' }).filter((pod) => isOwnedBy(pod, owner));
}

function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  return object.metadata.ownerReferences?.some((one) => one.kind === owner.kind && one.name === owner.metadata.name) ?? false;
}

function isReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && pod.status.containerStatuses?.every(({ ready }) => ready) === true;
}
