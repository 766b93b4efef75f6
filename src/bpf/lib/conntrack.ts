/**
 * Connection tracking.
 *
 * Two look-ups per packet: first the reverse tuple (a hit means the packet answers somebody: REPLY or RELATED), then the forward one. An entry
 * belongs to the program that made it: `rx` counts what its CT_INGRESS side saw, `tx` what its CT_EGRESS side saw.
 * @see cilium:bpf/lib/conntrack.h
 */

import { OK } from '../../kernel/bpf_map.ts';
import type { Skb } from '../../kernel/skb.ts';
import {
  CT_AUTH_REQUIRED,
  CT_DSR,
  CT_FROM_L7LB,
  CT_LB_LOOPBACK,
  CT_NODE_PORT,
  CT_PROXY_REDIRECT,
  CT_RX_CLOSING,
  CT_SEEN_NON_SYN,
  CT_TX_CLOSING,
  type CtEntry,
  type CtMap,
  type Ipv4CtTuple,
  TUPLE_F_IN,
  TUPLE_F_OUT,
  TUPLE_F_RELATED,
  TUPLE_F_SERVICE,
  zeroCtEntry,
} from '../../maps/ctmap.ts';
import { DROP_CT_CREATE_FAILED, DROP_CT_UNKNOWN_PROTO } from '../../maps/drop_reasons.ts';
import { METRIC_EGRESS, METRIC_INGRESS, METRIC_SERVICE } from '../../maps/metricsmap.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_PARAMETERPROB,
  ICMP_TIME_EXCEEDED,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from '../../net/protocol.ts';
import type { JsonObject } from '../../sim/journey.ts';
import type { BpfEnv } from '../env.ts';
import type { CtState } from './ct_state.ts';
import { hasPorts, icmpFields, ipv4HandleFragmentation } from './ipv4.ts';

/** Which side looks. @see cilium:bpf/lib/common.h#ct_dir */
export const CT_EGRESS = 0;
export const CT_INGRESS = 1;
export const CT_SERVICE = 2;
export type CtDir = typeof CT_EGRESS | typeof CT_INGRESS | typeof CT_SERVICE;

/** Results of a look-up. @see cilium:bpf/lib/common.h#ct_status */
export const CT_NEW = 0;
export const CT_ESTABLISHED = 1;
export const CT_REPLY = 2;
export const CT_RELATED = 3;
export const CT_REOPENED = 4;

/** Names of the results in order. */
export const CT_STATUS_NAMES = ['NEW', 'ESTABLISHED', 'REPLY', 'RELATED', 'REOPENED'] as const;
const CT_DIR_NAMES = ['egress', 'ingress', 'service'] as const;

/** What a notification captures of a packet, and the value that asks for one. @see cilium:bpf/lib/common.h#TRACE_PAYLOAD_LEN */
export const TRACE_PAYLOAD_LEN = 128;

const ACTION_UNSPEC = 0;
const ACTION_CREATE = 1;
const ACTION_CLOSE = 2;

/** The map of a protocol. @see cilium:bpf/lib/conntrack_map.h#get_ct_map4 */
export function getCtMap4(env: BpfEnv, nexthdr: number): CtMap {
  return nexthdr === IPPROTO_TCP ? env.maps.ct4 : env.maps.ctAny4;
}

/** Swaps the tuple's ends and its direction. @see cilium:bpf/lib/conntrack.h#ipv4_ct_tuple_reverse */
export function ipv4CtTupleReverse(tuple: Ipv4CtTuple): void {
  const address = tuple.saddr;
  tuple.saddr = tuple.daddr;
  tuple.daddr = address;
  const port = tuple.sport;
  tuple.sport = tuple.dport;
  tuple.dport = port;
  tuple.flags ^= TUPLE_F_IN;
}

/**
 * Fills the tuple from the packet in reverse order: the `dport` field gets the source port, the `sport` field the destination port.
 * @returns 0, or a negative drop reason
 * @see cilium:bpf/lib/conntrack.h#ct_extract_ports4
 */
export function ctExtractTuple4(env: BpfEnv, tuple: Ipv4CtTuple, skb: Skb, dir: CtDir): number {
  const { packet } = skb;
  const { ip, l4 } = packet;
  tuple.nexthdr = ip.protocol;
  tuple.daddr = ip.dst;
  tuple.saddr = ip.src;
  if (ip.protocol === IPPROTO_ICMP) {
    const { type, identifier } = icmpFields(packet);
    tuple.sport = type === ICMP_ECHOREPLY ? identifier : 0;
    tuple.dport = type === ICMP_ECHO ? identifier : 0;
    return 0;
  }
  if (l4.kind === 'none' && (ip.fragmentOffset === 0 || !hasPorts(packet))) {
    return DROP_CT_UNKNOWN_PROTO;
  }
  const error = ipv4HandleFragmentation(env, skb, dir === CT_INGRESS ? METRIC_INGRESS : dir === CT_EGRESS ? METRIC_EGRESS : METRIC_SERVICE);
  tuple.dport = env.scratch.sport;
  tuple.sport = env.scratch.dport;
  return error;
}

