/**
 * The controllers of kube-controller-manager that the modelled objects need: Deployment and ReplicaSet (pods), Endpoints (backends of services).
 * @see kubernetes:pkg/controller/deployment/deployment_controller.go
 * @see kubernetes:pkg/controller/endpoint/endpoints_controller.go
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { Deployment, EndpointAddress, EndpointSubset, Endpoints, Pod, ReplicaSet, Service } from '../k8s/objects.ts';
import { matchesLabels, matchesSelector } from '../k8s/selector.ts';
import type { Rng } from '../sim/rng.ts';
import { podTemplateHash, randomSuffix } from './names.ts';
import { isTerminating } from './termination.ts';

/** What the controllers work with. */
export interface ControllerDeps {
  readonly api: ApiServer;
  readonly rng: Rng;
  /** Pinned pod names by `namespace/deployment`, used in order. */
  readonly podNames: Readonly<Record<string, readonly string[]>>;
}

const POD_TEMPLATE_HASH = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';

/** Starts all controllers; they follow the API server from now on. */
export function startControllers(deps: ControllerDeps): void {
  const usedPins = new Map<string, number>();
  const hashOf = templateHashes(deps.podNames);
  const reconcileDeployment = (deployment: Deployment): void => syncDeployment(deps, deployment, hashOf);
  const reconcileReplicaSet = (set: ReplicaSet): void => syncReplicaSet(deps, set, usedPins);
  deps.api.watch<Deployment>('Deployment', {
    onAdd: reconcileDeployment,
    onUpdate: (_old, now) => reconcileDeployment(now),
    onDelete: (gone) => deleteOwned(deps, 'ReplicaSet', gone),
  });
  deps.api.watch<ReplicaSet>('ReplicaSet', {
    onAdd: reconcileReplicaSet,
    onUpdate: (_old, now) => reconcileReplicaSet(now),
    onDelete: (gone) => deleteOwned(deps, 'Pod', gone),
  });
  const syncServicesOf = (pod: Pod): void => {
    for (const service of deps.api.list<Service>('Service', { namespace: pod.metadata.namespace ?? 'default' })) {
      syncEndpoints(deps, service);
    }
    const owner = pod.metadata.ownerReferences?.find((reference) => reference.kind === 'ReplicaSet');
    const set = owner === undefined ? undefined : deps.api.get<ReplicaSet>('ReplicaSet', pod.metadata.namespace ?? 'default', owner.name);
    if (set !== undefined) {
      syncReplicaSet(deps, set, usedPins);
    }
  };
  deps.api.watch<Pod>('Pod', { onAdd: syncServicesOf, onUpdate: (_old, now) => syncServicesOf(now), onDelete: syncServicesOf });
  deps.api.watch<Service>('Service', {
    onAdd: (service) => syncEndpoints(deps, service),
    onUpdate: (_old, now) => syncEndpoints(deps, now),
    onDelete: (gone) => {
      deps.api.delete('Endpoints', gone.metadata.namespace ?? 'default', gone.metadata.name);
    },
  });
}

/** The hash of a deployment's template. A pinned pod name `NAME-HASH-SUFFIX` gives that of the first template, so that labels and names agree. */
function templateHashes(podNames: ControllerDeps['podNames']): (deployment: Deployment) => string {
  const first = new Map<string, string>();
  return ({ metadata, spec }) => {
    const key = `${metadata.namespace ?? 'default'}/${metadata.name}`;
    const computed = podTemplateHash(spec.template);
    const original = first.get(key) ?? computed;
    first.set(key, original);
    const pinned = podNames[key]?.[0]?.slice(metadata.name.length + 1);
    return (computed === original ? /^([a-z0-9]+)-[a-z0-9]+$/.exec(pinned ?? '')?.[1] : undefined) ?? computed;
  };
}

