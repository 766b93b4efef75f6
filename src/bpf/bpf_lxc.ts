/**
 * The programs of a pod's device: what leaves the pod (`cil_from_container`). What may enter it is in lxc_policy.ts.
 * @see cilium:bpf/bpf_lxc.c
 */
import { type Skb, TC_ACT_OK, type TcProgram } from '../kernel/skb.ts';
import { type CallsMap, CILIUM_CALL_IPV4_CT_EGRESS, CILIUM_CALL_IPV4_FROM_LXC, CILIUM_CALL_IPV4_FROM_LXC_CONT } from '../maps/callsmap.ts';
import {
  DROP_FRAG_NOSUPPORT,
  DROP_INVALID_SIP,
  DROP_MISSED_TAIL_CALL,
  DROP_POLICY_AUTH_REQUIRED,
  DROP_UNKNOWN_CT,
  DROP_UNKNOWN_L3,
} from '../maps/drop_reasons.ts';
import { TRACE_FROM_LXC, TRACE_REASON_UNKNOWN, TRACE_TO_NETWORK, TRACE_TO_PROXY } from '../maps/eventsmap.ts';
import { IDENTITY_WORLD, type Identity } from '../maps/identity.ts';
import { l7LbProxyPort } from '../maps/lbmap.ts';
import { TC_INDEX_F_SKIP_RECIRCULATION } from '../maps/marks.ts';
import { METRIC_EGRESS } from '../maps/metricsmap.ts';
import type { PolicyMap } from '../maps/policymap.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import { ETH_P_ARP, ETH_P_IP } from '../net/protocol.ts';
import type { BpfEnv } from './env.ts';
import { createUnauthenticated, verdictOfKnown } from './lib/auth.ts';
import {
  CT_EGRESS,
  CT_ESTABLISHED,
  CT_NEW,
  CT_RELATED,
  CT_REOPENED,
  CT_REPLY,
  ctCreate4,
  ctLookup4,
  getCtMap4,
  TRACE_PAYLOAD_LEN,
} from './lib/conntrack.ts';
import { lookupIp4RemoteEndpoint } from './lib/identity.ts';
import { hasPorts, ipv4HandleFragmentation, isUntrackedFragment } from './lib/ipv4.ts';
import { FROM_HOST_L7_LB, handlePolicyEgress } from './lib/l7_lb.ts';
import { lb4CtxRestoreState, lb4CtxStoreState, lb4Local, lb4LookupService, lb4RevNat, lb4SvcIsL7loadbalancer } from './lib/lb.ts';
import { CB_FROM_HOST, CB_POLICY } from './lib/meta.ts';
import { revNodeportLb4 } from './lib/nodeport.ts';
import { policyCanEgress } from './lib/policy.ts';
import { POLICY_EGRESS } from './lib/policy_log.ts';
import { ctxRedirectToProxy, redirectToProxy } from './lib/proxy.ts';
import { sendTraceNotify } from './lib/trace.ts';
import { type EndpointConfig, enter, type Lxc, verdictEvent } from './lxc.ts';
import { dropEgress, passUnjudged, SITE_CONT, SITE_FROM_LXC, SITE_HANDLE_IPV4 } from './lxc_drops.ts';
import { forwardFromLxc } from './lxc_forward.ts';
import { cilToContainer, handlePolicy } from './lxc_policy.ts';

/** The entry points of an endpoint's object. */
export interface LxcPrograms {
  /** tc ingress of the lxc device. */
  readonly cilFromContainer: TcProgram;
  /** tc egress of the lxc device, with endpoint routes. */
  readonly cilToContainer: TcProgram;
  /** Slot of the endpoint in cilium_call_policy. */
  readonly handlePolicy: TcProgram;
  /** Slot of the endpoint in cilium_egresscall_policy. */
  readonly handlePolicyEgress: TcProgram;
}

/** Return of the egress side that asks for the node port's way back: a tail call of its own. */
const NODEPORT_REPLY = 1 << 17;

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
    handlePolicyEgress: (skb) => handlePolicyEgress(env, ep, calls, skb),
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
    return program === undefined ? dropEgress(env, ep, skb, 0, DROP_MISSED_TAIL_CALL, SITE_FROM_LXC) : program(skb);
  }
  return type === ETH_P_ARP ? TC_ACT_OK : dropEgress(env, ep, skb, 0, DROP_UNKNOWN_L3, SITE_FROM_LXC);
}

/** @see cilium:bpf/bpf_lxc.c#tail_handle_ipv4 */
function tailHandleIpv4(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  const error = translateService(lxc, skb);
  if (error < 0) {
    return dropEgress(env, ep, skb, 0, error, SITE_HANDLE_IPV4);
  }
  const program = lxc.calls.get(CILIUM_CALL_IPV4_CT_EGRESS);
  return program === undefined ? dropEgress(env, ep, skb, 0, DROP_MISSED_TAIL_CALL, SITE_HANDLE_IPV4) : program(skb);
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
  let proxyPort = 0;
  if (hasPorts(packet)) {
    const error = ipv4HandleFragmentation(env, skb, METRIC_EGRESS);
    if (error < 0) {
      return error;
    }
    const service = lb4LookupService(env, skb, packet.ip.dst, env.scratch.dport, false, env.config.nodePort);
    if (service !== undefined && lb4SvcIsL7loadbalancer(env, service)) {
      proxyPort = l7LbProxyPort(service);
    } else if (service !== undefined) {
      const tuple = env.scratch.serviceTuple;
      const result = lb4Local(env, getCtMap4(env, packet.ip.protocol), skb, tuple, service, state);
      if (result < 0) {
        return result;
      }
    }
  }
  lb4CtxStoreState(skb, state, proxyPort);
  return 0;
}