/**
 * Finds the connection of a packet. The tuple ends up as the key of the entry found, or of the one to create. Sets `scratch.monitor`.
 * @returns a CT status, or a negative drop reason
 * @see cilium:bpf/lib/conntrack.h#ct_lookup4
 */
export function ctLookup4(env: BpfEnv, map: CtMap, tuple: Ipv4CtTuple, skb: Skb, dir: CtDir, state: CtState): number {
  const error = ctExtractTuple4(env, tuple, skb, dir);
  if (error < 0) {
    return error;
  }
  const { l4 } = skb.packet;
  if (tuple.nexthdr === IPPROTO_SCTP && !env.config.enableSctp) {
    return DROP_CT_UNKNOWN_PROTO;
  }
  const isTcp = tuple.nexthdr === IPPROTO_TCP;
  const tcpFlags = l4.kind === 'tcp' ? l4.flags : 0;
  let action = ACTION_CREATE;
  tuple.flags = dir === CT_INGRESS ? TUPLE_F_OUT : dir === CT_EGRESS ? TUPLE_F_IN : TUPLE_F_SERVICE;
  if (tuple.nexthdr === IPPROTO_ICMP) {
    const { type } = icmpFields(skb.packet);
    if (type === ICMP_DEST_UNREACH || type === ICMP_TIME_EXCEEDED || type === ICMP_PARAMETERPROB) {
      tuple.flags |= TUPLE_F_RELATED;
      action = ACTION_UNSPEC;
    } else if (type === ICMP_ECHOREPLY) {
      action = ACTION_UNSPEC;
    }
  } else if ((tcpFlags & (TCP_RST | TCP_FIN)) !== 0) {
    action = ACTION_CLOSE;
  }
  let status = lookupOne(env, map, tuple, skb, action, dir, state, isTcp, tcpFlags);
  if (status !== CT_NEW) {
    status = (tuple.flags & TUPLE_F_RELATED) !== 0 ? CT_RELATED : CT_REPLY;
  } else if (dir !== CT_SERVICE) {
    ipv4CtTupleReverse(tuple);
    status = lookupOne(env, map, tuple, skb, action, dir, state, isTcp, tcpFlags);
  }
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: 'ct_lookup4',
      see: 'cilium:bpf/lib/conntrack.h#ct_lookup4',
      packet: skb.packet.id,
      verdict: CT_STATUS_NAMES[status] ?? String(status),
      why: `${CT_DIR_NAMES[dir]} look-up in ${map.spec.name}: ${status === CT_NEW ? 'no entry in either direction' : map.spec.key.toJson(tuple)['text']}`,
      data: { monitor: env.scratch.monitor },
    });
  }
  return status;
}

/** @see cilium:bpf/lib/conntrack.h#__ct_lookup */
function lookupOne(
  env: BpfEnv,
  map: CtMap,
  tuple: Ipv4CtTuple,
  skb: Skb,
  action: number,
  dir: CtDir,
  state: CtState,
  isTcp: boolean,
  tcpFlags: number,
): number {
  const entry = map.lookup(tuple);
  const before = env.journey.recording ? recordLookup(env, map, tuple, skb, entry) : null;
  const syn = (tcpFlags & TCP_SYN) !== 0;
  if (entry === undefined || (dir === CT_SERVICE && syn && isClosing(entry) && expiredForRebalance(env, entry))) {
    env.scratch.monitor = TRACE_PAYLOAD_LEN;
    return CT_NEW;
  }
  if (isAlive(entry)) {
    env.scratch.monitor = ctUpdateTimeout(env, entry, isTcp, dir, tcpFlags);
  }
  readState(entry, state, dir, syn);
  if (dir === CT_INGRESS) {
    entry.rxPackets += 1;
    entry.rxBytes += skb.packet.length;
  } else if (dir === CT_EGRESS) {
    entry.txPackets += 1;
    entry.txBytes += skb.packet.length;
  }
  let status: number = CT_ESTABLISHED;
  if (action === ACTION_CREATE) {
    if (syn && isClosing(entry)) {
      entry.flags &= ~(CT_RX_CLOSING | CT_TX_CLOSING);
      env.scratch.monitor = ctUpdateTimeout(env, entry, isTcp, dir, tcpFlags);
      status = CT_REOPENED;
    }
  } else if (action === ACTION_CLOSE) {
    closeEntry(env, entry, dir, tcpFlags);
  }
  if (before !== null) {
    env.journey.add({
      kind: 'change',
      actor: 'bpf',
      fn: '__ct_lookup',
      packet: skb.packet.id,
      target: map.spec.name,
      key: map.spec.key.toJson(tuple),
      before,
      after: map.spec.valueToJson(entry),
    });
  }
  return status;
}

