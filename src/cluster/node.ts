/** One node: a kernel with its network, the agent, the proxy it starts, the kubelet. */
import { Daemon } from '../agent/daemon/daemon.ts';
import type { DaemonDeps } from '../agent/daemon/daemon_deps.ts';
import type { SavedState } from '../agent/daemon/restore.ts';
import type { Endpoint } from '../agent/endpoint/endpoint.ts';
import type { RegenerationStep } from '../agent/endpoint/regeneration_steps.ts';
import type { BootstrapConfig, ProxyLauncher } from '../agent/envoy/envoy.ts';
import { datapathFeatures } from '../agent/option/features.ts';
import { RestApi } from '../agent/rest/rest_api.ts';
import { Envoy } from '../envoy/envoy.ts';
import { BpfFs } from '../kernel/bpffs.ts';
import { Kernel } from '../kernel/kernel.ts';
import type { NetDevice } from '../kernel/netdev.ts';
import type { NetNs } from '../kernel/netns.ts';
import { RT_TABLE_MAIN } from '../kernel/route.ts';
import { EventRing } from '../monitor/event_ring.ts';
import { type Cidr4, containsIpv4, type Ipv4, parseCidr4, parseIpv4 } from '../net/ipv4.ts';
import { assertPresent } from '../sim/assert.ts';
import { SECOND } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import { ProcessScheduler } from '../sim/process_scheduler.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import { DatapathLoader } from './datapath_loader.ts';
import type { Fabric } from './fabric.ts';
import { startKubeProxy } from './kube_proxy.ts';
import { Kubelet, type KubeletDeps } from './kubelet.ts';
import { monitorEvent } from './monitor_events.ts';
import { randomMac } from './names.ts';
import type { NodeOptions, Pins } from './options.ts';
import { agentQuirks, datapathQuirks, policyQuirks, type QuirkSwitches } from './quirks.ts';
import { XdsLink } from './xds_link.ts';

/** What a node is made of. */
export interface NodeDeps
  extends Pick<DaemonDeps, 'api' | 'options' | 'identities' | 'runsApiServer'>,
    Pick<KubeletDeps, 'zone' | 'dnsIp' | 'curlVersion' | 'trustedAuthorities' | 'pins'> {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly fabric: Fabric;
  readonly node: NodeOptions;
  /** All nodes of the cluster. */
  readonly nodes: readonly NodeOptions[];
  readonly clusterPins: Pins;
  readonly quirks: QuirkSwitches;
  readonly nextPacketId: () => number;
}

/** A step of a regeneration in which the agent dies. */
export interface AgentCrash {
  readonly step: RegenerationStep;
  readonly hits: (endpoint: { readonly namespace: string; readonly podName: string }) => boolean;
  /** Called once it is dead. */
  readonly strike: () => void;
}

/** A node. */
export class Node {
  readonly name: string;
  readonly ip: string;
  readonly podCIDR: string;
  readonly kernel: Kernel;
  readonly hostNetns: NetNs;
  readonly bpffs = new BpfFs();
  readonly kubelet: Kubelet;
  /** The way between agent and proxy. */
  readonly xds: XdsLink;
  /** What the monitor saw last. */
  readonly events: EventRing;
  readonly #deps: NodeDeps;
  #envoy: Envoy | null = null;
  #bootstrap: BootstrapConfig | null = null;
  #launched = 0;
  readonly #loader: DatapathLoader;
  readonly #uplink: NetDevice;
  #agent: Daemon;
  #api: RestApi;
  #agentScheduler: ProcessScheduler;
  #startedAt: number;
  #agentStarts = 0;
  #agentRunning = false;
  /** A scenario keeps the agent down. */
  #agentDown = false;
  #saved: SavedState | null = null;
  /** Where the agent will die next. */
  crash: AgentCrash | null = null;
  /** How many faults keep the agent down. */
  agentFaults = 0;
  /** The agent has asked for the proxy, but a scenario keeps it down. */
  #proxyDown = false;

