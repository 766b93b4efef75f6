/**
 * Services at the network card: node ports, external and load balancer addresses, and the way back.
 * @see cilium:bpf/lib/nodeport.h
 * @remarks Not modelled: DSR, the neighbour table, BPF host routing (replies find their card by the route alone).
 */
import { type Skb, TC_ACT_OK } from '../../kernel/skb.ts';
import { CT_NODE_PORT, TUPLE_F_OUT } from '../../maps/ctmap.ts';
import {
  DROP_INVALID,
  DROP_IS_CLUSTER_IP,
  DROP_NAT_NO_MAPPING,
  DROP_NO_FIB,
  DROP_NOT_IN_SRC_RANGE,
  DROP_UNKNOWN_CT,
} from '../../maps/drop_reasons.ts';
import {
  TRACE_REASON_CT_REPLY,
  TRACE_REASON_POLICY,
  TRACE_REASON_UNKNOWN,
  TRACE_TO_NETWORK,
  TRACE_TO_OVERLAY,
  TRACE_TO_PROXY,
} from '../../maps/eventsmap.ts';
import { IDENTITY_WORLD, type Identity } from '../../maps/identity.ts';
import { type Lb4Service, l7LbProxyPort, SVC_FLAG_HOSTPORT, SVC_FLAG_ROUTABLE, SVC_FLAG_SOURCE_RANGE } from '../../maps/lbmap.ts';
import { MARK_MAGIC_SNAT_DONE, TC_INDEX_F_SKIP_RECIRCULATION } from '../../maps/marks.ts';
import { METRIC_INGRESS } from '../../maps/metricsmap.ts';
import { IPPROTO_ICMP } from '../../net/protocol.ts';
import type { BpfEnv } from '../env.ts';
import {
  CT_EGRESS,
  CT_ESTABLISHED,
  CT_INGRESS,
  CT_NEW,
  CT_REOPENED,
  CT_REPLY,
  ctCreate4,
  ctExtractTuple4,
  ctLookup4,
  getCtMap4,
  TRACE_PAYLOAD_LEN,
} from './conntrack.ts';
import { type Encap, encapWithNodeid } from './encap.ts';
import { lookupIp4Endpoint } from './eps.ts';
import { lookupIp4RemoteEndpoint } from './identity.ts';
import { hasPorts, ipv4HandleFragmentation } from './ipv4.ts';
import { lb4Local, lb4LookupService, lb4RevNat, lb4SvcIsL7loadbalancer } from './lb.ts';
import { NAT_PUNT_TO_STACK, snatV4Nat, snatV4PrepareState, snatV4RevNat } from './nat.ts';
import { ctxRedirectToProxyHairpin } from './proxy.ts';
import { sendTraceNotify } from './trace.ts';

/**
 * A request for a service, or an answer to something translated.
 * @param source endpoint of the program
 * @see cilium:bpf/lib/nodeport.h#nodeport_lb4
 */
export function nodeportLb4(env: BpfEnv, skb: Skb, ifindex: number, source: number): number {
  const { ip } = skb.packet;
  const ports = hasPorts(skb.packet);
  if (!ports && ip.protocol !== IPPROTO_ICMP) {
    return TC_ACT_OK;
  }
  const unknown = ports ? ipv4HandleFragmentation(env, skb, METRIC_INGRESS) : 0;
  if (unknown < 0) {
    return unknown;
  }
  const service = ports ? lb4LookupService(env, skb, ip.dst, env.scratch.dport, false) : undefined;
  if (service === undefined) {
    return natIngress(env, skb, source);
  }
  if (!sourceRangeOk(env, service, ip.src)) {
    return DROP_NOT_IN_SRC_RANGE;
  }
  if (lb4SvcIsL7loadbalancer(env, service) && l7LbProxyPort(service) > 0) {
    const port = l7LbProxyPort(service);
    sendTraceNotify(env, skb, source, TRACE_TO_PROXY, IDENTITY_WORLD, 0, port, 0, TRACE_REASON_POLICY, 0);
    return ctxRedirectToProxyHairpin(env, skb, port);
  }
  const state = env.scratch.ctStateNew;
  state.reset();
  const error = lb4Local(env, getCtMap4(env, ip.protocol), skb, env.scratch.serviceTuple, service, state);
  if (error < 0) {
    return error;
  }
  if ((service.flags & SVC_FLAG_ROUTABLE) === 0) {
    return DROP_IS_CLUSTER_IP;
  }
  const local = lookupIp4Endpoint(env, skb, skb.packet.ip.dst) !== undefined;
  if (!local && (service.flags & SVC_FLAG_HOSTPORT) !== 0) {
    return DROP_INVALID;
  }
  const tracked = trackRequest(env, skb, service, ifindex);
  return tracked < 0 || local ? tracked : natEgress(env, skb, source);
}

