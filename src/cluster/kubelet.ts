/**
 * The kubelet and the CNI plugin of a node: makes sandboxes for pods, asks the agent for their endpoints, runs their processes.
 * @see cilium:plugins/cilium-cni/main.go#cmdAdd
 */
import type { Daemon } from '../agent/daemon/daemon.ts';
import type { Endpoint } from '../agent/endpoint/endpoint.ts';
import type { ApiServer } from '../k8s/api_server.ts';
import type { Pod, PodStatus } from '../k8s/objects.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { NetDevice } from '../kernel/netdev.ts';
import type { NetNs } from '../kernel/netns.ts';
import { RT_TABLE_MAIN } from '../kernel/route.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../net/ipv4.ts';
import { type Mac, parseMac } from '../net/mac.ts';
import { formatRfc3339 } from '../net/rfc3339.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import type { DnsZone } from '../workloads/coredns.ts';
import { serversForImage } from '../workloads/images.ts';
import type { ProcessEnv, Server } from '../workloads/process.ts';
import { CILIUM_IMAGE } from './kube_system.ts';
import { randomMac } from './names.ts';
import type { PodPins } from './options.ts';

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
  readonly agent: Daemon;
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
  readonly endpoint: Endpoint | null;
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
  #starting = 0;
  /** Images nobody has modelled, in order of appearance. */
  readonly unknownImages: string[] = [];

  constructor(deps: KubeletDeps) {
    this.#deps = deps;
    deps.api.watch<Pod>('Pod', {
      onAdd: (pod) => this.#onPod(pod),
      onUpdate: (_old, pod) => this.#onPod(pod),
      onDelete: (pod) => this.#onDelete(pod),
    });
  }

  /** Whether no pod is on its way up. */
  get quiet(): boolean {
    return this.#starting === 0;
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

  #onPod(pod: Pod): void {
    const key = keyOf(pod);
    if (
      pod.spec.nodeName !== this.#deps.nodeName ||
      this.#sandboxes.has(key) ||
      this.#deps.api.get('Pod', namespaceOf(pod), pod.metadata.name) === undefined
    ) {
      return;
    }
    if (pod.spec.hostNetwork === true) {
      this.#runOnHost(pod);
    } else {
      this.#addSandbox(pod);
    }
  }

  #runOnHost(pod: Pod): void {
    const { hostNetns, nodeIp } = this.#deps;
    const sandbox: Sandbox = {
      namespace: namespaceOf(pod),
      name: pod.metadata.name,
      netns: hostNetns,
      ip: nodeIp,
      endpoint: null,
      device: null,
      env: this.#env(pod, hostNetns, nodeIp),
      servers: [],
      running: true,
    };
    this.#sandboxes.set(keyOf(pod), sandbox);
    this.#setStatus(pod, nodeIp, '');
  }

  #addSandbox(pod: Pod): void {
    const { kernel, hostNetns, agent, rng } = this.#deps;
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
    netns.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: { address: 0, length: 0 }, gateway: router, device: eth0 });
    netns.tcp.ports.pinned.push(...(pins.tcpPorts ?? []));
    netns.udpLayer.ports.pinned.push(...(pins.udpPorts ?? []));
    this.#starting += 1;
    const endpoint = agent.createEndpoint(
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
      endpoint,
      device,
      env,
      servers: this.#servers(pod),
      running: false,
    };
    this.#sandboxes.set(keyOf(pod), sandbox);
  }

  /** CNI is done: the containers start. */
  #onReady(pod: Pod, containerId: string): void {
    this.#starting -= 1;
    const sandbox = this.#sandboxes.get(keyOf(pod));
    if (sandbox !== undefined) {
      this.setRunning(sandbox, true);
      this.#setStatus(pod, sandbox.ip, containerId);
    }
  }

  #onDelete(pod: Pod): void {
    const sandbox = this.#sandboxes.get(keyOf(pod));
    if (sandbox === undefined) {
      return;
    }
    this.#sandboxes.delete(keyOf(pod));
    this.setRunning(sandbox, false);
    if (sandbox.endpoint !== null && sandbox.device !== null) {
      this.#deps.agent.deleteEndpoint(sandbox.endpoint);
      this.#deps.kernel.deleteDevice(sandbox.device);
    }
  }

  #servers(pod: Pod): Server[] {
    return pod.spec.containers.flatMap((container) => {
      const image = container.image ?? '';
      const spec = {
        image,
        args: [...(container.command ?? []).slice(1), ...(container.args ?? [])],
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
    const now = formatRfc3339(this.#deps.scheduler.clock.wallMillis());
    const status: PodStatus = {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: this.#deps.nodeIp,
      startTime: now,
      containerStatuses: pod.spec.containers.map((container) => ({
        name: container.name,
        image: container.image ?? '',
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now } },
        ...(containerId === '' ? {} : { containerID: `containerd://${containerId}` }),
      })),
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: now,
      })),
      qosClass: 'BestEffort',
    };
    this.#deps.api.updateStatus('Pod', namespaceOf(pod), pod.metadata.name, status);
  }
}

function namespaceOf(pod: Pod): string {
  return pod.metadata.namespace ?? 'default';
}

function keyOf(pod: Pod): string {
  return `${namespaceOf(pod)}/${pod.metadata.name}`;
}