  constructor(deps: NodeDeps) {
    const { scheduler, journey, node, fabric, clusterPins } = deps;
    const rng = deps.rng.fork(`node ${node.name}`);
    this.#deps = deps;
    this.events = new EventRing(deps.options['hubble-event-buffer-capacity']);
    this.name = node.name;
    this.ip = node.ip;
    this.podCIDR = node.podCIDR;
    this.kernel = new Kernel({ scheduler, rng: rng.fork('kernel'), journey, bpffs: this.bpffs, nextPacketId: deps.nextPacketId });
    this.hostNetns = this.kernel.newNetns('host');
    const address = parseIpv4(node.ip) as Ipv4;
    const peers = directRoutes(deps);
    const eth0 = this.kernel.createUplink({ name: 'eth0', netns: this.hostNetns, mac: randomMac(rng) }, (packet) =>
      fabric.transmit(packet, peers.find(({ cidr }) => containsIpv4(cidr, packet.ip.dst))?.via),
    );
    fabric.attach(address, eth0);
    this.hostNetns.addAddress(eth0, address, 24);
    const gateway = ((address & 0xffffff00) >>> 0) + 1;
    this.hostNetns.routing.replaceRoute(RT_TABLE_MAIN, {
      kind: 'unicast',
      dst: { address: 0, length: 0 },
      gateway,
      device: eth0,
      src: address,
    });
    for (const { cidr, via } of peers) {
      this.hostNetns.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: cidr, gateway: via, device: eth0, src: address });
    }
    this.hostNetns.tcp.ports.pinned.push(...(clusterPins.hostTcpPorts ?? []));
    this.#uplink = eth0;
    this.#loader = new DatapathLoader({
      clock: scheduler.clock,
      rng: rng.fork('datapath'),
      journey,
      bpffs: this.bpffs,
      kernel: this.kernel,
      quirks: datapathQuirks(deps.quirks),
    });
    this.#startedAt = scheduler.clock.now();
    this.#agentScheduler = new ProcessScheduler(scheduler);
    this.#agent = this.#newAgent();
    this.#api = this.#newApi();
    this.xds = new XdsLink(scheduler, () => this.#agent.xdsServer);
    this.#agentRunning = true;
    this.#agent.start();
    if (datapathFeatures(deps.options).kubeProxy) {
      startKubeProxy(deps.api, this.hostNetns, { name: node.name, podCidr: parseCidr4(node.podCIDR) as Cidr4 });
    }
    this.kubelet = new Kubelet({
      ...deps,
      rng: rng.fork('kubelet'),
      nodeName: node.name,
      nodeIp: node.ip,
      kernel: this.kernel,
      hostNetns: this.hostNetns,
      agent: () => (this.#agentRunning ? this.#agent : null),
      agentContainer: { start: () => this.#runAgent(), stop: () => this.#endAgent() },
    });
  }

  /** The agent; while it does not run, the one that ran last, as it was when it ended. */
  get agent(): Daemon {
    return this.#agent;
  }

  /** The agent's API. */
  get api(): RestApi {
    return this.#api;
  }

  get agentRunning(): boolean {
    return this.#agentRunning;
  }

  /** When the agent started, in nanoseconds since boot. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** The proxy, once the agent has started it. */
  get proxy(): Envoy | null {
    return this.#envoy;
  }

  /** Whether nothing of the control plane is on its way. */
  get quiet(): boolean {
    const proxyBusy = this.#envoy !== null && !this.agent.xdsServer.quiet;
    return (!this.#agentRunning || this.agent.quiet) && this.kubelet.quiet && !proxyBusy;
  }

  /**
   * Kills the agent's process, and with it the proxy, which runs in the same container. Maps, programs, rules and devices stay, and packets go on.
   * It stays down until `startAgent`.
   */
  stopAgent(): void {
    this.#agentDown = true;
    this.#endAgent();
    this.kubelet.agentStopped();
  }

  /** Starts the agent again, from its state on disk and the maps. */
  startAgent(): void {
    this.#agentDown = false;
    this.#runAgent();
  }

  #endAgent(): void {
    if (!this.#agentRunning) {
      return;
    }
    this.#agentRunning = false;
    this.#saved = this.#agent.save();
    this.#agentScheduler.end();
    this.#agent.stop();
    this.#envoy?.stop();
    this.#envoy = null;
    this.#bootstrap = null;
    this.events.clear();
    this.kubelet.agentGone();
  }

  #runAgent(): void {
    if (this.#agentRunning || this.#agentDown) {
      return;
    }
    this.#agentScheduler = new ProcessScheduler(this.#deps.scheduler);
    this.#startedAt = this.#deps.scheduler.clock.now();
    this.#agentRunning = true;
    this.#agent = this.#newAgent();
    this.#api = this.#newApi();
    this.kubelet.agentStarted();
    this.#agent.start(() => this.kubelet.agentServes());
  }

  #newApi(): RestApi {
    const { clock } = this.#deps.scheduler;
    return new RestApi(this.#agent, (at) => clock.wallMillis() + Math.floor((at - clock.now()) / 1_000_000));
  }

  /** One run of the agent's process. Numbers it draws differ from those of the run before. */
  #newAgent(): Daemon {
    const { journey, node, clusterPins, ...deps } = this.#deps;
    const launcher: ProxyLauncher = { startEnvoy: (config) => this.#startEnvoy(config) };
    const run = this.#agentStarts === 0 ? 'agent' : `agent ${this.#agentStarts}`;
    const scheduler = this.#agentScheduler;
    this.#agentStarts += 1;
    const agent = new Daemon({
      scheduler,
      rng: deps.rng.fork(`node ${node.name}`).fork(run),
      journey,
      api: deps.api.connect(),
      runsApiServer: deps.runsApiServer,
      nodeName: node.name,
      nodeIp: parseIpv4(node.ip) as Ipv4,
      podCidr: assertPresent(parseCidr4(node.podCIDR), `pod CIDR ${node.podCIDR}`),
      hostNetns: this.hostNetns,
      bpffs: this.bpffs,
      loader: this.#loader,
      quirks: policyQuirks(deps.quirks),
      ...agentQuirks(deps.quirks),
      died: (step, endpoint) => scheduler.ended || this.#dies(step, endpoint),
      devices: [this.#uplink],
      proxy: launcher,
      saved: this.#saved,
      options: deps.options,
      identities: deps.identities,
      pins: agentPins(clusterPins),
    });
    agent.monitor.subscribe((payload) => {
      this.events.push(monitorEvent(agent, deps.scheduler.clock, payload));
    });
    return agent;
  }

  #dies(step: RegenerationStep, endpoint: Endpoint): boolean {
    if (this.crash?.step !== step || !this.crash.hits(endpoint)) {
      return false;
    }
    const { strike } = this.crash;
    this.crash = null;
    this.stopAgent();
    strike();
    return true;
  }

  /** Kills the proxy process; all its sockets are reset. It stays down until `startProxy`. */
  stopProxy(): void {
    this.#proxyDown = true;
    this.#envoy?.stop();
    this.#envoy = null;
  }

  /** Starts the proxy process again, or lets the agent start it. */
  startProxy(): void {
    this.#proxyDown = false;
    if (this.#bootstrap !== null && this.#envoy === null) {
      this.#startEnvoy(this.#bootstrap);
    }
  }

  #startEnvoy(config: BootstrapConfig): void {
    this.#bootstrap = config;
    if (this.#proxyDown) {
      return;
    }
    const { scheduler, journey, clusterPins } = this.#deps;
    this.#launched += 1;
    const envoy = new Envoy({
      scheduler,
      rng: this.#deps.rng.fork(`envoy ${this.name} ${this.#launched}`),
      journey,
      sockets: this.hostNetns,
      bpffs: this.bpffs,
      xds: this.xds,
      accessLog: this.agent.accessLog,
      options: {
        nodeId: config.nodeId,
        proxyConnectTimeout: config.connectTimeout * SECOND,
        requestIds: clusterPins.requestIds ?? [],
        ...(clusterPins.cleanupPhase === undefined ? {} : { cleanupPhase: clusterPins.cleanupPhase }),
      },
    });
    this.#envoy = envoy;
    scheduler.after(0, 'start envoy', () => envoy.start());
  }
}