/** One ReplicaSet per template; older ones scale to nothing. @see kubernetes:pkg/controller/deployment/sync.go#getNewReplicaSet */
function syncDeployment(deps: ControllerDeps, deployment: Deployment, hashOf: (deployment: Deployment) => string): void {
  const namespace = deployment.metadata.namespace ?? 'default';
  const hash = hashOf(deployment);
  const name = `${deployment.metadata.name}-${hash}`;
  const replicas = deployment.spec.replicas ?? 1;
  for (const set of deps.api.list<ReplicaSet>('ReplicaSet', { namespace })) {
    const mine =
      set.metadata.ownerReferences?.some((owner) => owner.kind === 'Deployment' && owner.name === deployment.metadata.name) ?? false;
    if (mine && set.metadata.name !== name && set.spec.replicas !== 0) {
      deps.api.update({ ...set, spec: { ...set.spec, replicas: 0 } });
    }
  }
  const existing = deps.api.get<ReplicaSet>('ReplicaSet', namespace, name);
  const revision =
    existing?.metadata.annotations?.[REVISION] ??
    String(deps.api.list<ReplicaSet>('ReplicaSet', { namespace }).filter((set) => isOwnedBy(set, deployment)).length + 1);
  const live = deps.api.get<Deployment>('Deployment', namespace, deployment.metadata.name);
  if (live !== undefined && live.metadata.annotations?.[REVISION] !== revision && hashOf(live) === hash) {
    deps.api.update({ ...live, metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, [REVISION]: revision } } });
  }
  if (existing === undefined) {
    const labels = { ...deployment.spec.template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
    deps.api.create({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace, labels, annotations: { [REVISION]: revision }, ownerReferences: [ownerOf(deployment)] },
      spec: {
        replicas,
        selector: { ...deployment.spec.selector, matchLabels: { ...deployment.spec.selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
        template: { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } },
      },
    } satisfies ReplicaSet);
  } else if (existing.spec.replicas !== replicas) {
    deps.api.update({ ...existing, spec: { ...existing.spec, replicas } });
  }
}

/** Creates missing pods, deletes the youngest surplus ones. @see kubernetes:pkg/controller/replicaset/replica_set.go#manageReplicas */
function syncReplicaSet(deps: ControllerDeps, set: ReplicaSet, usedPins: Map<string, number>): void {
  const namespace = set.metadata.namespace ?? 'default';
  const pods = claimPods(deps, set);
  const wanted = set.spec.replicas ?? 1;
  for (let missing = wanted - pods.length; missing > 0; missing--) {
    deps.api.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: podName(deps, set, usedPins),
        namespace,
        labels: { ...set.spec.template.metadata?.labels },
        ...(set.spec.template.metadata?.annotations === undefined ? {} : { annotations: set.spec.template.metadata.annotations }),
        ownerReferences: [ownerOf(set)],
      },
      spec: set.spec.template.spec,
    } satisfies Pod);
  }
  for (const pod of pods.slice(wanted)) {
    deps.api.delete('Pod', namespace, pod.metadata.name);
  }
}

/**
 * The set's pods. A pod whose labels the selector no longer takes is let go; one that has no owner and is taken becomes the set's own.
 * @see kubernetes:pkg/controller/controller_ref_manager.go#PodControllerRefManager.ClaimPods
 */
function claimPods(deps: ControllerDeps, set: ReplicaSet): Pod[] {
  const claimed: Pod[] = [];
  for (const pod of deps.api.list<Pod>('Pod', { namespace: set.metadata.namespace ?? 'default' })) {
    const taken = matchesSelector(set.spec.selector, pod.metadata.labels ?? {});
    const owned = isOwnedBy(pod, set);
    if (owned && !taken) {
      const { ownerReferences, ...metadata } = pod.metadata;
      const others = (ownerReferences ?? []).filter((owner) => owner.kind !== set.kind || owner.name !== set.metadata.name);
      deps.api.update({ ...pod, metadata: { ...metadata, ...(others.length === 0 ? {} : { ownerReferences: others }) } });
    } else if (owned && !isTerminating(pod)) {
      claimed.push(pod);
    } else if (taken && (pod.metadata.ownerReferences ?? []).length === 0) {
      claimed.push(deps.api.update({ ...pod, metadata: { ...pod.metadata, ownerReferences: [ownerOf(set)] } }));
    }
  }
  return claimed;
}

function podName(deps: ControllerDeps, set: ReplicaSet, usedPins: Map<string, number>): string {
  const deployment = set.metadata.ownerReferences?.[0]?.name ?? set.metadata.name;
  const key = `${set.metadata.namespace ?? 'default'}/${deployment}`;
  const used = usedPins.get(key) ?? 0;
  usedPins.set(key, used + 1);
  return deps.podNames[key]?.[used] ?? `${set.metadata.name}-${randomSuffix(deps.rng)}`;
}

