/**
 * The programs of a pod's device: what leaves the pod (`cil_from_container`) and what may enter it (`handle_policy`, called by whoever
 * delivers to the pod).
 * @see cilium:bpf/bpf_lxc.c
 */
import { type Skb, TC_ACT_OK, type TcProgram } from '../kernel/skb.ts';
import { type CallsMap, CILIUM_CALL_IPV4_CT_EGRESS, CILIUM_CALL_IPV4_FROM_LXC, CILIUM_CALL_IPV4_FROM_LXC_CONT } from '../maps/callsmap.ts';
import { CT_NODE_PORT, type CtMap, type Ipv4CtTuple, TUPLE_F_OUT } from '../maps/ctmap.ts';
import { DROP_FRAG_NOSUPPORT, DROP_INVALID_SIP, DROP_MISSED_TAIL_CALL, DROP_UNKNOWN_CT, DROP_UNKNOWN_L3 } from '../maps/drop_reasons.ts';
import {
  TRACE_FROM_LXC,
  TRACE_FROM_PROXY,
  TRACE_FROM_STACK,
  TRACE_REASON_UNKNOWN,
  TRACE_TO_HOST,
  TRACE_TO_LXC,
  TRACE_TO_NETWORK,
  TRACE_TO_PROXY,
  TRACE_TO_STACK,
} from '../maps/eventsmap.ts';
import { IDENTITY_HOST, IDENTITY_WORLD, type Identity } from '../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../maps/lxcmap.ts';
import {
  identityMark,
  MARK_MAGIC_HOST_MASK,
  MARK_MAGIC_IDENTITY,
  MARK_MAGIC_PROXY_EGRESS,
  MARK_MAGIC_PROXY_INGRESS,
  TC_INDEX_F_SKIP_EGRESS_PROXY,
  TC_INDEX_F_SKIP_INGRESS_PROXY,
  TC_INDEX_F_SKIP_RECIRCULATION,
} from '../maps/marks.ts';
import { METRIC_EGRESS, METRIC_INGRESS } from '../maps/metricsmap.ts';
import type { PolicyMap } from '../maps/policymap.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { Mac } from '../net/mac.ts';
import { packetSummary } from '../net/packet.ts';
import { ETH_P_ARP, ETH_P_IP } from '../net/protocol.ts';
import type { BpfEnv } from './env.ts';
import {
  CT_EGRESS,
  CT_ESTABLISHED,
  CT_INGRESS,
  CT_NEW,
  CT_RELATED,
  CT_REOPENED,
  CT_REPLY,
  ctCreate4,
  ctLookup4,
  getCtMap4,
  TRACE_PAYLOAD_LEN,
} from './lib/conntrack.ts';
import { FILE_BPF_LXC, sendDropNotify } from './lib/drop.ts';
import { lookupIp4Endpoint } from './lib/eps.ts';
import { identityIsReserved, inheritIdentityFromHost, lookupIp4RemoteEndpoint } from './lib/identity.ts';
import { hasPorts, ipv4HandleFragmentation, isUntrackedFragment } from './lib/ipv4.ts';
import { ipv4L3, ipv4LocalDelivery, redirectEp } from './lib/l3.ts';
import { lb4CtxRestoreState, lb4CtxStoreState, lb4Local, lb4LookupService, lb4RevNat } from './lib/lb.ts';
import { CB_FROM_HOST, CB_IFINDEX, CB_POLICY, CB_PROXY_MAGIC, CB_SRC_LABEL } from './lib/meta.ts';
import { revNodeportLb4 } from './lib/nodeport.ts';
import { policyCanAccessIngress, policyCanEgress } from './lib/policy.ts';
import { POLICY_EGRESS, POLICY_INGRESS, sendPolicyVerdictNotify } from './lib/policy_log.ts';
import { ctxRedirectToProxy, ctxRedirectToProxyHairpin, redirectToProxy } from './lib/proxy.ts';
import { sendTraceNotify } from './lib/trace.ts';

