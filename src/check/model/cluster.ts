/**
 * A cluster as property tests see it: namespaces, pods with labels and named ports, and what is known of the world outside. Plain data: it becomes
 * labels for the oracle, identities for the policy engine, and manifests for a scenario.
 */

/** A Kubernetes object of unknown content. */
export type K8sObject = Readonly<Record<string, unknown>>;

/** Labels as Kubernetes writes them. */
export type LabelMap = Readonly<Record<string, string>>;

/** A container port with a name. */
export interface ModelPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

/** A pod. */
export interface ModelPod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: LabelMap;
  readonly ports: readonly ModelPort[];
  /** Default: `default`. */
  readonly serviceAccount?: string;
}

/** A namespace. */
export interface ModelNamespace {
  readonly name: string;
  readonly labels: LabelMap;
}

/** A service without selector: its backends are addresses outside the cluster. */
export interface ModelService {
  readonly name: string;
  readonly namespace: string;
  /** Default: none. */
  readonly labels?: LabelMap;
  readonly backends: readonly string[];
}

/** A cluster. */
export interface ModelCluster {
  /** Its name among other clusters; default: `default`. */
  readonly name?: string;
  readonly namespaces: readonly ModelNamespace[];
  readonly pods: readonly ModelPod[];
  readonly services: readonly ModelService[];
  /** Names that pods have already resolved. */
  readonly dns: Readonly<Record<string, readonly string[]>>;
}

/** `namespace/name` */
export function podName({ namespace, name }: Pick<ModelPod, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/**
 * The labels of a pod's identity as `source:key=value`.
 * @remarks Simplified: labels that the agent filters out (`pod-template-hash`) are not to be given to model pods.
 * @see cilium:pkg/k8s/labels.go#GetPodMetadata
 */
export function podLabelTexts(pod: ModelPod, cluster: Pick<ModelCluster, 'namespaces' | 'name'>): string[] {
  const namespace = cluster.namespaces.find(({ name }) => name === pod.namespace);
  const ofNamespace = { 'kubernetes.io/metadata.name': pod.namespace, ...namespace?.labels };
  return [
    ...Object.entries(pod.labels).map(([key, value]) => `k8s:${key}=${value}`),
    ...Object.entries(ofNamespace).map(([key, value]) => `k8s:io.cilium.k8s.namespace.labels.${key}=${value}`),
    `k8s:io.cilium.k8s.policy.cluster=${cluster.name ?? 'default'}`,
    `k8s:io.cilium.k8s.policy.serviceaccount=${pod.serviceAccount ?? 'default'}`,
    `k8s:io.kubernetes.pod.namespace=${pod.namespace}`,
  ];
}
