/** What is checked: the objects of a scenario's manifests, as a model cluster and as policies. */
import { parseManifest } from '../../k8s/manifest.ts';
import type { KubeObject, PodSpec } from '../../k8s/objects.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { K8sObject, LabelMap, ModelCluster, ModelNamespace, ModelPod, ModelPort } from '../model/cluster.ts';

const POLICY_KINDS = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];
const WORKLOADS = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'];

/** A service with the pods it stands for. */
export interface SelectingService {
  readonly name: string;
  readonly namespace: string;
  readonly selector: LabelMap;
}

/** The subject of a check. */
export interface CheckSubject {
  readonly cluster: ModelCluster;
  readonly policies: readonly K8sObject[];
  readonly services: readonly SelectingService[];
  /** What runs in each pod of the manifests. */
  readonly specs: ReadonlyMap<ModelPod, PodSpec>;
}

/** The objects that a scenario's steps apply; a later object replaces one of its kind and name. */
export function subjectOf(scenario: Scenario): CheckSubject {
  const objects = new Map<string, KubeObject>();
  for (const { action } of scenario.steps) {
    if (action.kind !== 'apply') {
      continue;
    }
    for (const { text, file } of action.manifests) {
      for (const { object } of parseManifest(text, file).objects) {
        const namespace = object.metadata.namespace ?? action.namespace;
        const placed = { ...object, metadata: { ...object.metadata, namespace } };
        objects.set(`${object.kind} ${namespace} ${object.metadata.name}`, placed);
      }
    }
  }
  return subjectOfObjects([...objects.values()]);
}

/** The subject that some objects are. */
export function subjectOfObjects(objects: readonly KubeObject[]): CheckSubject {
  const specs = new Map<ModelPod, PodSpec>();
  for (const object of objects) {
    const found = podOf(object);
    if (found !== null) {
      specs.set(found.pod, found.spec);
    }
  }
  const pods = [...specs.keys()];
  const services = objects.filter(({ kind }) => kind === 'Service').map(serviceOf);
  return {
    cluster: { namespaces: namespacesOf(objects, pods), pods, services: [], dns: {} },
    policies: objects.filter(({ kind }) => POLICY_KINDS.includes(kind)).map(withoutNamespace),
    services: services.filter(({ selector }) => Object.keys(selector).length > 0),
    specs,
  };
}

/** Cluster-wide objects have no namespace, whatever the step says. */
function withoutNamespace(object: KubeObject): K8sObject {
  const { namespace: _, ...metadata } = object.metadata;
  return object.kind === 'CiliumClusterwideNetworkPolicy' ? { ...object, metadata } : object;
}

function podOf(object: KubeObject): { readonly pod: ModelPod; readonly spec: PodSpec } | null {
  const { name, namespace = 'default' } = object.metadata;
  if (object.kind === 'Pod') {
    return modelPod(name, namespace, object.metadata.labels ?? {}, object['spec'] as PodSpec);
  }
  if (!WORKLOADS.includes(object.kind)) {
    return null;
  }
  const template = (
    object['spec'] as { readonly template?: { readonly metadata?: { readonly labels?: LabelMap }; readonly spec?: PodSpec } } | undefined
  )?.template;
  return template?.spec === undefined ? null : modelPod(name, namespace, template.metadata?.labels ?? {}, template.spec);
}

function modelPod(name: string, namespace: string, labels: LabelMap, spec: PodSpec): { readonly pod: ModelPod; readonly spec: PodSpec } {
  const ports = spec.containers.flatMap((container) =>
    (container.ports ?? []).flatMap((one): ModelPort[] =>
      one.name === undefined
        ? []
        : [{ name: one.name.toLowerCase(), port: one.containerPort, protocol: (one.protocol ?? 'TCP') as ModelPort['protocol'] }],
    ),
  );
  return { pod: { name, namespace, labels, ports }, spec };
}

function serviceOf(object: KubeObject): SelectingService {
  const spec = object['spec'] as { readonly selector?: LabelMap } | undefined;
  return { name: object.metadata.name, namespace: object.metadata.namespace ?? 'default', selector: spec?.selector ?? {} };
}

/** Those of the manifests and those that pods are in. */
function namespacesOf(objects: readonly KubeObject[], pods: readonly ModelPod[]): ModelNamespace[] {
  const written = objects
    .filter(({ kind }) => kind === 'Namespace')
    .map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} }));
  const others = [...new Set(['default', ...pods.map(({ namespace }) => namespace), ...objects.flatMap(namespaceOf)])];
  return [...written, ...others.filter((name) => !written.some((one) => one.name === name)).map((name) => ({ name, labels: {} }))];
}

function namespaceOf({ kind, metadata }: KubeObject): string[] {
  return POLICY_KINDS.includes(kind) && metadata.namespace !== undefined && metadata.namespace !== '' ? [metadata.namespace] : [];
}