/**
 * The addresses behind a service: pods that its selector takes and that run. A service without selector keeps what the user wrote.
 * @see kubernetes:pkg/controller/endpoint/endpoints_controller.go#syncService
 */
function syncEndpoints(deps: ControllerDeps, service: Service): void {
  const namespace = service.metadata.namespace ?? 'default';
  const selector = service.spec.selector;
  if (selector === undefined || Object.keys(selector).length === 0) {
    return;
  }
  const pods = deps.api
    .list<Pod>('Pod', { namespace })
    .filter((pod) => matchesLabels(selector, pod.metadata.labels ?? {}) && pod.status?.podIP !== undefined);
  const subsets: {
    addresses?: EndpointAddress[];
    notReadyAddresses?: EndpointAddress[];
    terminatingAddresses?: EndpointAddress[];
    ports: NonNullable<EndpointSubset['ports']>;
  }[] = [];
  for (const pod of pods) {
    const ports = (service.spec.ports ?? []).flatMap((port) => {
      const number = targetPort(pod, port.targetPort ?? port.port, port.protocol ?? 'TCP');
      return number === null
        ? []
        : [{ ...(port.name === undefined ? {} : { name: port.name }), port: number, protocol: port.protocol ?? 'TCP' }];
    });
    if (ports.length === 0) {
      continue;
    }
    const address = {
      ip: pod.status?.podIP as string,
      ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
      targetRef: { kind: 'Pod', name: pod.metadata.name, namespace },
    };
    const ready = pod.status?.phase === 'Running' && pod.status.containerStatuses?.every((status) => status.ready) !== false;
    const same = subsets.find((subset) => JSON.stringify(subset.ports) === JSON.stringify(ports));
    const subset = same ?? { ports };
    if (same === undefined) {
      subsets.push(subset);
    }
    if (isTerminating(pod)) {
      // Of the EndpointSlice's conditions: serving and terminating.
      subset.terminatingAddresses = [...(subset.terminatingAddresses ?? []), ...(ready ? [address] : [])];
    } else if (ready) {
      subset.addresses = [...(subset.addresses ?? []), address];
    } else {
      subset.notReadyAddresses = [...(subset.notReadyAddresses ?? []), address];
    }
  }
  const wanted: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: service.metadata.name,
      namespace,
      ...(service.metadata.labels === undefined ? {} : { labels: service.metadata.labels }),
    },
    subsets,
  };
  const existing = deps.api.get<Endpoints>('Endpoints', namespace, service.metadata.name);
  if (existing === undefined) {
    deps.api.create(wanted);
  } else if (JSON.stringify(existing.subsets) !== JSON.stringify(subsets)) {
    deps.api.update({ ...existing, subsets });
  }
}

/** The number a target port means on a pod; `null` for a name the pod does not have. */
function targetPort(pod: Pod, target: number | string, protocol: string): number | null {
  if (typeof target === 'number') {
    return target;
  }
  for (const container of pod.spec.containers) {
    const port = container.ports?.find((one) => one.name === target && (one.protocol ?? 'TCP') === protocol);
    if (port !== undefined) {
      return port.containerPort;
    }
  }
  return null;
}

function deleteOwned(deps: ControllerDeps, kind: 'ReplicaSet' | 'Pod', owner: Deployment | ReplicaSet): void {
  const namespace = owner.metadata.namespace ?? 'default';
  for (const object of deps.api.list<ReplicaSet | Pod>(kind, { namespace })) {
    if (isOwnedBy(object, owner)) {
      deps.api.delete(kind, namespace, object.metadata.name);
    }
  }
}

function isOwnedBy(object: ReplicaSet | Pod, owner: Deployment | ReplicaSet): boolean {
  return (
    object.metadata.ownerReferences?.some((reference) => reference.kind === owner.kind && reference.name === owner.metadata.name) ?? false
  );
}

function ownerOf(owner: Deployment | ReplicaSet): { apiVersion: string; kind: string; name: string; uid: string; controller: true } {
  return { apiVersion: 'apps/v1', kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid ?? '', controller: true };
}