/** ep_config.h: what is compiled into an endpoint's program. */
export interface EndpointConfig {
  /** LXC_ID */
  readonly endpointId: number;
  /** SECLABEL */
  readonly secLabel: Identity;
  /** LXC_IPV4 */
  readonly ipv4: Ipv4;
  readonly mac: Mac;
  /** NODE_MAC: the host side's address. */
  readonly nodeMac: Mac;
  /** The lxc device. */
  readonly ifindex: number;
  /** POLICY_VERDICT_LOG_FILTER: 1 ingress enforced, 2 egress enforced. */
  readonly policyVerdictLogFilter: number;
  /** POLICY_AUDIT_MODE: what policy denies is reported and let through. */
  readonly policyAuditMode: boolean;
}

/** The entry points of an endpoint's object. */
export interface LxcPrograms {
  /** tc ingress of the lxc device. */
  readonly cilFromContainer: TcProgram;
  /** tc egress of the lxc device, with endpoint routes. */
  readonly cilToContainer: TcProgram;
  /** Slot of the endpoint in cilium_call_policy. */
  readonly handlePolicy: TcProgram;
}

interface Lxc {
  readonly env: BpfEnv;
  readonly ep: EndpointConfig;
  readonly policyMap: PolicyMap;
  readonly calls: CallsMap;
}

/** Return of ipv4_policy that asks for the proxy. @see cilium:bpf/lib/common.h#POLICY_ACT_PROXY_REDIRECT */
const POLICY_ACT_PROXY_REDIRECT = 1 << 16;

/** Return of the egress side that asks for the node port's way back: a tail call of its own. */
const NODEPORT_REPLY = 1 << 17;

/** Lines of the branch point's send_drop_notify calls. */
const SITE_FROM_LXC = { file: FILE_BPF_LXC, line: 1328 } as const;
const SITE_HANDLE_IPV4 = { file: FILE_BPF_LXC, line: 1256 } as const;
const SITE_CONT = { file: FILE_BPF_LXC, line: 1153 } as const;
const SITE_POLICY = { file: FILE_BPF_LXC, line: 1862 } as const;

/** Compiles and loads an endpoint's programs: fills its tail call map and returns the entry points. */
export function loadBpfLxc(env: BpfEnv, ep: EndpointConfig, policyMap: PolicyMap, calls: CallsMap): LxcPrograms {
  const lxc: Lxc = { env, ep, policyMap, calls };
  calls.set(CILIUM_CALL_IPV4_FROM_LXC, (skb) => tailHandleIpv4(lxc, skb));
  calls.set(CILIUM_CALL_IPV4_CT_EGRESS, (skb) => tailIpv4CtEgress(lxc, skb));
  calls.set(CILIUM_CALL_IPV4_FROM_LXC_CONT, (skb) => tailHandleIpv4Cont(lxc, skb));
  return {
    cilFromContainer: (skb) => cilFromContainer(lxc, skb),
    cilToContainer: (skb) => cilToContainer(lxc, skb),
    handlePolicy: (skb) => handlePolicy(lxc, skb),
  };
}