/**
 * A request for a backend elsewhere leaves with an address of this node, into the tunnel as one of the world's.
 * @see cilium:bpf/lib/nodeport.h#tail_nodeport_nat_egress_ipv4
 */
function natEgress(env: BpfEnv, skb: Skb, source: number): number {
  const { config } = env;
  const tunnelled = intoTunnel(env, skb, { secLabel: IDENTITY_WORLD, source, reason: TRACE_REASON_POLICY, monitor: TRACE_PAYLOAD_LEN });
  const address = tunnelled ? config.routerIp : config.directRoutingIp;
  const result = snatV4Nat(env, skb, { address, fromLocalEndpoint: false, srcFromWorld: true });
  if (result < 0 && result !== NAT_PUNT_TO_STACK) {
    return result;
  }
  skb.mark = (skb.mark | MARK_MAGIC_SNAT_DONE) >>> 0;
  const ifindex = tunnelled ? config.encapIfindex : env.fibLookup(skb.packet.ip.dst);
  return ifindex === null ? DROP_NO_FIB : skb.redirect(ifindex);
}

/** Prepares a packet for the tunnel if its destination is behind it. */
function intoTunnel(env: BpfEnv, skb: Skb, told: Omit<Encap, 'tunnelEndpoint' | 'dstId'>): boolean {
  const info = env.config.tunnel ? lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.dst) : undefined;
  if (info === undefined || info.tunnelEndpoint === 0) {
    return false;
  }
  encapWithNodeid(env, skb, { ...told, tunnelEndpoint: info.tunnelEndpoint, dstId: info.secLabel });
  return true;
}

/** @see cilium:bpf/lib/lb.h#lb4_src_range_ok */
function sourceRangeOk(env: BpfEnv, service: Lb4Service, source: number): boolean {
  if ((service.flags & SVC_FLAG_SOURCE_RANGE) === 0) {
    return true;
  }
  return env.maps.sourceRange.lookup4(service.revNatIndex, source) !== undefined;
}

/** The entry by which the pod's replies know that they belong to a node port. */
function trackRequest(env: BpfEnv, skb: Skb, service: Lb4Service, ifindex: number): number {
  const { scratch } = env;
  const { tuple, ctState, ctStateNew } = scratch;
  const map = getCtMap4(env, skb.packet.ip.protocol);
  ctState.reset();
  const status = ctLookup4(env, map, tuple, skb, CT_EGRESS, ctState);
  const known = status === CT_REOPENED || status === CT_ESTABLISHED || status === CT_REPLY;
  if (status !== CT_NEW && !known) {
    return status < 0 ? status : DROP_UNKNOWN_CT;
  }
  if (known && ctState.revNatIndex === service.revNatIndex) {
    return TC_ACT_OK;
  }
  ctStateNew.srcSecId = IDENTITY_WORLD;
  ctStateNew.nodePort = true;
  ctStateNew.ifindex = ifindex;
  const error = ctCreate4(env, map, null, tuple, skb, CT_EGRESS, ctStateNew, false, false);
  return error < 0 ? error : TC_ACT_OK;
}

