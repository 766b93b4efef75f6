/**
 * What a program finds around it: the node's compile-time configuration, the maps, the helpers (clock, random numbers) and the journey.
 * @see cilium:pkg/datapath/linux/config/config.go#HeaderfileWriter.WriteNodeConfig
 */
import type { BpfFs } from '../kernel/bpffs.ts';
import type { Skb } from '../kernel/skb.ts';
import {
  LB_AFFINITY_MATCH_NAME,
  LB4_AFFINITY_NAME,
  LB4_REVERSE_SK_NAME,
  type Lb4AffinityKey,
  type Lb4AffinityMap,
  type Lb4ReverseSkMap,
  type LbAffinityMatch,
  type LbAffinityMatchMap,
} from '../maps/affinitymap.ts';
import { type CallsMap, POLICY_CALL_NAME, POLICY_EGRESSCALL_NAME } from '../maps/callsmap.ts';
import { CT_MAP_ANY4_GLOBAL, CT_MAP_TCP4_GLOBAL, type CtMap, type Ipv4CtTuple } from '../maps/ctmap.ts';
import { EVENTS_MAP_NAME, type EventsMap } from '../maps/eventsmap.ts';
import { FRAG_MAP_NAME, type FragMap } from '../maps/fragmap.ts';
import { IPCACHE_NAME, type IpcacheMap } from '../maps/ipcache.ts';
import {
  LB4_BACKENDS_NAME,
  LB4_REVERSE_NAT_NAME,
  LB4_SERVICES_NAME,
  type Lb4BackendsMap,
  type Lb4Key,
  type Lb4ReverseNatMap,
  type Lb4ServicesMap,
} from '../maps/lbmap.ts';
import { type EndpointKey, LXC_MAP_NAME, type LxcMap } from '../maps/lxcmap.ts';
import { METRICS_MAP_NAME, type MetricsKey, type MetricsMap } from '../maps/metricsmap.ts';
import { type NatMap, SNAT_V4_EXTERNAL_NAME } from '../maps/natmap.ts';
import type { PolicyKey } from '../maps/policymap.ts';
import { LB4_SOURCE_RANGE_NAME, type SourceRangeMap } from '../maps/source_range.ts';
import { TUNNEL_MAP_NAME, type TunnelMap } from '../maps/tunnel.ts';
import type { Cidr4, Ipv4 } from '../net/ipv4.ts';
import type { Mac } from '../net/mac.ts';
import { assertPresent } from '../sim/assert.ts';
import type { Clock } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import { CtState } from './lib/ct_state.ts';

/** Behaviours in which the branch point and 1.13.3 differ, or may. */
export interface DatapathQuirks {
  /** Look up {id, 0, proto} too (six steps): 1.13.3 does, the branch point does not. */
  readonly policyIdProtoAny: boolean;
  /** Packets of a pod to itself through its ClusterIP skip the policy program, as in 1.13.3. */
  readonly loopbackBypass: boolean;
  /**
   * Replies, and what comes from the ingress proxy, are looked up and counted in the policy map, the verdict ignored.
   * @remarks Simplified: on by default, as at the branch point, although 1.13.3 looks neither up: the counters the article's route is checked
   * against count both legs and the replies. Off gives the release's counters.
   */
  readonly replyPolicyAccounting: boolean;
}

