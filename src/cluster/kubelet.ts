/**
 * The kubelet and the CNI plugin of a node: makes sandboxes for pods, asks the agent for their endpoints, runs their processes.
 * @see cilium:plugins/cilium-cni/main.go#cmdAdd
 */
import type { Daemon } from '../agent/daemon/daemon.ts';
import { tunnelRouteMtu } from '../agent/datapath/node.ts';
import type { ApiServer } from '../k8s/api_server.ts';
import type { Container, Pod, PodStatus } from '../k8s/objects.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { NetDevice } from '../kernel/netdev.ts';
import type { NetNs } from '../kernel/netns.ts';
import { RT_TABLE_MAIN } from '../kernel/route.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.ts';
import { type Mac, parseMac } from '../net/mac.ts';
import { formatRfc3339 } from '../net/rfc3339.ts';
import { SECOND } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import type { DnsZone } from '../workloads/coredns.ts';
import { serversForImage } from '../workloads/images.ts';
import type { ProcessEnv, Server } from '../workloads/process.ts';
import { CILIUM_IMAGE } from './kube_system.ts';
import { randomMac } from './names.ts';
import type { PodPins } from './options.ts';
import { hasProbe, type ProbeKind, startProbe } from './prober.ts';
import { isTerminating, terminationTime } from './termination.ts';

/** From a new agent pod to the agent's first step: image, init containers. @remarks Simplified: a real one takes some seconds more or less. */
const AGENT_POD_START = 5 * SECOND;

/** What a kubelet works with. */
export interface KubeletDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly kernel: Kernel;
  readonly hostNetns: NetNs;
  /** The agent; `null` while it does not run. */
  readonly agent: () => Daemon | null;
  /** The agent's own container, which the kubelet starts and stops like any other. */
  readonly agentContainer: { start(): void; stop(): void };
  readonly zone: DnsZone;
  readonly dnsIp: Ipv4;
  readonly curlVersion: string;
  /** Names of the authorities that programs in pods believe. */
  readonly trustedAuthorities: readonly string[];
  readonly pins: (pod: Pod) => PodPins;
}

/** A pod that runs here. */
export interface Sandbox {
  readonly namespace: string;
  readonly name: string;
  readonly netns: NetNs;
  readonly ip: string;
  readonly device: NetDevice | null;
  readonly env: ProcessEnv;
  readonly servers: readonly Server[];
  /** Whether its processes run. */
  running: boolean;
}

/** The kubelet. */
export class Kubelet {
  readonly #deps: KubeletDeps;
  readonly #sandboxes = new Map<string, Sandbox>();
  /** Pods whose endpoint has no policy yet. */
  readonly #adding = new Map<string, Pod>();
  /** Pods whose sandbox waits for the agent, and sandboxes that wait for it to be taken down. */
  readonly #waiting = new Map<string, Pod>();
  #doomed: Sandbox[] = [];
  /** Pods whose preStop hook runs. */
  readonly #ending = new Set<Sandbox>();
  /** What ends the probes of a sandbox. */
  readonly #probes = new Map<Sandbox, (() => void)[]>();
  /** Agent pods that are on their way up. */
  #agentPods = 0;
  /** Images nobody has modelled, in order of appearance. */
  readonly unknownImages: string[] = [];

  constructor(deps: KubeletDeps) {
    this.#deps = deps;
    deps.api.watch<Pod>('Pod', {
      onAdd: (pod) => this.#onPod(pod),
      onUpdate: (_old, pod) => (isTerminating(pod) ? this.#onTerminating(pod) : this.#onPod(pod)),
      onDelete: (pod) => this.#onDelete(pod),
    });
  }

  /** Whether no pod is on its way up. */
  get quiet(): boolean {
    return this.#adding.size === 0 && this.#agentPods === 0;
  }

  /** The pod's sandbox. */
  sandbox(namespace: string, name: string): Sandbox | undefined {
    return this.#sandboxes.get(`${namespace}/${name}`);
  }

  /** All sandboxes in order of creation. */
  sandboxes(): readonly Sandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** Stops or starts the processes of a pod; the pod stays. */
  setRunning(sandbox: Sandbox, running: boolean): void {
    if (sandbox.running === running) {
      return;
    }
    sandbox.running = running;
    for (const server of sandbox.servers) {
      if (running) {
        server.start(sandbox.env);
      } else {
        server.stop();
      }
    }
  }

  /** The agent is gone: what it was asked for will not come, and is asked for again when there is one. */
  agentGone(): void {
    for (const [key, pod] of this.#adding) {
      const sandbox = this.#sandboxes.get(key);
      this.#sandboxes.delete(key);
      if (sandbox?.device) {
        this.#deps.kernel.deleteDevice(sandbox.device);
      }
      this.#wait(pod);
    }
    this.#adding.clear();
  }

  /** The agent's container ended by itself; its pod stays. */
  agentStopped(): void {
    this.#agentStatus(false);
  }

  /** The agent's container runs again. */
  agentStarted(): void {
    this.#agentStatus(true);
  }

  /** The agent takes requests: first CNI DEL, then CNI ADD. */
  agentServes(): void {
    for (const sandbox of this.#doomed.splice(0)) {
      this.#deleteSandbox(sandbox);
    }
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const pod of waiting) {
      this.#onPod(this.#deps.api.get<Pod>('Pod', namespaceOf(pod), pod.metadata.name) ?? pod);
    }
  }

