/**
 * The world outside the cluster: hosts with addresses beyond the nodes' network cards, which serve and can be clients.
 *
 * They are machines of their own, with a kernel and a namespace each, and know nothing of Cilium. A host reaches node addresses; pod addresses
 * only if it is told to have routes to them (`podRoutes`), for a pod's address is nobody's business out there.
 */
import type { BpfFs } from '../kernel/bpffs.ts';
import { Kernel } from '../kernel/kernel.ts';
import type { NetNs } from '../kernel/netns.ts';
import { RT_TABLE_MAIN } from '../kernel/route.ts';
import { type Cidr4, containsIpv4, type Ipv4, parseCidr4, parseIpv4 } from '../net/ipv4.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import { Coredns, type DnsZone } from '../workloads/coredns.ts';
import { newEchoServer } from '../workloads/echo_server.ts';
import type { ProcessEnv, Server } from '../workloads/process.ts';
import { UdpEcho } from '../workloads/udp_echo.ts';
import type { Fabric } from './fabric.ts';
import { randomMac } from './names.ts';
import { type NodeOptions, PUBLIC_AUTHORITY, type WorldHost, type WorldName, type WorldServer } from './options.ts';
import { WorldNames } from './world_names.ts';

/** What the world is made of. */
export interface OutsideDeps {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly fabric: Fabric;
  readonly bpffs: BpfFs;
  readonly nextPacketId: () => number;
  readonly hosts: readonly WorldHost[];
  readonly names: readonly WorldName[];
  readonly nodes: readonly NodeOptions[];
  readonly curlVersion: string;
}

/** A host outside that runs. */
export interface OutsideHost {
  readonly options: WorldHost;
  readonly netns: NetNs;
  readonly env: ProcessEnv;
}

/** Address of the resolver that hosts outside ask; it knows their names and no cluster name. */
const RESOLVER: Ipv4 = 0xc6120035;

/** The hosts outside. */
export class Outside {
  readonly names: WorldNames;
  readonly #hosts = new Map<string, OutsideHost>();

  constructor(deps: OutsideDeps) {
    this.names = new WorldNames(deps.scheduler.clock, deps.hosts, deps.names);
    if (deps.hosts.length === 0) {
      return;
    }
    const kernel = new Kernel({ ...deps, rng: deps.rng.fork('kernel') });
    const podRoutes = deps.nodes.map((node) => ({ cidr: parseCidr4(node.podCIDR) as Cidr4, via: parseIpv4(node.ip) as Ipv4 }));
    for (const options of deps.hosts) {
      this.#hosts.set(options.name, startHost(deps, kernel, options, options.podRoutes ? podRoutes : []));
    }
    const resolver: WorldHost = { name: 'resolver', names: [], ips: ['198.18.0.53'], servers: [], podRoutes: false };
    new Coredns(zoneOf(this.names)).start(startHost(deps, kernel, resolver, []).env);
  }

  /** A host by its name. */
  host(name: string): OutsideHost | undefined {
    return this.#hosts.get(name);
  }

  /** All hosts in the order given. */
  hosts(): readonly OutsideHost[] {
    return [...this.#hosts.values()];
  }
}

function startHost(
  deps: OutsideDeps,
  kernel: Kernel,
  options: WorldHost,
  routes: readonly { readonly cidr: Cidr4; readonly via: Ipv4 }[],
): OutsideHost {
  const rng = deps.rng.fork(`host ${options.name}`);
  const netns = kernel.newNetns(options.name);
  const eth0 = kernel.createUplink({ name: 'eth0', netns, mac: randomMac(rng) }, (packet) =>
    deps.fabric.transmit(packet, routes.find(({ cidr }) => containsIpv4(cidr, packet.ip.dst))?.via),
  );
  const addresses = options.ips.map((ip) => parseIpv4(ip) as Ipv4);
  for (const address of addresses) {
    deps.fabric.attach(address, eth0);
    netns.addAddress(eth0, address, 32);
  }
  const [address] = addresses as [Ipv4];
  netns.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: { address: 0, length: 0 }, device: eth0, src: address });
  const env: ProcessEnv = {
    sockets: netns,
    scheduler: deps.scheduler,
    rng,
    journey: deps.journey,
    hostname: options.name,
    podIp: address,
    resolvConf: { nameserver: RESOLVER, search: [], ndots: 1 },
    curlVersion: deps.curlVersion,
    trustedAuthorities: [PUBLIC_AUTHORITY],
  };
  for (const server of options.servers) {
    newServer(server, options).start(env);
  }
  return { options, netns, env };
}

function newServer(server: WorldServer, host: WorldHost): Server {
  if (server.protocol === 'UDP') {
    return new UdpEcho(server.port, server.text);
  }
  const certificate = server.tls === true ? { names: [host.name, ...host.names, ...host.ips], issuer: PUBLIC_AUTHORITY } : null;
  return newEchoServer(server.port, server.text ?? `${host.name}\n`, certificate);
}

function zoneOf(names: WorldNames): DnsZone {
  return { domain: 'invalid', lookup: () => null, forward: (name) => names.resolve(name) };
}
