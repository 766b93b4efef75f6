/**
 * The node's own datapath: maps, the cilium_host and cilium_net pair, rules and routes.
 * @see cilium:bpf/init.sh
 * @see cilium:daemon/cmd/datapath.go#Daemon.initMaps
 */
import type { BpfFs } from '../../kernel/bpffs.ts';
import type { NetDevice } from '../../kernel/netdev.ts';
import type { NetNs } from '../../kernel/netns.ts';
import { RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../../kernel/route.ts';
import { createTunnel } from '../../kernel/tunnel.ts';
import {
  LB_AFFINITY_MATCH_NAME,
  LB4_AFFINITY_NAME,
  LB4_REVERSE_SK_NAME,
  type Lb4AffinityMap,
  type Lb4ReverseSkMap,
  type LbAffinityMatchMap,
  newLb4AffinityMap,
  newLb4ReverseSkMap,
  newLbAffinityMatchMap,
} from '../../maps/affinitymap.ts';
import {
  type CallsMap,
  callsMapName,
  newCallsMap,
  newPolicyCallMap,
  POLICY_CALL_NAME,
  POLICY_EGRESSCALL_NAME,
} from '../../maps/callsmap.ts';
import { CT_MAP_ANY4_GLOBAL, CT_MAP_TCP4_GLOBAL, type CtMap, newCtMap } from '../../maps/ctmap.ts';
import { EVENTS_MAP_NAME, type EventsMap, newEventsMap } from '../../maps/eventsmap.ts';
import { FRAG_MAP_NAME, type FragMap, newFragMap } from '../../maps/fragmap.ts';
import { IPCACHE_NAME, type IpcacheMap, newIpcacheMap } from '../../maps/ipcache.ts';
import {
  LB4_BACKENDS_NAME,
  LB4_REVERSE_NAT_NAME,
  LB4_SERVICES_NAME,
  type Lb4BackendsMap,
  type Lb4ReverseNatMap,
  type Lb4ServicesMap,
  newLb4BackendsMap,
  newLb4ReverseNatMap,
  newLb4ServicesMap,
} from '../../maps/lbmap.ts';
import { LXC_MAP_NAME, type LxcMap, newLxcMap } from '../../maps/lxcmap.ts';
import { METRICS_MAP_NAME, type MetricsMap, newMetricsMap } from '../../maps/metricsmap.ts';
import { type NatMap, newNatMap, SNAT_V4_EXTERNAL_NAME } from '../../maps/natmap.ts';
import { LB4_SOURCE_RANGE_NAME, newSourceRangeMap, type SourceRangeMap } from '../../maps/source_range.ts';
import { newTunnelMap, TUNNEL_MAP_NAME, type TunnelMap } from '../../maps/tunnel.ts';
import type { Cidr4, Ipv4 } from '../../net/ipv4.ts';
import type { Mac } from '../../net/mac.ts';
import { TUNNEL_OVERHEAD, type TunnelProtocol } from '../../net/tunnel.ts';
import type { DaemonOptions } from '../option/config.ts';

/** The maps of a node. */
export interface NodeMaps {
  readonly ipcache: IpcacheMap;
  readonly ct4: CtMap;
  readonly ctAny4: CtMap;
  readonly lxc: LxcMap;
  readonly services: Lb4ServicesMap;
  readonly backends: Lb4BackendsMap;
  readonly reverseNat: Lb4ReverseNatMap;
  readonly affinity: Lb4AffinityMap;
  readonly affinityMatch: LbAffinityMatchMap;
  readonly reverseSk: Lb4ReverseSkMap;
  readonly sourceRange: SourceRangeMap;
  readonly nat: NatMap;
  readonly fragments: FragMap;
  readonly metrics: MetricsMap;
  readonly events: EventsMap;
  readonly policyCall: CallsMap;
  readonly tunnel: TunnelMap;
}

/**
 * Opens all maps; those that are not there yet are created and pinned. The ipcache and the tunnel map are always new ones: programs of the agent before keep the old,
 * with the numbers their policy maps know, until they are loaded anew.
 * @see cilium:pkg/bpf/map_linux.go#Map.OpenParallel
 */
export function initMaps(bpffs: BpfFs, options: DaemonOptions): NodeMaps {
  bpffs.unpin(IPCACHE_NAME);
  if (options['enable-envoy-config']) {
    bpffs.open(POLICY_EGRESSCALL_NAME, () => newPolicyCallMap(POLICY_EGRESSCALL_NAME));
  }
  bpffs.unpin(TUNNEL_MAP_NAME);
  const ctMap = (name: string, max: number): CtMap => bpffs.open(name, () => newCtMap(name, max));
  return {
    ipcache: bpffs.pin(IPCACHE_NAME, newIpcacheMap()),
    ct4: ctMap(CT_MAP_TCP4_GLOBAL, options['bpf-ct-global-tcp-max']),
    ctAny4: ctMap(CT_MAP_ANY4_GLOBAL, options['bpf-ct-global-any-max']),
    lxc: bpffs.open(LXC_MAP_NAME, newLxcMap),
    services: bpffs.open(LB4_SERVICES_NAME, newLb4ServicesMap),
    backends: bpffs.open(LB4_BACKENDS_NAME, newLb4BackendsMap),
    reverseNat: bpffs.open(LB4_REVERSE_NAT_NAME, newLb4ReverseNatMap),
    affinity: bpffs.open(LB4_AFFINITY_NAME, newLb4AffinityMap),
    affinityMatch: bpffs.open(LB_AFFINITY_MATCH_NAME, newLbAffinityMatchMap),
    reverseSk: bpffs.open(LB4_REVERSE_SK_NAME, newLb4ReverseSkMap),
    sourceRange: bpffs.open(LB4_SOURCE_RANGE_NAME, newSourceRangeMap),
    nat: bpffs.open(SNAT_V4_EXTERNAL_NAME, () => newNatMap(options['bpf-nat-global-max'])),
    fragments: bpffs.open(FRAG_MAP_NAME, () => newFragMap(options['bpf-fragments-map-max'])),
    metrics: bpffs.open(METRICS_MAP_NAME, newMetricsMap),
    events: bpffs.open(EVENTS_MAP_NAME, newEventsMap),
    policyCall: bpffs.open(POLICY_CALL_NAME, newPolicyCallMap),
    tunnel: bpffs.pin(TUNNEL_MAP_NAME, newTunnelMap()),
  };
}

/** Pins an endpoint's tail call map, or finds it. */
export function endpointCallsMap(bpffs: BpfFs, endpointId: number): CallsMap {
  const name = callsMapName(endpointId);
  return bpffs.open(name, () => newCallsMap(name));
}

/** The veth pair by which the host reaches the pods, and the tunnel to other nodes. */
export interface HostDevices {
  readonly ciliumHost: NetDevice;
  readonly ciliumNet: NetDevice;
  readonly tunnelDevice: NetDevice | null;
}

/** The tunnel's device. */
export interface TunnelNetwork {
  readonly protocol: TunnelProtocol;
  readonly port: number;
  readonly mac: Mac;
}

/** What the host's network is set up with. */
export interface HostNetwork {
  readonly netns: NetNs;
  readonly routerIp: Ipv4;
  readonly podCidr: Cidr4;
  readonly macs: readonly [Mac, Mac];
  readonly tunnel: TunnelNetwork | null;
  /** Each pod has a route of its own, so that neither the pods' range nor the proxy's answers go by cilium_host. */
  readonly endpointRoutes: boolean;
  /** What comes from an ingress proxy goes to cilium_host wherever it is for. 1.13.3 does without, so that answers leave the node. */
  readonly fromProxyTable: boolean;
}

/** The address cilium_host has: what the agent before has left. @see cilium:daemon/cmd/ipam.go#Daemon.restoreCiliumHostIPs */
export function ciliumHostAddress(netns: NetNs): Ipv4 | null {
  return netns.addresses.find(({ device }) => device.name === 'cilium_host')?.address ?? null;
}

/**
 * Creates cilium_host and cilium_net, the proxy's rules and tables, and the route to the pods; where the devices exist, so does all the rest.
 * @see cilium:bpf/init.sh#setup_proxy_rules
 */
export function setupHostNetwork(network: HostNetwork): HostDevices {
  const { netns, routerIp, podCidr, macs, endpointRoutes, fromProxyTable } = network;
  const old = { ciliumHost: netns.devices.get('cilium_host'), ciliumNet: netns.devices.get('cilium_net') };
  if (old.ciliumHost !== undefined && old.ciliumNet !== undefined) {
    return { ciliumHost: old.ciliumHost, ciliumNet: old.ciliumNet, tunnelDevice: tunnelDevice(network) };
  }
  const [ciliumNet, ciliumHost] = netns.kernel.createVeth(
    { name: 'cilium_net', netns, mac: macs[0] },
    { name: 'cilium_host', netns, mac: macs[1] },
  );
  netns.forwarding = true;
  netns.addAddress(ciliumHost, routerIp, 32);
  const router: Cidr4 = { address: routerIp, length: 32 };
  const anywhere: Cidr4 = { address: 0, length: 0 };
  const { routing } = netns;
  routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: router, device: ciliumHost });
  if (!endpointRoutes) {
    routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: podCidr, gateway: routerIp, device: ciliumHost, src: routerIp });
  }
  routing.addRule({ pref: 100, table: RT_TABLE_LOCAL });
  routing.deleteRule(0, RT_TABLE_LOCAL);
  routing.addRule({ pref: 9, fwmark: { value: 0x200, mask: 0xf00 }, table: 2004 });
  routing.replaceRoute(2004, { kind: 'local', dst: anywhere, device: netns.loopback });
  const devices = { ciliumHost, ciliumNet, tunnelDevice: tunnelDevice(network) };
  if (endpointRoutes || !fromProxyTable) {
    return devices;
  }
  routing.addRule({ pref: 10, fwmark: { value: 0xa00, mask: 0xf00 }, table: 2005 });
  routing.replaceRoute(2005, { kind: 'unicast', dst: router, device: ciliumHost });
  routing.replaceRoute(2005, { kind: 'unicast', dst: anywhere, gateway: routerIp, device: ciliumHost });
  return devices;
}