/** node_config.h: what is compiled into every program of a node. Times in seconds. */
export interface NodeConfig {
  /** IPV4_GATEWAY: cilium_host's address. */
  readonly routerIp: Ipv4;
  /** Source address of a pod that talks to itself through a service. */
  readonly ipv4Loopback: Ipv4;
  /** HOST_EP_ID */
  readonly hostEpId: number;
  /** CILIUM_IFINDEX: cilium_host. */
  readonly ciliumIfindex: number;
  /** HOST_IFINDEX: cilium_net. What it sends enters the host by cilium_host. */
  readonly hostIfindex: number;
  /** HOST_IFINDEX_MAC: cilium_host's address on cilium_net's side. */
  readonly hostMac: Mac;
  /** CILIUM_NET_MAC */
  readonly ciliumNetMac: Mac;
  /** Router MAC that packets to the stack get. */
  readonly routerMac: Mac;
  /** Monitor aggregation level: 0 none, 1 lowest, 2 low, 3 medium, 4 maximum. */
  readonly monitorAggregation: number;
  readonly ctLifetimeTcp: number;
  readonly ctLifetimeNonTcp: number;
  readonly ctServiceLifetimeTcp: number;
  readonly ctServiceLifetimeNonTcp: number;
  readonly ctServiceCloseRebalance: number;
  readonly ctSynTimeout: number;
  readonly ctCloseTimeout: number;
  readonly ctReportInterval: number;
  readonly ctReportFlags: number;
  /** ENABLE_PER_PACKET_LB: services are translated in bpf_lxc. */
  readonly perPacketLb: boolean;
  /** ENABLE_NODEPORT */
  readonly nodePort: boolean;
  /** ENABLE_MASQUERADE */
  readonly masquerade: boolean;
  /** ENABLE_HOST_FIREWALL */
  readonly hostFirewall: boolean;
  /** IPV4_DIRECT_ROUTING, and IPV4_MASQUERADE of the one network card: the node's address. */
  readonly directRoutingIp: Ipv4;
  /** IPV4_SNAT_EXCLUSION_DST_CIDR */
  readonly snatExclusion: Cidr4 | null;
  /** ENABLE_SESSION_AFFINITY */
  readonly sessionAffinity: boolean;
  /** ENABLE_ROUTING: no endpoint routes. */
  readonly enableRouting: boolean;
  /** TUNNEL_MODE */
  readonly tunnel: boolean;
  readonly tunnelPort: number;
  /** ENCAP_IFINDEX: the tunnel's device; 0 = none. */
  readonly encapIfindex: number;
  /** IPV4_MASK: of the range that a node's pods have. */
  readonly ipv4Mask: number;
  readonly enableIcmpRule: boolean;
  /** ENABLE_L7_LB */
  readonly l7Lb: boolean;
  /** ENABLE_SCTP: without it conntrack knows no SCTP and every packet of it is dropped. */
  readonly enableSctp: boolean;
  readonly allowIcmpFragNeeded: boolean;
  /** ENABLE_IPV4_FRAGMENTS */
  readonly enableIpv4Fragments: boolean;
  readonly quirks: DatapathQuirks;
}

/** The maps every program of a node shares. */
export interface DatapathMaps {
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
  /** POLICY_EGRESSCALL_MAP, with ENABLE_L7_LB. */
  readonly policyEgressCall: CallsMap | null;
  readonly tunnel: TunnelMap;
}

/** Opens the pinned maps. */
export function openMaps(bpffs: BpfFs): DatapathMaps {
  const open = <T>(name: string): T => assertPresent(bpffs.get<T>(name), `pinned map ${name}`);
  return {
    ipcache: open(IPCACHE_NAME),
    ct4: open(CT_MAP_TCP4_GLOBAL),
    ctAny4: open(CT_MAP_ANY4_GLOBAL),
    lxc: open(LXC_MAP_NAME),
    services: open(LB4_SERVICES_NAME),
    backends: open(LB4_BACKENDS_NAME),
    reverseNat: open(LB4_REVERSE_NAT_NAME),
    affinity: open(LB4_AFFINITY_NAME),
    affinityMatch: open(LB_AFFINITY_MATCH_NAME),
    reverseSk: open(LB4_REVERSE_SK_NAME),
    sourceRange: open(LB4_SOURCE_RANGE_NAME),
    nat: open(SNAT_V4_EXTERNAL_NAME),
    fragments: open(FRAG_MAP_NAME),
    metrics: open(METRICS_MAP_NAME),
    events: open(EVENTS_MAP_NAME),
    policyCall: open(POLICY_CALL_NAME),
    policyEgressCall: bpffs.get<CallsMap>(POLICY_EGRESSCALL_NAME) ?? null,
    tunnel: open(TUNNEL_MAP_NAME),
  };
}