/** @see cilium:bpf/bpf_lxc.c#cil_from_container */
function cilFromContainer(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  skb.cb[0] = 0;
  skb.cb[1] = 0;
  skb.cb[2] = 0;
  skb.cb[3] = 0;
  skb.cb[4] = 0;
  env.scratch.policyAuditMode = ep.policyAuditMode;
  if (env.journey.recording) {
    enter(lxc, skb, 'cil_from_container', `endpoint ${ep.endpointId}, device ${ep.ifindex} ingress`);
  }
  sendTraceNotify(env, skb, ep.endpointId, TRACE_FROM_LXC, ep.secLabel, 0, 0, 0, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  const { type } = skb.packet.eth;
  if (type === ETH_P_IP) {
    const program = lxc.calls.get(CILIUM_CALL_IPV4_FROM_LXC);
    return program === undefined ? dropEgress(lxc, skb, 0, DROP_MISSED_TAIL_CALL, SITE_FROM_LXC) : program(skb);
  }
  return type === ETH_P_ARP ? TC_ACT_OK : dropEgress(lxc, skb, 0, DROP_UNKNOWN_L3, SITE_FROM_LXC);
}

/** @see cilium:bpf/bpf_lxc.c#tail_handle_ipv4 */
function tailHandleIpv4(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const error = translateService(lxc, skb);
  if (error < 0) {
    return dropEgress(lxc, skb, 0, error, SITE_HANDLE_IPV4);
  }
  const program = lxc.calls.get(CILIUM_CALL_IPV4_CT_EGRESS);
  return program === undefined ? dropEgress(lxc, skb, 0, DROP_MISSED_TAIL_CALL, SITE_HANDLE_IPV4) : program(skb);
}

/** Source address check and service translation. @see cilium:bpf/bpf_lxc.c#__tail_handle_ipv4 */
function translateService(lxc: Lxc, skb: Skb): number {
  const { env, ep } = lxc;
  const { packet } = skb;
  if (isUntrackedFragment(env, packet)) {
    return DROP_FRAG_NOSUPPORT;
  }
  if (packet.ip.src !== ep.ipv4) {
    return DROP_INVALID_SIP;
  }
  if (!env.config.perPacketLb) {
    return 0;
  }
  const state = env.scratch.ctStateNew;
  state.reset();
  if (hasPorts(packet)) {
    const error = ipv4HandleFragmentation(env, skb, METRIC_EGRESS);
    if (error < 0) {
      return error;
    }
    const service = lb4LookupService(env, skb, packet.ip.dst, env.scratch.dport, false);
    if (service !== undefined) {
      const tuple = env.scratch.serviceTuple;
      const result = lb4Local(env, getCtMap4(env, packet.ip.protocol), skb, tuple, service, state);
      if (result < 0) {
        return result;
      }
    }
  }
  lb4CtxStoreState(skb, state, 0);
  return 0;
}

/** @see cilium:bpf/bpf_lxc.c#TAIL_CT_LOOKUP4 */
function tailIpv4CtEgress(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env } = lxc;
  const { scratch } = env;
  scratch.ctState.reset();
  scratch.monitor = 0;
  scratch.ctStatus = ctLookup4(env, getCtMap4(env, skb.packet.ip.protocol), scratch.tuple, skb, CT_EGRESS, scratch.ctState);
  if (scratch.ctStatus < 0) {
    return dropEgress(lxc, skb, 0, scratch.ctStatus, SITE_CONT);
  }
  const program = lxc.calls.get(CILIUM_CALL_IPV4_FROM_LXC_CONT);
  return program === undefined ? dropEgress(lxc, skb, 0, DROP_MISSED_TAIL_CALL, SITE_CONT) : program(skb);
}

/** @see cilium:bpf/bpf_lxc.c#tail_handle_ipv4_cont */
function tailHandleIpv4Cont(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const info = lookupIp4RemoteEndpoint(lxc.env, skb, skb.packet.ip.dst);
  const dstId = info === undefined || info.secLabel === 0 ? IDENTITY_WORLD : info.secLabel;
  const result = handleIpv4FromLxc(lxc, skb, dstId);
  return result < 0 ? dropEgress(lxc, skb, dstId, result, SITE_CONT) : (result as ReturnType<TcProgram>);
}

/** Policy, connection entry, and where the packet goes. @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc */
function handleIpv4FromLxc(lxc: Lxc, skb: Skb, dstId: Identity): number {
  const { env, ep } = lxc;
  const { scratch } = env;
  const { ctState, ctStateNew, tuple } = scratch;
  ctStateNew.reset();
  lb4CtxRestoreState(env, skb, ctStateNew);
  let hairpin = ctStateNew.loopback;
  const status = scratch.ctStatus;
  const isReply = status === CT_REPLY || status === CT_RELATED;
  if (isReply && ctState.proxyRedirect) {
    // The stack finds the proxy's socket. No notification here: the branch point sends none either.
    return ctxRedirectToProxy(env, skb, 0);
  }
  let verdict = 0;
  if (!hairpin && (!isReply || env.config.quirks.replyPolicyAccounting)) {
    verdict = policyCanEgress(env, lxc.policyMap, skb, ep.secLabel, dstId, tuple.dport, tuple.nexthdr);
    if (!isReply && verdict < 0) {
      verdictEvent(lxc, skb, dstId, POLICY_EGRESS, verdict);
      return verdict;
    }
  }
  const error = egressConnection(lxc, skb, dstId, verdict, !hairpin);
  if (error === NODEPORT_REPLY) {
    sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_NETWORK, ep.secLabel, dstId, 0, 0, status, scratch.monitor);
    skb.tcIndex |= TC_INDEX_F_SKIP_RECIRCULATION;
    return revNodeportLb4(env, skb);
  }
  if (error < 0) {
    return error;
  }
  hairpin ||= ctState.loopback;
  if (redirectToProxy(verdict, status)) {
    sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_PROXY, ep.secLabel, 0, verdict, 0, status, scratch.monitor);
    return ctxRedirectToProxy(env, skb, verdict);
  }
  return forwardFromLxc(lxc, skb, dstId, hairpin);
}

