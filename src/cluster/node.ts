/** One node: a kernel with its network, the agent, the proxy it starts, the kubelet. */
import { Daemon, type DaemonDeps } from '../agent/daemon/daemon.ts';
import type { BootstrapConfig, ProxyLauncher } from '../agent/envoy/envoy.ts';
import { datapathFeatures } from '../agent/option/features.ts';
import { RestApi } from '../agent/rest/rest_api.ts';
import { Envoy } from '../envoy/envoy.ts';
import { BpfFs } from '../kernel/bpffs.ts';
import { Kernel } from '../kernel/kernel.ts';
import type { NetNs } from '../kernel/netns.ts';
import { RT_TABLE_MAIN } from '../kernel/route.ts';
import { EventRing } from '../monitor/event_ring.ts';
import { type Cidr4, containsIpv4, type Ipv4, parseCidr4, parseIpv4 } from '../net/ipv4.ts';
import { assertPresent } from '../sim/assert.ts';
import { SECOND } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import { DatapathLoader } from './datapath_loader.ts';
import type { Fabric } from './fabric.ts';
import { startKubeProxy } from './kube_proxy.ts';
import { Kubelet, type KubeletDeps } from './kubelet.ts';
import { monitorEvent } from './monitor_events.ts';
import { randomMac } from './names.ts';
import type { NodeOptions, Pins } from './options.ts';
import { datapathQuirks, policyQuirks, type QuirkSwitches } from './quirks.ts';
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

/** A node. */
export class Node {
  readonly name: string;
  readonly ip: string;
  readonly podCIDR: string;
  readonly kernel: Kernel;
  readonly hostNetns: NetNs;
  readonly bpffs = new BpfFs();
  readonly agent: Daemon;
  /** The agent's API. */
  readonly api: RestApi;
  readonly kubelet: Kubelet;
  /** The way between agent and proxy. */
  readonly xds: XdsLink;
  /** When the agent started, in nanoseconds since boot. */
  readonly startedAt: number;
  /** What the monitor saw last. */
  readonly events: EventRing;
  readonly #deps: NodeDeps;
  #envoy: Envoy | null = null;
  #bootstrap: BootstrapConfig | null = null;
  #launched = 0;
  /** The agent has asked for the proxy, but a scenario keeps it down. */
  #proxyDown = false;

  constructor(deps: NodeDeps) {
    const { scheduler, journey, node, fabric, clusterPins } = deps;
    const rng = deps.rng.fork(`node ${node.name}`);
    this.#deps = deps;
    this.events = new EventRing(deps.options['hubble-event-buffer-capacity']);
    this.startedAt = scheduler.clock.now();
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
    const launcher: ProxyLauncher = { startEnvoy: (config) => this.#startEnvoy(config) };
    this.agent = new Daemon({
      scheduler,
      rng: rng.fork('agent'),
      journey,
      api: deps.api,
      runsApiServer: deps.runsApiServer,
      nodeName: node.name,
      nodeIp: address,
      podCidr: assertPresent(parseCidr4(node.podCIDR), `pod CIDR ${node.podCIDR}`),
      hostNetns: this.hostNetns,
      bpffs: this.bpffs,
      loader: new DatapathLoader({
        clock: scheduler.clock,
        rng: rng.fork('datapath'),
        journey,
        bpffs: this.bpffs,
        kernel: this.kernel,
        quirks: datapathQuirks(deps.quirks),
      }),
      quirks: policyQuirks(deps.quirks),
      devices: [eth0],
      proxy: launcher,
      options: deps.options,
      identities: deps.identities,
      pins: agentPins(clusterPins),
    });
    const { clock } = scheduler;
    this.api = new RestApi(this.agent, (at) => clock.wallMillis() + Math.floor((at - clock.now()) / 1_000_000));
    this.xds = new XdsLink(scheduler, this.agent.xdsServer);
    this.agent.monitor.subscribe((payload) => {
      this.events.push(monitorEvent(this.agent, scheduler.clock, payload));
    });
    this.agent.start();
    if (datapathFeatures(deps.options).kubeProxy) {
      startKubeProxy(deps.api, this.hostNetns, assertPresent(parseCidr4(node.podCIDR), `pod CIDR ${node.podCIDR}`));
    }
    this.kubelet = new Kubelet({
      ...deps,
      rng: rng.fork('kubelet'),
      nodeName: node.name,
      nodeIp: node.ip,
      kernel: this.kernel,
      hostNetns: this.hostNetns,
      agent: this.agent,
    });
  }

  /** The proxy, once the agent has started it. */
  get proxy(): Envoy | null {
    return this.#envoy;
  }

  /** Whether nothing of the control plane is on its way. */
  get quiet(): boolean {
    const proxyBusy = this.#envoy !== null && !this.agent.xdsServer.quiet;
    return this.agent.quiet && this.kubelet.quiet && !proxyBusy;
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
 * @remarks Not modelled: with a tunnel pods of different nodes do not reach each other.
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
    ...(router === null ? {} : { routerIp: router }),
    ...(health === null ? {} : { healthIp: health }),
    ...(pins.health?.endpointId === undefined ? {} : { healthEndpointId: pins.health.endpointId }),
    ...(pins.hostEndpointId === undefined ? {} : { hostEndpointId: pins.hostEndpointId }),
  };
}