/**
 * A look-up that fails (a protocol conntrack does not know) ends the tail call with the bare error. That is no verdict of tc, so nobody is told and
 * the packet goes up the stack past the policy; later releases drop it here. Where the code is inlined, its caller drops.
 * @see cilium:bpf/bpf_lxc.c#TAIL_CT_LOOKUP4
 */
function tailIpv4CtEgress(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  const { scratch } = env;
  scratch.ctState.reset();
  scratch.monitor = 0;
  scratch.ctStatus = ctLookup4(env, getCtMap4(env, skb.packet.ip.protocol), scratch.tuple, skb, CT_EGRESS, scratch.ctState);
  if (scratch.ctStatus < 0) {
    return env.config.perPacketLb
      ? passUnjudged(env, skb, scratch.ctStatus)
      : dropEgress(env, ep, skb, 0, scratch.ctStatus, SITE_HANDLE_IPV4);
  }
  const program = lxc.calls.get(CILIUM_CALL_IPV4_FROM_LXC_CONT);
  return program === undefined ? passUnjudged(env, skb, DROP_MISSED_TAIL_CALL) : program(skb);
}

/** @see cilium:bpf/bpf_lxc.c#tail_handle_ipv4_cont */
function tailHandleIpv4Cont(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  const info = lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.dst);
  const known = info !== undefined && info.secLabel !== 0;
  const dstId = known ? info.secLabel : IDENTITY_WORLD;
  const result = handleIpv4FromLxc(lxc, skb, dstId, known ? info.tunnelEndpoint : 0);
  return result < 0 ? dropEgress(env, ep, skb, dstId, result, SITE_CONT) : (result as ReturnType<TcProgram>);
}

/** Policy, connection entry, and where the packet goes. @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc */
function handleIpv4FromLxc(lxc: Lxc, skb: Skb, dstId: Identity, tunnelEndpoint: Ipv4): number {
  const { env, ep } = lxc;
  const { scratch } = env;
  const { ctState, ctStateNew, tuple } = scratch;
  ctStateNew.reset();
  const l7LbPort = lb4CtxRestoreState(env, skb, ctStateNew);
  const fromL7Lb = env.config.l7Lb && skb.cb[CB_FROM_HOST] === FROM_HOST_L7_LB;
  let hairpin = ctStateNew.loopback;
  const status = scratch.ctStatus;
  const isReply = status === CT_REPLY || status === CT_RELATED;
  if (l7LbPort === 0 && isReply && ctState.proxyRedirect) {
    // The stack finds the proxy's socket. No notification here: the branch point sends none either.
    return ctxRedirectToProxy(env, skb, 0);
  }
  // The pod's policy is asked about what the load balancer makes of the connection, not about the service.
  let verdict = l7LbPort;
  let told = hairpin || l7LbPort !== 0;
  if (!told && (!isReply || env.config.quirks.replyPolicyAccounting)) {
    verdict = policyCanEgress(env, lxc.policyMap, skb, ep.secLabel, dstId, tuple.dport, tuple.nexthdr);
    if (!isReply && verdict < 0) {
      // Packets of authenticated connections are told as denied too, all of them.
      verdictEvent(lxc, skb, dstId, POLICY_EGRESS, verdict);
      told = true;
      verdict = verdict === DROP_POLICY_AUTH_REQUIRED ? verdictOfKnown(env) : verdict;
      if (verdict < 0) {
        return verdict === DROP_POLICY_AUTH_REQUIRED && status === CT_NEW
          ? createUnauthenticated(env, skb, CT_EGRESS, ep.secLabel)
          : verdict;
      }
    }
  }
  const error = egressConnection(lxc, skb, dstId, verdict, !told, fromL7Lb);
  if (error === NODEPORT_REPLY) {
    sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_NETWORK, ep.secLabel, dstId, 0, 0, status, scratch.monitor);
    skb.tcIndex |= TC_INDEX_F_SKIP_RECIRCULATION;
    return revNodeportLb4(env, skb, ep.endpointId, ep.secLabel);
  }
  if (error < 0) {
    return error;
  }
  hairpin ||= ctState.loopback;
  if (!fromL7Lb && redirectToProxy(verdict, status)) {
    sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_PROXY, ep.secLabel, 0, verdict, 0, status, scratch.monitor);
    return ctxRedirectToProxy(env, skb, verdict);
  }
  return forwardFromLxc(env, skb, ep, dstId, tunnelEndpoint, hairpin, fromL7Lb);
}

/** Creates, renews or reverse-translates by connection state. @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc */
function egressConnection(lxc: Lxc, skb: Skb, dstId: Identity, verdict: number, tell: boolean, fromL7Lb: boolean): number {
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
        return ctCreate4(env, map, env.maps.ctAny4, tuple, skb, CT_EGRESS, ctStateNew, verdict > 0, fromL7Lb);
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