/** Creates, renews or reverse-translates by connection state. @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc */
function egressConnection(lxc: Lxc, skb: Skb, dstId: Identity, verdict: number, tell: boolean): number {
  const { env, ep } = lxc;
  const { ctState, ctStateNew, tuple, ctStatus } = env.scratch;
  switch (ctStatus) {
    case CT_NEW:
    case CT_REOPENED:
    case CT_ESTABLISHED: {
      if (tell && ctStatus !== CT_ESTABLISHED) {
        verdictEvent(lxc, skb, dstId, POLICY_EGRESS, verdict);
      }
      if (ctStatus === CT_NEW || ctState.revNatIndex !== ctStateNew.revNatIndex) {
        ctStateNew.srcSecId = ep.secLabel;
        const map = getCtMap4(env, tuple.nexthdr);
        return ctCreate4(env, map, env.maps.ctAny4, tuple, skb, CT_EGRESS, ctStateNew, verdict > 0, false);
      }
      return 0;
    }
    case CT_RELATED:
    case CT_REPLY:
      skb.cb[CB_POLICY] = 1;
      if (env.config.nodePort && ctState.nodePort) {
        return NODEPORT_REPLY;
      }
      return ctState.revNatIndex === 0 ? 0 : lb4RevNat(env, skb, ctState, tuple, false);
    default:
      return DROP_UNKNOWN_CT;
  }
}

/** To a local endpoint, or up the stack. @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc */
function forwardFromLxc(lxc: Lxc, skb: Skb, dstId: Identity, hairpin: boolean): number {
  const { env, ep } = lxc;
  if (env.config.enableRouting || hairpin) {
    const local = lookupIp4Endpoint(env, skb, skb.packet.ip.dst);
    if (local !== undefined && (local.flags & ENDPOINT_F_HOST) === 0) {
      skb.cb[CB_POLICY] = 0;
      return ipv4LocalDelivery(env, skb, ep.secLabel, local, METRIC_EGRESS, false, hairpin);
    }
    if (local !== undefined && env.config.hostFirewall && dstId === IDENTITY_HOST) {
      const { ctStatus, monitor } = env.scratch;
      const { hostIfindex } = env.config;
      sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_HOST, ep.secLabel, IDENTITY_HOST, 0, hostIfindex, ctStatus, monitor);
      return skb.redirect(hostIfindex, true);
    }
  }
  return passToStack(lxc, skb, dstId);
}

/** @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc */
function passToStack(lxc: Lxc, skb: Skb, dstId: Identity): number {
  const { env, ep } = lxc;
  // With endpoint routes the stack does the hop.
  const error = env.config.enableRouting ? ipv4L3(skb, null, env.config.routerMac) : 0;
  if (error < 0) {
    return error;
  }
  const before = skb.mark;
  skb.mark = identityMark(MARK_MAGIC_IDENTITY, ep.secLabel);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'change',
      actor: 'bpf',
      fn: 'set_identity_mark',
      see: 'cilium:bpf/lib/common.h#set_identity_mark',
      packet: skb.packet.id,
      target: 'mark',
      before: hex(before),
      after: hex(skb.mark),
    });
  }
  sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_STACK, ep.secLabel, dstId, 0, 0, env.scratch.ctStatus, env.scratch.monitor);
  return TC_ACT_OK;
}

/**
 * The destination's policy, run where the packet happens to be: on the sender's device, or on cilium_host.
 * @see cilium:bpf/bpf_lxc.c#handle_policy
 */
