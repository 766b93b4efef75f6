/**
 * Source NAT: pods behind the node's address (masquerade), and the node's own connections, which keep their ports reserved that way.
 * @see cilium:bpf/lib/nat.h
 * @remarks Not modelled: egress gateway, ip-masq-agent, the NAT_FILL_UP signal. Fragments after the first go on untranslated; the real programs read their payload as ports.
 */
import { OK } from '../../kernel/bpf_map.ts';
import type { Skb } from '../../kernel/skb.ts';
import { type Ipv4CtTuple, TUPLE_F_IN } from '../../maps/ctmap.ts';
import { DROP_CSUM_L4, DROP_NAT_NO_MAPPING, DROP_NAT_NOT_NEEDED, DROP_NAT_UNSUPP_PROTO } from '../../maps/drop_reasons.ts';
import { IDENTITY_KUBE_APISERVER, IDENTITY_REMOTE_NODE } from '../../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../../maps/lxcmap.ts';
import { NAT_DIR_EGRESS, NAT_DIR_INGRESS, type NatEntry } from '../../maps/natmap.ts';
import { containsIpv4, type Ipv4 } from '../../net/ipv4.ts';
import { type L4Header, packetSummary, withIpL4 } from '../../net/packet.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY, IPPROTO_ICMP } from '../../net/protocol.ts';
import type { BpfEnv } from '../env.ts';
import { CT_EGRESS, CT_INGRESS, CT_NEW, ctCreate4, ctExtractTuple4, ctLookup4, getCtMap4 } from './conntrack.ts';
import { lookupIp4Endpoint } from './eps.ts';
import { lookupIp4RemoteEndpoint } from './identity.ts';

/** Ports that NAT may use: above the node ports. @see cilium:bpf/lib/nodeport.h#NODEPORT_PORT_MIN_NAT */
export const NAT_PORT_MIN = 32768;
export const NAT_PORT_MAX = 65535;
/** @see cilium:bpf/lib/nat.h#SNAT_COLLISION_RETRIES */
const SNAT_COLLISION_RETRIES = 128;

/** The packet goes on untranslated. @see cilium:bpf/lib/nat.h#NAT_PUNT_TO_STACK */
export const NAT_PUNT_TO_STACK = DROP_NAT_NOT_NEEDED;

/** What a translation aims at. @see cilium:bpf/lib/nat.h#ipv4_nat_target */
export interface NatTarget {
  readonly address: Ipv4;
  readonly fromLocalEndpoint: boolean;
  /** A node port request on its way to a backend elsewhere, or an answer to one. */
  readonly srcFromWorld: boolean;
}

/** Whether a packet that leaves by a network card, or into the tunnel, needs translation, and to what. @see cilium:bpf/lib/nat.h#snat_v4_prepare_state */
export function snatV4PrepareState(env: BpfEnv, skb: Skb, overlay: boolean): NatTarget | null {
  const { config } = env;
  const { ip } = skb.packet;
  const own = overlay ? config.routerIp : config.directRoutingIp;
  if (ip.src === own) {
    return { address: own, fromLocalEndpoint: false, srcFromWorld: false };
  }
  if (overlay) {
    return null;
  }
  const local = lookupIp4Endpoint(env, skb, ip.src);
  const remote = lookupIp4RemoteEndpoint(env, skb, ip.dst);
  const reply = local !== undefined && isReply(env, skb);
  if (!config.masquerade || (config.snatExclusion !== null && containsIpv4(config.snatExclusion, ip.dst))) {
    return null;
  }
  if (local === undefined || (local.flags & ENDPOINT_F_HOST) !== 0 || remote === undefined || reply) {
    return null;
  }
  if (!config.tunnel && (remote.secLabel === IDENTITY_REMOTE_NODE || remote.secLabel === IDENTITY_KUBE_APISERVER)) {
    return null;
  }
  return { address: config.directRoutingIp, fromLocalEndpoint: true, srcFromWorld: false };
}