function closeEntry(env: BpfEnv, entry: CtEntry, dir: CtDir, tcpFlags: number): void {
  const bothSyns = (entry.rxFlagsSeen & TCP_SYN) !== 0 && (entry.txFlagsSeen & TCP_SYN) !== 0;
  if (!bothSyns && (tcpFlags & TCP_RST) !== 0 && dir !== CT_SERVICE) {
    entry.flags |= CT_RX_CLOSING | CT_TX_CLOSING;
  } else {
    entry.flags |= dir === CT_INGRESS ? CT_RX_CLOSING : CT_TX_CLOSING;
  }
  env.scratch.monitor = TRACE_PAYLOAD_LEN;
  if (!isAlive(entry)) {
    updateTimeout(env, entry, env.config.ctCloseTimeout, dir, tcpFlags);
  }
}

function readState(entry: CtEntry, state: CtState, dir: CtDir, syn: boolean): void {
  const { flags } = entry;
  state.revNatIndex = entry.revNatIndex;
  state.loopback = (flags & CT_LB_LOOPBACK) !== 0;
  state.nodePort = (flags & CT_NODE_PORT) !== 0;
  state.dsr = (flags & CT_DSR) !== 0;
  state.proxyRedirect = (flags & CT_PROXY_REDIRECT) !== 0;
  state.fromL7lb = (flags & CT_FROM_L7LB) !== 0;
  state.authRequired = (flags & CT_AUTH_REQUIRED) !== 0;
  state.ifindex = entry.ifindex;
  if (dir === CT_SERVICE) {
    state.backendId = entry.rxBytes;
    state.syn = syn;
  }
}

/**
 * Creates the entry of a new connection under the tuple, and with `related` the entry that will match ICMP errors about it.
 * Whatever flags the packet has, a TCP entry is made as if by a SYN.
 * @returns 0, or a negative drop reason
 * @see cilium:bpf/lib/conntrack.h#ct_create4
 */
export function ctCreate4(
  env: BpfEnv,
  map: CtMap,
  related: CtMap | null,
  tuple: Ipv4CtTuple,
  skb: Skb,
  dir: CtDir,
  state: CtState,
  proxyRedirect: boolean,
  fromL7lb: boolean,
): number {
  const entry = zeroCtEntry();
  const isTcp = tuple.nexthdr === IPPROTO_TCP;
  entry.flags =
    (proxyRedirect ? CT_PROXY_REDIRECT : 0) |
    (fromL7lb ? CT_FROM_L7LB : 0) |
    (state.authRequired ? CT_AUTH_REQUIRED : 0) |
    (state.loopback ? CT_LB_LOOPBACK : 0) |
    (state.nodePort ? CT_NODE_PORT : 0) |
    (state.dsr ? CT_DSR : 0);
  entry.ifindex = state.ifindex;
  entry.revNatIndex = state.revNatIndex;
  if (dir === CT_SERVICE) {
    entry.rxBytes = state.backendId;
  }
  ctUpdateTimeout(env, entry, isTcp, dir, isTcp ? TCP_SYN : 0);
  if (dir === CT_INGRESS) {
    entry.rxPackets = 1;
    entry.rxBytes = skb.packet.length;
  } else if (dir === CT_EGRESS) {
    entry.txPackets = 1;
    entry.txBytes = skb.packet.length;
  }
  entry.srcSecId = state.srcSecId;
  if (put(env, map, tuple, skb, entry) !== OK) {
    return DROP_CT_CREATE_FAILED;
  }
  if (state.addr !== 0 && state.loopback && dir === CT_EGRESS && createLoopback(env, map, tuple, skb, entry, state) !== OK) {
    return DROP_CT_CREATE_FAILED;
  }
  return related === null ? 0 : createRelated(env, related, tuple, skb, entry);
}

/**
 * A pod that reaches itself through a service answers to the loopback address: a second entry, seen from inside, tracks those packets.
 */
function createLoopback(env: BpfEnv, map: CtMap, tuple: Ipv4CtTuple, skb: Skb, entry: CtEntry, state: CtState): number {
  const inner = env.scratch.relatedTuple;
  inner.flags = TUPLE_F_IN;
  inner.saddr = state.svcAddr;
  inner.daddr = env.config.ipv4Loopback;
  inner.sport = tuple.sport;
  inner.dport = tuple.dport;
  inner.nexthdr = tuple.nexthdr;
  return put(env, map, inner, skb, { ...entry });
}