function handlePolicy(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  const { scratch } = env;
  const srcLabel = skb.cb[CB_SRC_LABEL];
  const fromHost = skb.cb[CB_FROM_HOST] !== 0;
  scratch.policyAuditMode = ep.policyAuditMode;
  if (env.journey.recording) {
    enter(lxc, skb, 'handle_policy', `endpoint ${ep.endpointId}, from identity ${srcLabel}${fromHost ? ', from the host' : ''}`);
  }
  scratch.ctState.reset();
  scratch.monitor = 0;
  scratch.ctStatus = ctLookup4(env, getCtMap4(env, skb.packet.ip.protocol), scratch.tuple, skb, CT_INGRESS, scratch.ctState);
  skb.cb[CB_SRC_LABEL] = 0;
  skb.cb[CB_FROM_HOST] = 0;
  let result = scratch.ctStatus < 0 ? scratch.ctStatus : ipv4Policy(lxc, skb, srcLabel);
  if (result === POLICY_ACT_PROXY_REDIRECT) {
    result = ctxRedirectToProxy(env, skb, scratch.proxyPort);
  }
  if (result < 0) {
    return sendDropNotify(env, skb, ep.endpointId, srcLabel, ep.secLabel, ep.endpointId, result, METRIC_INGRESS, SITE_POLICY);
  }
  skb.cb[CB_PROXY_MAGIC] = skb.mark;
  return result as ReturnType<TcProgram>;
}

/**
 * With endpoint routes the stack brings packets to the pod's device itself, and the policy runs there.
 * @see cilium:bpf/bpf_lxc.c#cil_to_container
 * @see cilium:bpf/bpf_lxc.c#tail_ipv4_to_endpoint
 * @remarks Not modelled: the host firewall together with endpoint routes.
 */
function cilToContainer(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  const { scratch } = env;
  if (env.journey.recording) {
    enter(lxc, skb, 'cil_to_container', `endpoint ${ep.endpointId}, device ${ep.ifindex} egress`);
  }
  if (skb.packet.eth.type !== ETH_P_IP) {
    return TC_ACT_OK;
  }
  const magic = skb.mark & MARK_MAGIC_HOST_MASK;
  let source = inheritIdentityFromHost(env, skb);
  const point = magic === MARK_MAGIC_PROXY_INGRESS || magic === MARK_MAGIC_PROXY_EGRESS ? TRACE_FROM_PROXY : TRACE_FROM_STACK;
  sendTraceNotify(env, skb, ep.endpointId, point, source, 0, 0, 0, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  if (identityIsReserved(source)) {
    const label = lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.src)?.secLabel ?? 0;
    source = label === 0 || label === IDENTITY_HOST ? source : label;
  }
  skb.cb.fill(0);
  scratch.ctState.reset();
  scratch.monitor = 0;
  scratch.ctStatus = ctLookup4(env, getCtMap4(env, skb.packet.ip.protocol), scratch.tuple, skb, CT_INGRESS, scratch.ctState);
  let result = scratch.ctStatus < 0 ? scratch.ctStatus : ipv4Policy(lxc, skb, source);
  if (result === POLICY_ACT_PROXY_REDIRECT) {
    result = ctxRedirectToProxyHairpin(env, skb, scratch.proxyPort);
  }
  return result < 0
    ? sendDropNotify(env, skb, ep.endpointId, source, ep.secLabel, ep.endpointId, result, METRIC_INGRESS, SITE_POLICY)
    : (result as ReturnType<TcProgram>);
}