/**
 * Routes to the pods of other nodes by way of those nodes, without a tunnel.
 * @see cilium:pkg/datapath/linux/node.go#linuxNodeHandler.updateDirectRoute
 */
function directRoutes({ node, nodes, options }: NodeDeps): { readonly cidr: Cidr4; readonly via: Ipv4 }[] {
  return options.tunnel === 'disabled' && options['auto-direct-node-routes']
    ? nodes
        .filter(({ name }) => name !== node.name)
        .map(({ ip, podCIDR }) => ({ cidr: parseCidr4(podCIDR) as Cidr4, via: parseIpv4(ip) as Ipv4 }))
    : [];
}

function agentPins(pins: Pins): DaemonDeps['pins'] {
  const address = (text: string | undefined): Ipv4 | null => (text === undefined ? null : parseIpv4(text));
  const router = address(pins.router?.ip);
  const health = address(pins.health?.ip);
  return {
    proxyPorts: pins.proxyPorts ?? {},
    keptIps: new Set([router, health, ...Object.values(pins.pods ?? {}).map(({ ip }) => address(ip))].filter((ip) => ip !== null)),
    ...(router === null ? {} : { routerIp: router }),
    ...(health === null ? {} : { healthIp: health }),
    ...(pins.health?.endpointId === undefined ? {} : { healthEndpointId: pins.health.endpointId }),
    ...(pins.hostEndpointId === undefined ? {} : { hostEndpointId: pins.hostEndpointId }),
  };
}