  #onPod(pod: Pod): void {
    const key = keyOf(pod);
    if (
      pod.spec.nodeName !== this.#deps.nodeName ||
      this.#sandboxes.has(key) ||
      this.#waiting.has(key) ||
      this.#deps.api.get('Pod', namespaceOf(pod), pod.metadata.name) === undefined
    ) {
      return;
    }
    const agent = this.#deps.agent();
    if (pod.spec.hostNetwork === true) {
      this.#runOnHost(pod);
    } else if (agent === null) {
      this.#wait(pod);
    } else {
      this.#addSandbox(pod, agent);
    }
  }

  /** CNI ADD fails: "unable to connect to Cilium daemon". The kubelet tries again and again. */
  #wait(pod: Pod): void {
    this.#waiting.set(keyOf(pod), pod);
    const containerStatuses = pod.spec.containers.map(({ name, image }) => ({
      name,
      image: image ?? '',
      ready: false,
      started: false,
      restartCount: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
    }));
    const status: PodStatus = { phase: 'Pending', hostIP: this.#deps.nodeIp, containerStatuses };
    this.#deps.api.updateStatus('Pod', namespaceOf(pod), pod.metadata.name, status);
  }

  #runOnHost(pod: Pod): void {
    const { hostNetns, nodeIp } = this.#deps;
    const sandbox: Sandbox = {
      namespace: namespaceOf(pod),
      name: pod.metadata.name,
      netns: hostNetns,
      ip: nodeIp,
      device: null,
      env: this.#env(pod, hostNetns, nodeIp),
      servers: this.#servers(pod),
      running: false,
    };
    this.#sandboxes.set(keyOf(pod), sandbox);
    this.setRunning(sandbox, true);
    if (!isAgentPod(pod) || this.#deps.agent() !== null) {
      this.#setStatus(pod, nodeIp, '');
      return;
    }
    this.#agentPods += 1;
    this.#deps.scheduler.after(AGENT_POD_START, 'agent container', () => {
      this.#agentPods -= 1;
      if (this.#sandboxes.get(keyOf(pod)) === sandbox) {
        this.#deps.agentContainer.start();
        if (this.#deps.agent() !== null) {
          this.#setStatus(pod, nodeIp, '');
        }
      }
    });
  }

  #addSandbox(pod: Pod, agent: Daemon): void {
    const { kernel, hostNetns, rng } = this.#deps;
    const pins = this.#deps.pins(pod);
    const ipv4 = agent.ipam.allocate(keyOf(pod), pins.ip === undefined ? undefined : (parseIpv4(pins.ip) as Ipv4));
    if (ipv4 === null) {
      return;
    }
    const netns = kernel.newNetns(keyOf(pod));
    const containerId = pins.containerId ?? rng.hex(64);
    const mac: Mac = (pins.mac === undefined ? null : parseMac(pins.mac)) ?? randomMac(rng);
    const [device, eth0] = kernel.createVeth(
      { name: pins.device ?? `lxc${rng.hex(12)}`, netns: hostNetns, mac: randomMac(rng) },
      { name: 'eth0', netns, mac },
    );
    netns.addAddress(eth0, ipv4, 32);
    const router = agent.routerIp;
    netns.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: { address: router, length: 32 }, device: eth0 });
    const mtu = tunnelRouteMtu(agent.options);
    const anywhere = { kind: 'unicast', dst: { address: 0, length: 0 }, gateway: router, device: eth0 } as const;
    netns.routing.replaceRoute(RT_TABLE_MAIN, mtu === undefined ? anywhere : { ...anywhere, mtu });
    netns.tcp.ports.pinned.push(...(pins.tcpPorts ?? []));
    netns.udpLayer.ports.pinned.push(...(pins.udpPorts ?? []));
    this.#adding.set(keyOf(pod), pod);
    agent.createEndpoint(
      {
        namespace: namespaceOf(pod),
        podName: pod.metadata.name,
        containerId,
        device,
        mac,
        ipv4,
        ...(pins.endpointId === undefined || agent.endpoints.has(pins.endpointId) ? {} : { wantedId: pins.endpointId }),
      },
      () => this.#onReady(pod, containerId),
    );
    const ip = formatIpv4(ipv4);
    const env = this.#env(pod, netns, ip);
    const sandbox: Sandbox = {
      namespace: namespaceOf(pod),
      name: pod.metadata.name,
      netns,
      ip,
      device,
      env,
      servers: this.#servers(pod),
      running: false,
    };
    this.#sandboxes.set(keyOf(pod), sandbox);
  }

  /** CNI is done: the containers start. */
  #onReady(pod: Pod, containerId: string): void {
    this.#adding.delete(keyOf(pod));
    const sandbox = this.#sandboxes.get(keyOf(pod));
    if (sandbox !== undefined) {
      this.setRunning(sandbox, true);
      this.#setStatus(pod, sandbox.ip, containerId);
      this.#startProbes(pod, sandbox);
    }
  }

  /** @see kubernetes:pkg/kubelet/prober/prober_manager.go#manager.AddPod */
  #startProbes(pod: Pod, sandbox: Sandbox): void {
    const deps = { scheduler: this.#deps.scheduler, host: this.hostEnv, inside: sandbox.env, ip: sandbox.ip };
    const ends = pod.spec.containers.flatMap((container) => {
      const readiness = this.#isProbed(container, 'readinessProbe')
        ? [startProbe(deps, container, 'readinessProbe', (ok) => this.#setReady(pod, container.name, ok, false))]
        : [];
      const liveness = this.#isProbed(container, 'livenessProbe')
        ? [startProbe(deps, container, 'livenessProbe', (ok) => void (ok || this.#restart(pod, sandbox, container)))]
        : [];
      return [...readiness, ...liveness];
    });
    this.#probes.set(sandbox, ends);
  }

  /** Nobody knows how an image that is not modelled would answer. */
  #isProbed(container: Container, kind: ProbeKind): boolean {
    return hasProbe(container, kind) && !this.unknownImages.includes(container.image ?? '');
  }

  /** A container that does not live is started again. @remarks Simplified: at once, and all of the pod's containers with it. */
  #restart(pod: Pod, sandbox: Sandbox, container: Container): void {
    this.setRunning(sandbox, false);
    this.setRunning(sandbox, true);
    this.#setReady(pod, container.name, !this.#isProbed(container, 'readinessProbe'), true);
  }

  /** @see kubernetes:pkg/kubelet/status/status_manager.go#manager.SetContainerReadiness */
  #setReady({ metadata, ...pod }: Pod, container: string, ready: boolean, restarted: boolean): void {
    const namespace = metadata.namespace ?? 'default';
    const status = this.#deps.api.get<Pod>('Pod', namespace, metadata.name)?.status;
    if (status?.containerStatuses === undefined) {
      return;
    }
    const containerStatuses = status.containerStatuses.map((one) =>
      one.name === container ? { ...one, ready, restartCount: one.restartCount + (restarted ? 1 : 0) } : one,
    );
    const all = containerStatuses.every((one) => one.ready);
    const conditions = readyConditions(status.conditions ?? [], all, this.#now());
    this.#deps.api.updateStatus(pod.kind, namespace, metadata.name, { ...status, containerStatuses, conditions });
  }

  /** The preStop hook runs while the processes go on; then they end, and with them the pod. */
  #onTerminating(pod: Pod): void {
    const { api, nodeName, scheduler } = this.#deps;
    const sandbox = this.#sandboxes.get(keyOf(pod));
    if (pod.spec.nodeName !== nodeName || (sandbox !== undefined && this.#ending.has(sandbox))) {
      return;
    }
    const end = (): void => void api.delete('Pod', namespaceOf(pod), pod.metadata.name, true);
    if (sandbox === undefined) {
      end();
      return;
    }
    this.#ending.add(sandbox);
    scheduler.after(terminationTime(pod), 'preStop hook', () => {
      this.#ending.delete(sandbox);
      if (this.#sandboxes.get(keyOf(pod)) === sandbox) {
        end();
      }
    });
  }

  #onDelete(pod: Pod): void {
    this.#waiting.delete(keyOf(pod));
    const sandbox = this.#sandboxes.get(keyOf(pod));
    if (sandbox === undefined) {
      return;
    }
    this.#sandboxes.delete(keyOf(pod));
    for (const end of this.#probes.get(sandbox) ?? []) {
      end();
    }
    this.#probes.delete(sandbox);
    this.setRunning(sandbox, false);
    if (isAgentPod(pod)) {
      this.#deps.agentContainer.stop();
    } else if (this.#deps.agent() === null) {
      // CNI DEL fails: the sandbox stays until an agent takes it down.
      this.#doomed.push(sandbox);
    } else {
      this.#deleteSandbox(sandbox);
    }
  }

  #deleteSandbox({ device, ip }: Sandbox): void {
    const agent = this.#deps.agent();
    if (device === null || agent === null) {
      return;
    }
    const endpoint = agent.endpoints.ofAddress(parseIpv4(ip) as Ipv4);
    if (endpoint?.device === device) {
      agent.deleteEndpoint(endpoint);
    }
    this.#deps.kernel.deleteDevice(device);
  }

  /** Whether the container in the agent's pod runs; each start after the first is a restart. */
  #agentStatus(running: boolean): void {
    const { api, nodeName } = this.#deps;
    const pod = api.list<Pod>('Pod', { namespace: 'kube-system' }).find((one) => isAgentPod(one) && one.spec.nodeName === nodeName);
    if (pod?.status?.containerStatuses !== undefined) {
      const containerStatuses = pod.status.containerStatuses.map((one) => ({
        ...one,
        ready: running,
        restartCount: one.restartCount + (running ? 1 : 0),
        state: running ? { running: { startedAt: this.#now() } } : { waiting: { reason: 'CrashLoopBackOff' } },
      }));
      const conditions = readyConditions(pod.status.conditions ?? [], running, this.#now());
      api.updateStatus('Pod', 'kube-system', pod.metadata.name, { ...pod.status, conditions, containerStatuses });
    }
  }

  #now(): string {
    return formatRfc3339(this.#deps.scheduler.clock.wallMillis());
  }

  #servers(pod: Pod): Server[] {
    return pod.spec.containers.flatMap((container) => {
      const image = container.image ?? '';
      const spec = {
        image,
        args: [...(container.command ?? []).slice(1), ...(container.args ?? [])],
        idle: container.command !== undefined,
        env: new Map((container.env ?? []).map(({ name, value }) => [name, value ?? ''])),
        ports: (container.ports ?? []).map((port) => port.containerPort),
      };
      const servers = serversForImage(spec, this.#deps.zone);
      if (servers === undefined && image !== CILIUM_IMAGE && !this.unknownImages.includes(image)) {
        this.unknownImages.push(image);
      }
      return servers ?? [];
    });
  }

  /** What a process of the node itself finds around it. It asks the cluster's DNS server for names. */
  get hostEnv(): ProcessEnv {
    const { nodeName, nodeIp, hostNetns } = this.#deps;
    return this.#newEnv(`node ${nodeName}`, nodeName, hostNetns, nodeIp, 'default');
  }

  #env(pod: Pod, netns: NetNs, ip: string): ProcessEnv {
    return this.#newEnv(keyOf(pod), pod.metadata.name, netns, ip, namespaceOf(pod));
  }

  #newEnv(owner: string, hostname: string, netns: NetNs, ip: string, namespace: string): ProcessEnv {
    const { scheduler, rng, journey, dnsIp, curlVersion, trustedAuthorities } = this.#deps;
    return {
      sockets: netns,
      scheduler,
      rng: rng.fork(`processes of ${owner}`),
      journey,
      hostname,
      podIp: parseIpv4(ip) as Ipv4,
      resolvConf: { nameserver: dnsIp, search: [`${namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'], ndots: 5 },
      curlVersion,
      trustedAuthorities,
    };
  }

  #setStatus(pod: Pod, ip: string, containerId: string): void {
    const now = this.#now();
    const status: PodStatus = {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: this.#deps.nodeIp,
      startTime: now,
      containerStatuses: pod.spec.containers.map((container) => ({
        name: container.name,
        image: container.image ?? '',
        ready: !this.#isProbed(container, 'readinessProbe'),
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now } },
        ...(containerId === '' ? {} : { containerID: `containerd://${containerId}` }),
      })),
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: type.endsWith('Ready') && pod.spec.containers.some((one) => this.#isProbed(one, 'readinessProbe')) ? 'False' : 'True',
        lastProbeTime: null,
        lastTransitionTime: now,
      })),
      qosClass: 'BestEffort',
    };
    this.#deps.api.updateStatus('Pod', namespaceOf(pod), pod.metadata.name, status);
  }
}

type Conditions = NonNullable<PodStatus['conditions']>;

/** Ready and ContainersReady follow the containers. */
function readyConditions(conditions: Conditions, ready: boolean, now: string): Conditions {
  const status = ready ? 'True' : 'False';
  return conditions.map((one) => (one.type.endsWith('Ready') && one.status !== status ? { ...one, status, lastTransitionTime: now } : one));
}

/** Whether a pod is the node's agent. */
function isAgentPod(pod: Pod): boolean {
  return pod.spec.hostNetwork === true && pod.spec.containers.some(({ image }) => image === CILIUM_IMAGE);
}

function namespaceOf(pod: Pod): string {
  return pod.metadata.namespace ?? 'default';
}

function keyOf(pod: Pod): string {
  return `${namespaceOf(pod)}/${pod.metadata.name}`;
}