/** Whether the packet answers a connection that came in. @see cilium:bpf/lib/conntrack.h#ct_is_reply4 */
function isReply(env: BpfEnv, skb: Skb): boolean {
  const tuple = env.scratch.natTuple;
  if (ctExtractTuple4(env, tuple, skb, CT_EGRESS) < 0) {
    return false;
  }
  tuple.flags = TUPLE_F_IN;
  return getCtMap4(env, tuple.nexthdr).lookup(tuple) !== undefined;
}

/** Gives the packet its new source. @returns 0, NAT_PUNT_TO_STACK, or a drop reason @see cilium:bpf/lib/nat.h#snat_v4_nat */
export function snatV4Nat(env: BpfEnv, skb: Skb, target: NatTarget): number {
  const tuple = env.scratch.natTuple;
  const error = initTuple(skb, NAT_DIR_EGRESS, tuple);
  if (error < 0) {
    return error;
  }
  const { l4 } = skb.packet;
  const echoReply = l4.kind === 'icmp' && l4.type === ICMP_ECHOREPLY;
  if ((!target.fromLocalEndpoint && !target.srcFromWorld && tuple.sport < NAT_PORT_MIN) || echoReply) {
    return NAT_PUNT_TO_STACK;
  }
  let state = env.maps.nat.lookup(tuple);
  const own = state === undefined ? tuple.saddr === target.address : state.hostLocal;
  const tracked = own ? trackConnection(env, skb, false) : 0;
  if (tracked < 0) {
    return tracked;
  }
  // Tracking uses the tuple of its own look-up; the one of the packet is read again.
  initTuple(skb, NAT_DIR_EGRESS, tuple);
  state ??= newMapping(env, tuple, target) ?? undefined;
  if (state === undefined) {
    return DROP_NAT_NO_MAPPING;
  }
  if (skb.packet.l4.kind === 'sctp' && state.port !== tuple.sport) {
    return DROP_CSUM_L4;
  }
  rewrite(env, skb, 'snat_v4_rewrite_egress', { src: state.address, sport: state.port });
  return 0;
}

/** Gives an answer its old destination. @returns 0, NAT_PUNT_TO_STACK, or a drop reason @see cilium:bpf/lib/nat.h#snat_v4_rev_nat */
export function snatV4RevNat(env: BpfEnv, skb: Skb): number {
  const tuple = env.scratch.natTuple;
  const error = initTuple(skb, NAT_DIR_INGRESS, tuple);
  if (error < 0) {
    return error;
  }
  if (tuple.dport < NAT_PORT_MIN || tuple.dport > NAT_PORT_MAX) {
    return NAT_PUNT_TO_STACK;
  }
  const state = env.maps.nat.lookup(tuple);
  if (state === undefined) {
    return tuple.nexthdr !== IPPROTO_ICMP && tuple.dport < NAT_PORT_MIN ? NAT_PUNT_TO_STACK : DROP_NAT_NO_MAPPING;
  }
  if (state.hostLocal) {
    const tracked = trackConnection(env, skb, true);
    if (tracked < 0) {
      return tracked;
    }
  }
  if (skb.packet.l4.kind === 'sctp' && state.port !== tuple.dport) {
    return DROP_CSUM_L4;
  }
  rewrite(env, skb, 'snat_v4_rewrite_ingress', { dst: state.address, dport: state.port });
  return 0;
}

/** The node's own connections get an entry, so that the collector knows when their mapping may go. @see cilium:bpf/lib/nat.h#snat_v4_track_connection */
function trackConnection(env: BpfEnv, skb: Skb, ingress: boolean): number {
  const { scratch } = env;
  const { monitor } = scratch;
  const tuple = scratch.tuple;
  const map = getCtMap4(env, skb.packet.ip.protocol);
  scratch.ctState.reset();
  const dir = ingress ? CT_INGRESS : CT_EGRESS;
  const status = ctLookup4(env, map, tuple, skb, dir, scratch.ctState);
  scratch.ctStateNew.reset();
  const result = status === CT_NEW ? ctCreate4(env, map, null, tuple, skb, dir, scratch.ctStateNew, false, false) : status;
  scratch.monitor = monitor;
  return result;
}