/** `cilium_vxlan`, or `cilium_geneve`. @see cilium:bpf/init.sh#create_encap_dev */
function tunnelDevice({ netns, tunnel }: HostNetwork): NetDevice | null {
  if (tunnel === null) {
    return null;
  }
  const name = `cilium_${tunnel.protocol}`;
  return netns.devices.get(name) ?? createTunnel(netns, { ...tunnel, name });
}

/** The bytes that a route for a tunnel leaves of its device's. @see cilium:pkg/mtu/mtu.go#TunnelOverhead */
const TUNNEL_ROUTE_MTU = 1500 - TUNNEL_OVERHEAD;

/** The MTU of routes into the tunnel, and of pods; `undefined`: the device's. */
export function tunnelRouteMtu(options: DaemonOptions): number | undefined {
  return options.tunnel === 'disabled' ? undefined : TUNNEL_ROUTE_MTU;
}

/** The route to the pods of another node, by way of cilium_host. @see cilium:pkg/datapath/linux/node.go#linuxNodeHandler.createNodeRouteSpec */
export function upsertNodeRoute(netns: NetNs, { ciliumHost }: HostDevices, routerIp: Ipv4, podCidr: Cidr4): void {
  const mtu = TUNNEL_ROUTE_MTU;
  netns.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: podCidr, gateway: routerIp, device: ciliumHost, src: routerIp, mtu });
}

/** Takes it away. @see cilium:pkg/datapath/linux/node.go#linuxNodeHandler.deleteNodeRoute */
export function deleteNodeRoute(netns: NetNs, podCidr: Cidr4): void {
  netns.routing.deleteRoute(RT_TABLE_MAIN, podCidr);
}

/** The route of a pod, with endpoint routes. @see cilium:daemon/cmd/endpoint.go#Daemon.createEndpoint */
export function upsertEndpointRoute(netns: NetNs, address: Ipv4, device: NetDevice): void {
  netns.routing.replaceRoute(RT_TABLE_MAIN, { kind: 'unicast', dst: { address, length: 32 }, device });
}