/** @see cilium:bpf/bpf_lxc.c#ipv4_policy */
function ipv4Policy(lxc: Lxc, skb: Skb, srcLabel: Identity): number {
  const { env, ep } = lxc;
  const { scratch } = env;
  const { ctState, ctStateNew, tuple } = scratch;
  const ifindex = skb.cb[CB_IFINDEX];
  const status = scratch.ctStatus;
  const isReply = status === CT_REPLY || status === CT_RELATED;
  const origIp = skb.packet.ip.src;
  const skipIngressProxy = (skb.tcIndex & TC_INDEX_F_SKIP_INGRESS_PROXY) !== 0;
  skb.cb[CB_POLICY] = 0;
  scratch.proxyPort = 0;
  if (isReply && ctState.proxyRedirect && (skb.tcIndex & TC_INDEX_F_SKIP_EGRESS_PROXY) === 0) {
    sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_PROXY, srcLabel, ep.secLabel, 0, ifindex, status, scratch.monitor, origIp);
    return POLICY_ACT_PROXY_REDIRECT;
  }
  if (status === CT_REPLY && ctState.revNatIndex !== 0 && !ctState.loopback) {
    const error = lb4RevNat(env, skb, ctState, tuple, true);
    if (error < 0) {
      return error;
    }
  }
  let verdict = 0;
  const judged = !(isReply || skipIngressProxy) || env.config.quirks.replyPolicyAccounting;
  if (judged && !(env.config.perPacketLb && ctState.loopback)) {
    verdict = policyCanAccessIngress(env, lxc.policyMap, skb, srcLabel, tuple.dport, tuple.nexthdr);
    if (!isReply && verdict < 0) {
      verdictEvent(lxc, skb, srcLabel, POLICY_INGRESS, verdict);
      return verdict;
    }
    if (skipIngressProxy) {
      verdict = 0;
    } else if (status === CT_NEW || status === CT_REOPENED) {
      verdictEvent(lxc, skb, srcLabel, POLICY_INGRESS, verdict);
    }
  }
  if (status === CT_NEW) {
    ctStateNew.reset();
    ctStateNew.srcSecId = srcLabel;
    const map = getCtMap4(env, tuple.nexthdr);
    ctStateNew.nodePort = env.config.nodePort && hasNodePortEgressEntry(map, tuple);
    const error = ctCreate4(env, map, env.maps.ctAny4, tuple, skb, CT_INGRESS, ctStateNew, verdict > 0, false);
    if (error < 0) {
      return error;
    }
  }
  if (redirectToProxy(verdict, status)) {
    scratch.proxyPort = verdict;
    sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_PROXY, srcLabel, ep.secLabel, verdict, ifindex, status, scratch.monitor, origIp);
    return POLICY_ACT_PROXY_REDIRECT;
  }
  sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_LXC, srcLabel, ep.secLabel, ep.endpointId, ifindex, status, scratch.monitor, origIp);
  return redirectEp(env, skb, ifindex, ep.endpointId);
}

/** Whether the network card's program has seen this request come in. @see cilium:bpf/lib/conntrack.h#ct_has_nodeport_egress_entry4 */
function hasNodePortEgressEntry(map: CtMap, tuple: Ipv4CtTuple): boolean {
  const { flags } = tuple;
  tuple.flags = TUPLE_F_OUT;
  const entry = map.lookup(tuple);
  tuple.flags = flags;
  return entry !== undefined && (entry.flags & CT_NODE_PORT) !== 0;
}

function verdictEvent(
  lxc: Lxc,
  skb: Skb,
  remote: Identity,
  direction: typeof POLICY_INGRESS | typeof POLICY_EGRESS,
  verdict: number,
): void {
  const { tuple } = lxc.env.scratch;
  const { endpointId, policyVerdictLogFilter } = lxc.ep;
  sendPolicyVerdictNotify(lxc.env, skb, endpointId, policyVerdictLogFilter, remote, tuple.dport, tuple.nexthdr, direction, verdict);
}

function dropEgress(
  lxc: Lxc,
  skb: Skb,
  dstId: Identity,
  reason: number,
  site: typeof SITE_CONT | typeof SITE_FROM_LXC | typeof SITE_HANDLE_IPV4,
) {
  return sendDropNotify(lxc.env, skb, lxc.ep.endpointId, lxc.ep.secLabel, dstId, 0, reason, METRIC_EGRESS, site);
}

function enter(lxc: Lxc, skb: Skb, fn: string, where: string): void {
  lxc.env.journey.add({
    kind: 'enter',
    actor: 'bpf',
    fn,
    see: `cilium:bpf/bpf_lxc.c#${fn}`,
    packet: skb.packet.id,
    where,
    what: packetSummary(skb.packet),
  });
}

function hex(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
