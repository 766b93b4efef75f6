/**
 * A cluster: an API server, its controllers, and nodes, on one clock.
 */
import { type ClusterIdentities, newClusterIdentities } from '../agent/identity/cluster_identities.ts';
import { podLabels } from '../agent/k8s/pod_labels.ts';
import { filterLabels, newLabelFilter } from '../agent/labels/filter.ts';
import { parseOptions } from '../agent/option/config.ts';
import { ApiServer } from '../k8s/api_server.ts';
import { defaultPod, defaultService } from '../k8s/defaults.ts';
import type { Namespace, Pod, Service } from '../k8s/objects.ts';
import { BpfFs } from '../kernel/bpffs.ts';
import { trustedNames } from '../net/certificate.ts';
import { formatIpv4, type Ipv4, parseCidr4, parseIpv4 } from '../net/ipv4.ts';
import { formatRfc3339 } from '../net/rfc3339.ts';
import { assert, assertPresent } from '../sim/assert.ts';
import { type Nanos, SECOND, SimClock } from '../sim/clock.ts';
import { Journey } from '../sim/journey.ts';
import { Rng } from '../sim/rng.ts';
import { SimScheduler } from '../sim/scheduler.ts';
import { newApiServerPort } from '../workloads/api_server.ts';
import { execute } from '../workloads/commands.ts';
import { HttpClient } from '../workloads/http_client.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from '../workloads/process.ts';
import { startCiliumDaemonSet } from './cilium_daemon_set.ts';
import { ClusterDns } from './cluster_dns.ts';
import { Fabric } from './fabric.ts';
import { Faults } from './faults.ts';
import { kubeSystemObjects } from './kube_system.ts';
import { randomSuffix } from './names.ts';
import { startNamespaceController } from './namespace_controller.ts';
import { Node } from './node.ts';
import { startOperator } from './operator.ts';
import { type ClusterOptions, type PodPins, PUBLIC_AUTHORITY } from './options.ts';
import { Outside } from './outside.ts';
import { terminatingPod } from './termination.ts';
import { WatchEvents } from './watch_events.ts';
import { startControllers } from './workload_controllers.ts';
import { startWorkloadStatus } from './workload_status.ts';

/** A process that was started. */
export interface Execution {
  readonly done: boolean;
  /** What it left; `null` while it runs. */
  readonly result: ProcessResult | null;
  /** What it has printed so far, where the program tells before its end. */
  printed(): { readonly stdout: string; readonly stderr: string };
  kill(): void;
}

/** A class, for the reason that ProcessTimer has. */
class Running implements Execution {
  result: ProcessResult | null = null;
  program: RunningProcess | null = null;

  get done(): boolean {
    return this.result !== null;
  }

  printed(): { readonly stdout: string; readonly stderr: string } {
    return this.result ?? this.program?.printed?.() ?? { stdout: '', stderr: '' };
  }

  kill(): void {
    this.program?.kill();
  }
}

/** Stand where a namespace would: processes of the nodes themselves, and of hosts outside. */
export const ON_NODE = 'node';
export const OUTSIDE = 'world';

/** Names an entry of the options stands for: those in certificates, or the text itself. */
function authorityNames(text: string): readonly string[] {
  const names = trustedNames(text);
  return names.length > 0 ? names : [text.trim()];
}

/** How long the control plane may take to come to rest. */
const SETTLE_LIMIT: Nanos = 400 * SECOND;

/** A cluster. */
export class Cluster {
  readonly options: ClusterOptions;
  readonly clock: SimClock;
  readonly scheduler: SimScheduler;
  readonly journey: Journey;
  readonly api: ApiServer;
  readonly watchEvents: WatchEvents;
  readonly faults: Faults;
  readonly nodes: readonly Node[];
  readonly fabric: Fabric;
  readonly outside: Outside;
  readonly identities: ClusterIdentities;
  readonly #rng: Rng;
  readonly #labelFilter = newLabelFilter();
  readonly #serviceIps = new Set<string>();
  readonly #nodePorts = new Set<number>();
  readonly #nodePortRng: Rng;
  #packetId = 0;
  #nextNode = 0;

