/** What is checked: the objects of a scenario's manifests, as a model cluster and as policies. */
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS } from '../../cluster/options.ts';
import { policyRefusals } from '../../cluster/policy_refusal.ts';
import { isNamespaced } from '../../k8s/api_server.ts';
import type { Endpoints, KubeObject, PodSpec } from '../../k8s/objects.ts';
import type { SourcePosition } from '../../scenario/issue.ts';
import { manifestObjects, type SourcedObject } from '../../scenario/manifests.ts';
import { kindOf } from '../../scenario/objects.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { K8sObject, LabelMap, ModelCluster, ModelNamespace, ModelPod, ModelPort, ModelService } from '../model/cluster.ts';
import { namesMatching } from '../oracle/fqdn.ts';
import { type KubectlEffect, kubectlEffect } from './kubectl_steps.ts';

const POLICY_KINDS = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];
const WORKLOADS = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'];

/** A service with the pods it stands for. */
export interface SelectingService {
  readonly name: string;
  readonly namespace: string;
  readonly selector: LabelMap;
}

/** A policy that the agents refuse: it is as if it were not there. */
export interface RefusedPolicy {
  /** `CiliumNetworkPolicy default/rule1` */
  readonly policy: string;
  readonly message: string;
  readonly position: SourcePosition | null;
}

/** The subject of a check. */
export interface CheckSubject {
  readonly cluster: ModelCluster;
  readonly policies: readonly K8sObject[];
  readonly services: readonly SelectingService[];
  /** What runs in each pod of the manifests. */
  readonly specs: ReadonlyMap<ModelPod, PodSpec>;
  /** The cluster as the scenario has it. */
  readonly options: ClusterOptions;
  /** Services without selector and their Endpoints, as written. */
  readonly external: readonly KubeObject[];
  readonly refused: readonly RefusedPolicy[];
  /** Names outside with their addresses. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Where something was written: by kind, namespace and name of the object, and the path in it. */
  locate(policy: string, where: string): SourcePosition | null;
}

/**
 * The objects that are there once the steps of a scenario are done: applied, replaced, deleted, relabelled.
 */
export function subjectOf(scenario: Scenario): CheckSubject {
  const objects = new Map<string, SourcedObject>();
  const refused: RefusedPolicy[] = [];
  const refusal = policyRefusals(scenario.cluster);
  for (const { action } of scenario.steps) {
    if (action.kind === 'apply') {
      for (const one of action.manifests.flatMap(manifestObjects)) {
        const placed = inNamespace(one, action.namespace);
        const wrong = POLICY_KINDS.includes(placed.object.kind) ? refusal(placed.object) : null;
        if (wrong === null) {
          objects.set(keyOf(placed.object), placed);
        } else {
          const { origin, object } = placed;
          refused.push({
            policy: policyText(object),
            message: wrong.message,
            position: { file: origin.file, ...origin.locate(wrong.path) },
          });
        }
      }
    }
    if (action.kind === 'command') {
      heed(objects, kubectlEffect(action.line));
    }
    if (action.kind === 'delete') {
      for (const one of action.manifests.flatMap(manifestObjects)) {
        objects.delete(keyOf(inNamespace(one, action.namespace).object));
      }
      for (const { kind, name } of action.objects) {
        objects.delete(keyOf({ kind: kindOf(kind), metadata: { name, namespace: action.namespace } }));
      }
    }
  }
  return { ...subjectOfObjects([...objects.values()], scenario.cluster), refused };
}

function heed(objects: Map<string, SourcedObject>, effect: KubectlEffect | null): void {
  for (const { kind, name, namespace } of effect?.objects ?? []) {
    const key = keyOf({ kind, metadata: { name, namespace } });
    const known = objects.get(key);
    if (effect?.verb === 'delete') {
      objects.delete(key);
    } else if (effect?.verb === 'label' && known !== undefined && kind === 'Pod') {
      const { object, origin } = known;
      const labels = Object.entries({ ...object.metadata.labels, ...effect.labels }).filter(
        (pair): pair is [string, string] => pair[1] !== null,
      );
      objects.set(key, { object: { ...object, metadata: { ...object.metadata, labels: Object.fromEntries(labels) } }, origin });
    }
  }
}

/** The subject that some objects are. */
export function subjectOfObjects(sourced: readonly SourcedObject[], options: ClusterOptions = DEFAULT_CLUSTER_OPTIONS): CheckSubject {
  const objects = sourced.map(({ object }) => object);
  const specs = new Map<ModelPod, PodSpec>();
  for (const object of objects) {
    const found = podOf(object);
    if (found !== null) {
      specs.set(found.pod, found.spec);
    }
  }
  const pods = [...specs.keys()];
  const services = objects.filter(({ kind }) => kind === 'Service').map(serviceOf);
  const policies = objects.filter(({ kind }) => POLICY_KINDS.includes(kind)).map(withoutNamespace);
  const names = namesOutside(options);
  const places = new Map(sourced.map(({ object, origin }) => [policyText(object), origin]));
  return {
    cluster: {
      name: String(options.options['cluster-name'] ?? options.clusterName),
      namespaces: namespacesOf(objects, pods),
      pods,
      services: externalServices(objects),
      dns: learned(names, policies),
    },
    policies,
    services: services.filter(({ selector }) => Object.keys(selector).length > 0),
    specs,
    options,
    external: objects.filter(
      (one) => (one.kind === 'Service' && Object.keys(serviceOf(one).selector).length === 0) || one.kind === 'Endpoints',
    ),
    refused: [],
    names,
    locate: (policy, where) => {
      const origin = places.get(policy);
      return origin === undefined ? null : { file: origin.file, ...origin.locate(pathOf(where)) };
    },
  };
}