/**
 * Variables of a program run that C keeps on the stack or in per-CPU maps. One set per node is enough: programs do not nest, except by tail
 * call, which replaces the caller.
 */
export class Scratch {
  readonly tuple: Ipv4CtTuple = { daddr: 0, saddr: 0, dport: 0, sport: 0, nexthdr: 0, flags: 0 };
  readonly relatedTuple: Ipv4CtTuple = { daddr: 0, saddr: 0, dport: 0, sport: 0, nexthdr: 0, flags: 0 };
  readonly serviceTuple: Ipv4CtTuple = { daddr: 0, saddr: 0, dport: 0, sport: 0, nexthdr: 0, flags: 0 };
  readonly natTuple: Ipv4CtTuple = { daddr: 0, saddr: 0, dport: 0, sport: 0, nexthdr: 0, flags: 0 };
  /** What the look-up found, and what a new entry is to hold. */
  readonly ctState: CtState = new CtState();
  readonly ctStateNew: CtState = new CtState();
  /** Ports of the packet at hand, as it has them. */
  sport = 0;
  dport = 0;
  /** TRACE_PAYLOAD_LEN or 0: whether the conntrack look-up asks for a notification. */
  monitor = 0;
  /** Result of the conntrack look-up between the tail calls. */
  ctStatus = 0;
  readonly policyKey: PolicyKey = { secLabel: 0, dport: 0, protocol: 0, egress: 0 };
  /** Out parameters of the policy look-up. */
  matchType: 0 | 1 | 2 | 3 | 4 | 5 | 6 = 0;
  audited = false;
  /** What goes with a drop: the type of authentication that is missing. */
  extError = 0;
  /** POLICY_AUDIT_MODE of the endpoint whose program runs: a constant of its object, not of the node's. */
  policyAuditMode = false;
  /** The peer the host firewall saw last. */
  remoteId = 0;
  /** Proxy port a policy program asks for. */
  proxyPort = 0;
  readonly lbKey: Lb4Key = { address: 0, dport: 0, backendSlot: 0, proto: 0, scope: 0 };
  readonly affinityKey: Lb4AffinityKey = { client: 0, revNatId: 0, netnsCookie: false };
  readonly affinityMatchKey: LbAffinityMatch = { backendId: 0, revNatId: 0 };
  readonly endpointKey: EndpointKey = { address: 0 };
  readonly metricsKey: MetricsKey = { reason: 0, dir: 1 };
}

/** The surroundings of a node's programs. */
export interface BpfEnv {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly config: NodeConfig;
  readonly maps: DatapathMaps;
  readonly scratch: Scratch;
  /** The device the host's routes send an address to, or `null`. @see linux:net/core/filter.c#bpf_ipv4_fib_lookup */
  readonly fibLookup: (destination: Ipv4) => number | null;
}

/** What an environment is made of. */
export interface BpfEnvParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly config: NodeConfig;
  readonly bpffs: BpfFs;
  readonly fibLookup: BpfEnv['fibLookup'];
}

/** The environment of a node's programs. */
export function newBpfEnv(parts: BpfEnvParts): BpfEnv {
  return {
    clock: parts.clock,
    rng: parts.rng,
    journey: parts.journey,
    config: parts.config,
    maps: openMaps(parts.bpffs),
    scratch: new Scratch(),
    fibLookup: parts.fibLookup,
  };
}

/** The flow hash of a packet, computed once. @see linux:include/linux/skbuff.h#skb_get_hash */
export function getHashRecalc(skb: Skb): number {
  if (skb.hash === 0) {
    const { ip, l4 } = skb.packet;
    const ports = l4.kind === 'tcp' || l4.kind === 'udp' || l4.kind === 'sctp' ? l4.sport * 65536 + l4.dport : 0;
    let h = Math.imul(ip.src ^ (ip.dst >>> 16) ^ (ip.dst << 16), 0x9e3779b1) ^ Math.imul(ports ^ ip.protocol, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
    skb.hash = (h ^ (h >>> 13)) >>> 0 || 1;
  }
  return skb.hash;
}