/** What has no mapping goes on as it is. @see cilium:bpf/lib/nodeport.h#tail_nodeport_nat_ingress_ipv4 */
function natIngress(env: BpfEnv, skb: Skb, source: number): number {
  if (snatV4RevNat(env, skb) < 0) {
    return TC_ACT_OK;
  }
  skb.mark = (skb.mark | MARK_MAGIC_SNAT_DONE) >>> 0;
  return revNodeportLb4(env, skb, source, IDENTITY_WORLD);
}

/**
 * A reply gets the service's address back and leaves by the network card or the tunnel; anything else goes on as if nothing had been.
 * @param source endpoint of the program
 * @param secLabel the identity the program sends with
 * @see cilium:bpf/lib/nodeport.h#rev_nodeport_lb4
 */
export function revNodeportLb4(env: BpfEnv, skb: Skb, source: number, secLabel: Identity): number {
  const { ctState } = env.scratch;
  const reversed = revDnat(env, skb);
  if (reversed < 0) {
    return reversed;
  }
  if (reversed > 0) {
    if (intoTunnel(env, skb, { secLabel, source, reason: TRACE_REASON_CT_REPLY, monitor: env.scratch.monitor })) {
      return skb.redirect(env.config.encapIfindex);
    }
    const ifindex = env.fibLookup(skb.packet.ip.dst) ?? ctState.ifindex;
    return ifindex === 0 ? DROP_NO_FIB : skb.redirect(ifindex);
  }
  // A pod's program cannot go on from here: it has no other way for a reply of a node port.
  return (skb.tcIndex & TC_INDEX_F_SKIP_RECIRCULATION) === 0 ? TC_ACT_OK : DROP_NAT_NO_MAPPING;
}

/**
 * Gives a reply to a node port request the service's address. On its way out it is one that no pod's program has seen, because the proxy gave it.
 * @returns 1 if it is such a reply, 0 if not, or a drop reason
 * @see cilium:bpf/lib/nodeport.h#nodeport_rev_dnat_fwd_ipv4
 */
function revDnat(env: BpfEnv, skb: Skb): number {
  const { tuple, ctState, natTuple } = env.scratch;
  const map = getCtMap4(env, skb.packet.ip.protocol);
  if (ctExtractTuple4(env, natTuple, skb, CT_INGRESS) < 0) {
    return 0;
  }
  natTuple.flags = TUPLE_F_OUT;
  if (((map.lookup(natTuple)?.flags ?? 0) & CT_NODE_PORT) === 0) {
    return 0;
  }
  ctState.reset();
  const status = ctLookup4(env, map, tuple, skb, CT_INGRESS, ctState);
  if (status === CT_REPLY && ctState.nodePort && ctState.revNatIndex !== 0) {
    const error = lb4RevNat(env, skb, ctState, tuple, true);
    if (error < 0) {
      return error;
    }
    skb.mark = (skb.mark | MARK_MAGIC_SNAT_DONE) >>> 0;
    return 1;
  }
  return 0;
}

/**
 * Translation on the way out of a network card, or into the tunnel.
 * @see cilium:bpf/lib/nodeport.h#tail_handle_nat_fwd_ipv4
 */
export function handleNatFwd(env: BpfEnv, skb: Skb, source: number, overlay: boolean): number {
  const point = overlay ? TRACE_TO_OVERLAY : TRACE_TO_NETWORK;
  const reversed = revDnat(env, skb);
  if (reversed < 0) {
    return reversed;
  }
  if ((skb.mark & MARK_MAGIC_SNAT_DONE) === MARK_MAGIC_SNAT_DONE) {
    sendTraceNotify(env, skb, source, point, 0, 0, 0, 0, TRACE_REASON_CT_REPLY, env.scratch.monitor);
    return TC_ACT_OK;
  }
  const target = snatV4PrepareState(env, skb, overlay);
  const result = target === null ? TC_ACT_OK : snatV4Nat(env, skb, target);
  if (result < 0 && result !== NAT_PUNT_TO_STACK) {
    return result;
  }
  sendTraceNotify(env, skb, source, point, 0, 0, 0, 0, TRACE_REASON_UNKNOWN, 0);
  return TC_ACT_OK;
}
