/**
 * A simulated cluster that follows the states a suite's lines describe: namespaces, pods, services and policies come, change and go as a
 * user's would, through the API server.
 */
import { Cluster } from '../../src/cluster/cluster.ts';
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS, type NodeOptions, type PodPins } from '../../src/cluster/options.ts';
import type { KubeObject, Pod, Service } from '../../src/k8s/objects.ts';
import { SECOND } from '../../src/sim/clock.ts';

/** A container of a pod, as the suites write it. */
export interface SuiteContainer {
  readonly name: string;
  readonly port: number;
  readonly protocol?: string;
  readonly portName?: string;
  readonly hostPort?: number;
}

/** A pod. */
export interface SuitePod {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly node?: string;
  readonly serviceAccount?: string;
  readonly containers?: readonly SuiteContainer[];
}

/** A service. */
export interface SuiteService {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly clusterIP?: string;
  readonly headless?: boolean;
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: string;
    readonly targetPort?: number | string;
    readonly nodePort?: number;
  }[];
}

/** What the cluster is to look like. */
export interface SuiteState {
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pods: readonly SuitePod[];
  readonly services?: readonly SuiteService[];
  readonly policies: readonly KubeObject[];
}

/** How the cluster is made. */
export interface SuiteClusterSpec {
  readonly nodes?: readonly NodeOptions[];
  readonly serviceCIDR?: string;
  readonly options?: ClusterOptions['options'];
  /** Where the cluster's DNS runs. */
  readonly coredns?: { readonly ip: string; readonly node: string };
  readonly world?: ClusterOptions['world'];
  readonly trustedAuthorities?: readonly string[];
  /** Containers a pod gets; agnhost servers unless said. */
  readonly containersOf?: (pod: SuitePod) => Pod['spec']['containers'];
}

/** Wide enough for every address the suites give their pods; what the cluster itself needs is pinned to its upper end. */
const POD_CIDR = '10.0.0.0/14';
const RESERVED = { router: '10.3.255.1', health: '10.3.255.2', coredns: '10.3.255.3' };
const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

/** A cluster with what a suite put into it. */
export class SuiteCluster {
  readonly cluster: Cluster;
  readonly #spec: SuiteClusterSpec;
  /** Pins are read when a pod is created, so later pods can still get theirs. */
  readonly #podPins: Record<string, PodPins> = {};
  readonly #pods = new Map<string, SuitePod>();
  readonly #namespaces = new Set<string>();
  readonly #policies = new Map<string, KubeObject>();
  readonly #services = new Map<string, SuiteService>();

  constructor(spec: SuiteClusterSpec) {
    this.#spec = spec;
    const single = spec.nodes === undefined;
    this.#podPins['kube-system/coredns-0'] = single ? { ip: RESERVED.coredns } : {};
    const { coredns } = spec;
    if (coredns !== undefined) {
      this.#podPins['kube-system/coredns-0'] = { ip: coredns.ip, node: coredns.node };
    }
    this.cluster = Cluster.create({
      ...DEFAULT_CLUSTER_OPTIONS,
      nodes: spec.nodes ?? [{ name: 'node1', ip: '192.168.1.10', podCIDR: POD_CIDR }],
      ...(spec.serviceCIDR === undefined ? {} : { serviceCIDR: spec.serviceCIDR }),
      ...(spec.world === undefined ? {} : { world: spec.world }),
      trustedAuthorities: spec.trustedAuthorities ?? [],
      options: spec.options ?? {},
      pins: {
        pods: this.#podPins,
        podNames: { 'kube-system/coredns': ['coredns-0'] },
        ...(single ? { router: { ip: RESERVED.router }, health: { ip: RESERVED.health } } : {}),
      },
    });
  }

  /** Makes the cluster look like the state, with the fewest changes, and waits for rest. */
  reconcile(state: SuiteState): void {
    const pods = new Map(state.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
    this.#dropPods(pods);
    const relabelled = [this.#reconcileNamespaces(state.namespaces), this.#reconcilePods(pods)].includes(true);
    this.#reconcileServices(state.services ?? []);
    this.cluster.settle();
    this.#reconcilePolicies(state.policies);
    if (relabelled) {
      // The grace period of a changed identity.
      this.cluster.advance(6 * SECOND);
    }
    this.cluster.settle();
  }

  /** Policies in force that the agent of the first node refused, by its own message. */
  get rejections(): readonly string[] {
    return (
      this.cluster.nodes[0]?.agent.rejectedPolicies.map(({ object, parsed }) => `${object.metadata.name}: ${parsed.issues[0]?.message}`) ??
      []
    );
  }

  #dropPods(wanted: ReadonlyMap<string, SuitePod>): void {
    const { api } = this.cluster;
    for (const [key, pod] of this.#pods) {
      const next = wanted.get(key);
      if (next === undefined || next.ip !== pod.ip || JSON.stringify(next.containers) !== JSON.stringify(pod.containers)) {
        api.delete('Pod', pod.namespace, pod.name);
        this.#pods.delete(key);
      }
    }
    this.cluster.settle();
  }

  #reconcileNamespaces(wanted: SuiteState['namespaces']): boolean {
    const { api } = this.cluster;
    let changed = false;
    for (const name of this.#namespaces) {
      if (wanted[name] === undefined) {
        api.delete('Namespace', '', name);
        this.#namespaces.delete(name);
      }
    }
    for (const [name, labels] of Object.entries(wanted)) {
      const outcome = api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      changed ||= outcome === 'configured';
      if (!SYSTEM_NAMESPACES.has(name)) {
        this.#namespaces.add(name);
      }
    }
    return changed;
  }