/** `spec.ingress[0]` as a path. */
function pathOf(where: string): (string | number)[] {
  return [...where.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}

function keyOf({ kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): string {
  return `${kind} ${isNamespaced(kind) ? (metadata.namespace ?? 'default') : ''} ${metadata.name}`;
}

/** As statements name it. */
function policyText({ kind, metadata }: KubeObject): string {
  return isNamespaced(kind) ? `${kind} ${metadata.namespace ?? 'default'}/${metadata.name}` : `${kind} ${metadata.name}`;
}

function inNamespace({ object, origin }: SourcedObject, namespace: string): SourcedObject {
  return { object: { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? namespace } }, origin };
}

/** Names of the hosts outside and of the other records; an alias has the addresses of what it stands for. */
function namesOutside({ world, dns }: ClusterOptions): Record<string, readonly string[]> {
  const names = new Map<string, readonly string[]>(world.flatMap(({ name, names: more, ips }) => [name, ...more].map((one) => [one, ips])));
  for (const { name, ips } of dns) {
    names.set(name, ips);
  }
  for (const { name, cname } of dns) {
    if (cname !== null) {
      names.set(name, names.get(cname) ?? []);
    }
  }
  return Object.fromEntries(names);
}

/** Names that can be learned: the DNS proxy sees only what a rule for DNS lets pass. */
function learned(names: Readonly<Record<string, readonly string[]>>, policies: readonly K8sObject[]): Record<string, readonly string[]> {
  const rules = policies.flatMap((object) => [...dnsRules(object)]);
  const known = new Set(rules.flatMap((one) => Object.keys(names).filter((name) => namesMatching(one, { [name]: ['x'] }).length > 0)));
  return Object.fromEntries(Object.entries(names).filter(([name]) => known.has(name)));
}

/** Every rule of every `dns` list inside an object. */
function* dnsRules(value: unknown): Generator<K8sObject> {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === 'dns' && Array.isArray(member)) {
      yield* member as K8sObject[];
    } else {
      yield* dnsRules(member);
    }
  }
}

/** Services without selector, with the addresses that their Endpoints have. */
function externalServices(objects: readonly KubeObject[]): ModelService[] {
  return objects
    .filter((one) => one.kind === 'Service' && Object.keys(serviceOf(one).selector).length === 0)
    .map(({ metadata }) => {
      const { name, namespace = 'default', labels = {} } = metadata;
      const endpoints = objects.find(
        (one) => one.kind === 'Endpoints' && one.metadata.name === name && (one.metadata.namespace ?? 'default') === namespace,
      ) as Endpoints | undefined;
      return {
        name,
        namespace,
        labels,
        backends: (endpoints?.subsets ?? []).flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip)),
      };
    });
}

/** Cluster-wide objects have no namespace, whatever the step says. */
function withoutNamespace(object: KubeObject): K8sObject {
  const { namespace: _, ...metadata } = object.metadata;
  return object.kind === 'CiliumClusterwideNetworkPolicy' ? { ...object, metadata } : object;
}

function podOf(object: KubeObject): { readonly pod: ModelPod; readonly spec: PodSpec } | null {
  const { name, namespace = 'default' } = object.metadata;
  if (object.kind === 'Pod') {
    // On the node's network it is the host.
    return (object['spec'] as PodSpec).hostNetwork === true
      ? null
      : modelPod(name, namespace, object.metadata.labels ?? {}, object['spec'] as PodSpec);
  }
  if (!WORKLOADS.includes(object.kind)) {
    return null;
  }
  const template = (
    object['spec'] as { readonly template?: { readonly metadata?: { readonly labels?: LabelMap }; readonly spec?: PodSpec } } | undefined
  )?.template;
  return template?.spec === undefined || template.spec.hostNetwork === true
    ? null
    : modelPod(name, namespace, template.metadata?.labels ?? {}, template.spec);
}

function modelPod(name: string, namespace: string, labels: LabelMap, spec: PodSpec): { readonly pod: ModelPod; readonly spec: PodSpec } {
  const ports = spec.containers.flatMap((container) =>
    (container.ports ?? []).flatMap((one): ModelPort[] =>
      one.name === undefined
        ? []
        : [{ name: one.name.toLowerCase(), port: one.containerPort, protocol: (one.protocol ?? 'TCP') as ModelPort['protocol'] }],
    ),
  );
  const account = spec.serviceAccountName;
  return { pod: { name, namespace, labels, ports, ...(account === undefined ? {} : { serviceAccount: account }) }, spec };
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