/** @see cilium:bpf/lib/nat.h#snat_v4_new_mapping */
function newMapping(env: BpfEnv, tuple: Ipv4CtTuple, target: NatTarget): NatEntry | null {
  const { nat } = env.maps;
  const reverse: Ipv4CtTuple = {
    nexthdr: tuple.nexthdr,
    daddr: target.address,
    saddr: tuple.daddr,
    dport: tuple.sport >= NAT_PORT_MIN ? tuple.sport : randomPort(env),
    sport: tuple.dport,
    flags: NAT_DIR_INGRESS,
  };
  const created = env.clock.seconds();
  const hostLocal = tuple.saddr === target.address;
  for (let retries = 0; retries < SNAT_COLLISION_RETRIES; retries++) {
    if (nat.lookup(reverse) === undefined) {
      const entry: NatEntry = { created, hostLocal, address: target.address, port: reverse.dport };
      nat.update(reverse, { created, hostLocal, address: tuple.saddr, port: tuple.sport });
      if (nat.update(tuple, entry) === OK) {
        return entry;
      }
    }
    reverse.dport = retries === 0 ? randomPort(env) : reverse.dport >= NAT_PORT_MAX ? NAT_PORT_MIN : reverse.dport + 1;
  }
  return null;
}

function randomPort(env: BpfEnv): number {
  return NAT_PORT_MIN + env.rng.below(NAT_PORT_MAX - NAT_PORT_MIN + 1);
}

/** The tuple of a packet as NAT keys it. @see cilium:bpf/lib/nat.h#snat_v4_init_tuple */
function initTuple(skb: Skb, direction: number, tuple: Ipv4CtTuple): number {
  const { ip, l4 } = skb.packet;
  tuple.nexthdr = ip.protocol;
  tuple.saddr = ip.src;
  tuple.daddr = ip.dst;
  tuple.flags = direction;
  switch (l4.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      tuple.sport = l4.sport;
      tuple.dport = l4.dport;
      return 0;
    case 'icmp':
      if (l4.type !== ICMP_ECHO && l4.type !== ICMP_ECHOREPLY) {
        return DROP_NAT_UNSUPP_PROTO;
      }
      tuple.sport = l4.type === ICMP_ECHO ? l4.identifier : 0;
      tuple.dport = l4.type === ICMP_ECHO ? 0 : l4.identifier;
      return 0;
    case 'none':
      return NAT_PUNT_TO_STACK;
  }
}

interface NewEnds {
  readonly src?: Ipv4;
  readonly sport?: number;
  readonly dst?: Ipv4;
  readonly dport?: number;
}

function rewrite(env: BpfEnv, skb: Skb, fn: string, ends: NewEnds): void {
  const { packet } = skb;
  const { ip } = packet;
  skb.packet = withIpL4(packet, { ...ip, src: ends.src ?? ip.src, dst: ends.dst ?? ip.dst }, newL4(packet.l4, ends));
  if (env.journey.recording) {
    env.journey.add({
      kind: 'change',
      actor: 'bpf',
      fn,
      see: `cilium:bpf/lib/nat.h#${fn}`,
      packet: packet.id,
      target: 'packet',
      before: packetSummary(packet),
      after: packetSummary(skb.packet),
    });
  }
}

function newL4(l4: L4Header, { sport, dport }: NewEnds): L4Header {
  switch (l4.kind) {
    case 'tcp':
    case 'udp':
    case 'sctp':
      return { ...l4, sport: sport ?? l4.sport, dport: dport ?? l4.dport };
    case 'icmp':
      return { ...l4, identifier: sport ?? dport ?? l4.identifier };
    case 'none':
      return l4;
  }
}