function createRelated(env: BpfEnv, map: CtMap, tuple: Ipv4CtTuple, skb: Skb, entry: CtEntry): number {
  const icmp = env.scratch.relatedTuple;
  icmp.daddr = tuple.daddr;
  icmp.saddr = tuple.saddr;
  icmp.dport = 0;
  icmp.sport = 0;
  icmp.nexthdr = IPPROTO_ICMP;
  icmp.flags = tuple.flags | TUPLE_F_RELATED;
  const companion = { ...entry, flags: entry.flags | CT_SEEN_NON_SYN };
  return put(env, map, icmp, skb, companion) === OK ? 0 : DROP_CT_CREATE_FAILED;
}

function put(env: BpfEnv, map: CtMap, tuple: Ipv4CtTuple, skb: Skb, entry: CtEntry): number {
  const { journey } = env;
  const old = journey.recording ? map.lookup(tuple) : undefined;
  const result = map.update(tuple, entry);
  if (journey.recording) {
    journey.add({
      kind: 'change',
      actor: 'bpf',
      fn: 'ct_create4',
      see: 'cilium:bpf/lib/conntrack.h#ct_create4',
      packet: skb.packet.id,
      target: map.spec.name,
      key: map.spec.key.toJson(tuple),
      before: old === undefined ? null : map.spec.valueToJson(old),
      after: map.spec.valueToJson(entry),
    });
  }
  return result;
}

/** @see cilium:bpf/lib/conntrack.h#ct_update_timeout */
function ctUpdateTimeout(env: BpfEnv, entry: CtEntry, isTcp: boolean, dir: CtDir, tcpFlags: number): number {
  const { config } = env;
  const service = dir === CT_SERVICE;
  let lifetime = service ? config.ctServiceLifetimeNonTcp : config.ctLifetimeNonTcp;
  if (isTcp) {
    if ((tcpFlags & TCP_SYN) === 0) {
      entry.flags |= CT_SEEN_NON_SYN;
    }
    if ((entry.flags & CT_SEEN_NON_SYN) === 0) {
      lifetime = config.ctSynTimeout;
    } else {
      lifetime = service ? config.ctServiceLifetimeTcp : config.ctLifetimeTcp;
    }
  }
  return updateTimeout(env, entry, lifetime, dir, tcpFlags);
}

/** @see cilium:bpf/lib/conntrack.h#__ct_update_timeout */
function updateTimeout(env: BpfEnv, entry: CtEntry, lifetime: number, dir: CtDir, tcpFlags: number): number {
  const now = env.clock.seconds();
  const { ctReportFlags, ctReportInterval } = env.config;
  entry.lifetime = now + lifetime;
  const ingress = dir === CT_INGRESS;
  const accumulated = ingress ? entry.rxFlagsSeen : entry.txFlagsSeen;
  const lastReport = ingress ? entry.lastRxReport : entry.lastTxReport;
  const seen = (tcpFlags & ctReportFlags) | accumulated;
  if (lastReport + ctReportInterval >= now && seen === accumulated) {
    return 0;
  }
  if (ingress) {
    entry.rxFlagsSeen = seen;
    entry.lastRxReport = now;
  } else {
    entry.txFlagsSeen = seen;
    entry.lastTxReport = now;
  }
  return TRACE_PAYLOAD_LEN;
}

function isAlive(entry: CtEntry): boolean {
  return (entry.flags & (CT_RX_CLOSING | CT_TX_CLOSING)) !== (CT_RX_CLOSING | CT_TX_CLOSING);
}

function isClosing(entry: CtEntry): boolean {
  return (entry.flags & (CT_RX_CLOSING | CT_TX_CLOSING)) !== 0;
}

/** @see cilium:bpf/lib/conntrack.h#ct_entry_expired_rebalance */
function expiredForRebalance(env: BpfEnv, entry: CtEntry): boolean {
  return entry.lastTxReport + env.config.ctServiceCloseRebalance <= env.clock.seconds();
}

function recordLookup(env: BpfEnv, map: CtMap, tuple: Ipv4CtTuple, skb: Skb, entry: CtEntry | undefined): JsonObject | null {
  const found = entry === undefined ? null : map.spec.valueToJson(entry);
  env.journey.add({
    kind: 'lookup',
    actor: 'bpf',
    fn: '__ct_lookup',
    see: 'cilium:bpf/lib/conntrack.h#__ct_lookup',
    packet: skb.packet.id,
    map: map.spec.name,
    key: map.spec.key.toJson(tuple),
    entry: found,
  });
  return found;
}