  private constructor(options: ClusterOptions) {
    this.options = options;
    const { options: daemonOptions, issues } = parseOptions({ 'cluster-name': options.clusterName, ...options.options });
    assert(issues.length === 0, issues[0]?.message ?? '');
    this.clock = new SimClock(options.bootTime * SECOND, options.wallTime);
    this.scheduler = new SimScheduler(this.clock);
    this.journey = new Journey(() => this.clock.now());
    this.#rng = new Rng(options.seed);
    this.#nodePortRng = this.#rng.fork('node ports');
    const uids = this.#rng.fork('uids');
    this.watchEvents = new WatchEvents(this.scheduler, this.#rng.fork('watch events'));
    this.api = new ApiServer({
      later: (callback, kind) => this.watchEvents.deliver(kind, callback),
      now: () => formatRfc3339(this.clock.wallMillis()),
      uid: () => uids.uuid(),
    });
    this.fabric = new Fabric(this.scheduler);
    this.faults = new Faults(this, this.#rng.fork('faults'));
    this.identities = newClusterIdentities(this.#rng.fork('identities'));
    const service = assertPresent(parseCidr4(options.serviceCIDR), `service CIDR ${options.serviceCIDR}`);
    const addresses = { kubernetes: formatIpv4(service.address + 1), kubeDns: formatIpv4(service.address + 10) };
    this.#serviceIps.add(addresses.kubernetes).add(addresses.kubeDns);
    this.#watchServices(service.address, 2 ** (32 - service.length) - 2);
    this.#watchPods();
    this.api.terminate('Pod', (pod) => terminatingPod(pod, this.clock.wallMillis()));
    startNamespaceController(this.api);
    startWorkloadStatus({ api: this.api, now: () => formatRfc3339(this.clock.wallMillis()) });
    startControllers({ api: this.api, rng: this.#rng.fork('controllers'), podNames: options.pins.podNames ?? {} });
    this.outside = new Outside({
      scheduler: this.scheduler,
      rng: this.#rng.fork('outside'),
      journey: this.journey,
      fabric: this.fabric,
      bpffs: new BpfFs(),
      nextPacketId: () => ++this.#packetId,
      hosts: options.world,
      names: options.dns,
      nodes: options.nodes,
      curlVersion: options.curlVersion,
    });
    const zone = new ClusterDns(this.api, this.outside.names);
    this.nodes = options.nodes.map(
      (node, index) =>
        new Node({
          scheduler: this.scheduler,
          rng: this.#rng,
          journey: this.journey,
          fabric: this.fabric,
          node,
          nodes: options.nodes,
          runsApiServer: index === 0,
          clusterPins: options.pins,
          nextPacketId: () => ++this.#packetId,
          api: this.api,
          options: daemonOptions,
          quirks: options.quirks ?? {},
          identities: this.identities,
          zone,
          dnsIp: parseIpv4(addresses.kubeDns) as Ipv4,
          curlVersion: options.curlVersion,
          trustedAuthorities: [PUBLIC_AUTHORITY, ...options.trustedAuthorities.flatMap(authorityNames)],
          pins: (pod) => this.#podPins(pod),
        }),
    );
    newApiServerPort().start(assertPresent(this.nodes[0], 'a node').kubelet.hostEnv);
    const suffix = this.#rng.fork('cilium pods');
    startCiliumDaemonSet({ api: this.api, nodes: options.nodes, rng: suffix });
    for (const object of kubeSystemObjects(options.nodes, addresses)) {
      const { generateName } = object.metadata;
      this.api.create(
        generateName === undefined
          ? object
          : { ...object, metadata: { ...object.metadata, name: `${generateName}${randomSuffix(suffix)}` } },
      );
    }
    startOperator(this.api, this.scheduler, daemonOptions);
  }

  /** A cluster with its kube-system, at rest. The options' values are taken as checked: see `parseOptions`. */
  static create(options: ClusterOptions): Cluster {
    const cluster = new Cluster(options);
    cluster.settle();
    return cluster;
  }

  /** The node a pod runs on. */
  nodeOf(namespace: string, pod: string): Node | undefined {
    return this.nodes.find((node) => node.kubelet.sandbox(namespace, pod) !== undefined);
  }

  /** Where a program would run: in a pod, on a node (`node` and its name) or on a host outside (`world` and its name). */
  processEnv(namespace: string, name: string): ProcessEnv | undefined {
    const inPod = this.nodeOf(namespace, name)?.kubelet.sandbox(namespace, name)?.env;
    if (inPod !== undefined) {
      return inPod;
    }
    return namespace === OUTSIDE
      ? this.outside.host(name)?.env
      : namespace === ON_NODE
        ? this.nodes.find((node) => node.name === name)?.kubelet.hostEnv
        : undefined;
  }

  /** Starts a program in a pod, on a node or outside; `null` if there is no such place. `ended` is called once, when it has finished. */
  exec(namespace: string, pod: string, argv: readonly string[], ended?: (result: ProcessResult) => void, stdin = ''): Execution | null {
    const env = this.processEnv(namespace, pod);
    if (env === undefined) {
      return null;
    }
    const execution = new Running();
    execution.program = execute(stdin === '' ? env : { ...env, stdin }, argv, (left) => {
      execution.result = left;
      ended?.(left);
    });
    return execution;
  }

  /** A client in a pod that keeps its connection; `null` if the pod does not run. */
  httpClient(namespace: string, pod: string, http2 = false): HttpClient | null {
    const env = this.processEnv(namespace, pod);
    return env === undefined ? null : new HttpClient(env, http2);
  }

  /** Lets time run until a condition holds, for at most `limit` nanoseconds; whether it holds. */
  runUntil(condition: () => boolean, limit: Nanos): boolean {
    return this.scheduler.runWhile(condition, this.clock.now() + limit);
  }

  /** Lets time run until the control plane is at rest: objects have become maps, and the proxy has acknowledged. */
  settle(limit: Nanos = SETTLE_LIMIT): void {
    const end = this.clock.now() + limit;
    for (;;) {
      const next = this.scheduler.nextAt();
      if ((next === null || next > this.clock.now()) && this.watchEvents.quiet && this.nodes.every((node) => node.quiet)) {
        return;
      }
      if (!this.scheduler.step(end)) {
        return;
      }
    }
  }

  /** Lets a time pass. */
  advance(nanos: Nanos): void {
    this.scheduler.runUntil(this.clock.now() + nanos);
  }

  /** Gives services their ClusterIP. */
  #watchServices(base: Ipv4, capacity: number): void {
    const rng = this.#rng.fork('cluster ips');
    this.api.admit('Service', (object) => {
      const service = defaultService(object as Service);
      const { type, clusterIP } = service.spec;
      if (clusterIP !== undefined || type === 'ExternalName') {
        return service;
      }
      const key = `${service.metadata.namespace ?? 'default'}/${service.metadata.name}`;
      let ip = this.options.pins.clusterIPs?.[key];
      while (ip === undefined || this.#serviceIps.has(ip)) {
        ip = formatIpv4(base + 1 + rng.below(capacity));
      }
      this.#serviceIps.add(ip);
      const spec = { ...service.spec, type: type ?? 'ClusterIP', clusterIP: ip, clusterIPs: [ip] };
      return { ...service, spec: type === 'NodePort' || type === 'LoadBalancer' ? this.#withNodePorts(spec) : spec };
    });
  }

  /** Gives every port a node port, from 30000 to 32767. */
  #withNodePorts(spec: Service['spec']): Service['spec'] {
    for (const port of spec.ports ?? []) {
      this.#nodePorts.add(port.nodePort ?? 0);
    }
    const ports = (spec.ports ?? []).map((port) => {
      let nodePort = port.nodePort;
      while (nodePort === undefined || nodePort === 0) {
        const drawn = 30000 + this.#nodePortRng.below(2768);
        nodePort = this.#nodePorts.has(drawn) ? undefined : drawn;
      }
      this.#nodePorts.add(nodePort);
      return { ...port, nodePort };
    });
    return { ...spec, ports };
  }

  /** Schedules pods to nodes, and pins identities before the agent allocates them. */
  #watchPods(): void {
    this.api.admit('Pod', (object) => {
      const pod = defaultPod(object as Pod);
      const nodeName =
        pod.spec.nodeName ??
        this.#podPins(pod).node ??
        assertPresent(this.options.nodes[this.#nextNode++ % this.options.nodes.length], 'a node').name;
      const bound: Pod = { ...pod, spec: { ...pod.spec, nodeName } };
      this.#pinIdentity(bound);
      return bound;
    });
  }

  #pinIdentity(pod: Pod): void {
    const pinned = this.#podPins(pod).identity;
    if (pinned === undefined) {
      return;
    }
    const namespace = this.api.get<Namespace>('Namespace', '', pod.metadata.namespace ?? 'default');
    const { identity } = filterLabels(this.#labelFilter, podLabels(pod, namespace, this.options.clusterName));
    if (this.identities.lookup(identity) === null && !this.identities.list().some((one) => one.id === pinned)) {
      this.identities.pin(identity, pinned);
    }
  }

  /** Pins of a pod by its name, or by the Deployment it belongs to (for the first of its pods that has none of its own). */
  #podPins(pod: Pod): PodPins {
    const key = `${pod.metadata.namespace ?? 'default'}/${pod.metadata.name}`;
    return this.options.pins.pods?.[key] ?? {};
  }
}