  #reconcilePods(wanted: ReadonlyMap<string, SuitePod>): boolean {
    const { api } = this.cluster;
    let changed = false;
    for (const [key, pod] of wanted) {
      const old = this.#pods.get(key);
      const stored = api.get<Pod>('Pod', pod.namespace, pod.name);
      if (old === undefined || stored === undefined) {
        this.#podPins[key] = { ip: pod.ip };
        api.create(this.#podObject(pod));
      } else if (JSON.stringify(old.labels) !== JSON.stringify(pod.labels)) {
        api.update({ ...stored, metadata: { ...stored.metadata, labels: pod.labels ?? {} } });
        changed = true;
      }
      this.#pods.set(key, pod);
    }
    return changed;
  }

  #podObject(pod: SuitePod): Pod {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod.name, namespace: pod.namespace, labels: pod.labels ?? {} },
      spec: {
        containers: (this.#spec.containersOf ?? agnhostContainers)(pod),
        ...(pod.node === undefined ? {} : { nodeName: pod.node }),
        ...(pod.serviceAccount === undefined ? {} : { serviceAccountName: pod.serviceAccount }),
      },
    };
  }

  #reconcileServices(wanted: readonly SuiteService[]): void {
    const { api } = this.cluster;
    const keys = new Set(wanted.map(({ namespace, name }) => `${namespace}/${name}`));
    for (const [key, service] of this.#services) {
      if (!keys.has(key)) {
        api.delete('Service', service.namespace, service.name);
        this.#services.delete(key);
      }
    }
    for (const service of wanted) {
      if (api.get('Service', service.namespace, service.name) === undefined) {
        api.create(serviceObject(service));
        this.#services.set(`${service.namespace}/${service.name}`, service);
      }
    }
  }

  #reconcilePolicies(wanted: readonly KubeObject[]): void {
    const { api } = this.cluster;
    const keyed = new Map(wanted.map((policy) => [`${policy.kind} ${policy.metadata.namespace ?? ''}/${policy.metadata.name}`, policy]));
    for (const [key, policy] of this.#policies) {
      if (!keyed.has(key)) {
        api.delete(policy.kind, policy.metadata.namespace ?? 'default', policy.metadata.name);
        this.#policies.delete(key);
      }
    }
    for (const [key, policy] of keyed) {
      api.apply(policy);
      this.#policies.set(key, policy);
    }
  }
}

/** One agnhost container a port, as Cyclonus and the Kubernetes suite have them. */
function agnhostContainers(pod: SuitePod): Pod['spec']['containers'] {
  const ports = pod.containers ?? [];
  if (ports.length === 0) {
    return [{ name: 'pause', image: 'registry.k8s.io/e2e-test-images/agnhost:2.43', args: ['pause'] }];
  }
  return ports.map(({ name, port, protocol = 'TCP', portName }, index) => ({
    name: `${name}-${index}`,
    image: 'registry.k8s.io/e2e-test-images/agnhost:2.43',
    ...(protocol === 'SCTP'
      ? { args: ['porter'], env: [{ name: `SERVE_SCTP_PORT_${port}`, value: 'foo' }] }
      : { args: ['serve-hostname', `--${protocol.toLowerCase()}`, '--http=false', '--port', String(port)] }),
    ports: [{ containerPort: port, protocol, ...(portName === undefined ? {} : { name: portName }) }],
  }));
}

function serviceObject(service: SuiteService): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service.name, namespace: service.namespace, ...(service.labels === undefined ? {} : { labels: service.labels }) },
    spec: {
      selector: service.selector,
      ...(service.type === undefined ? {} : { type: service.type as 'ClusterIP' }),
      ...(service.headless === true ? { clusterIP: 'None' } : service.clusterIP === undefined ? {} : { clusterIP: service.clusterIP }),
      ports: service.ports,
    },
  };
}
