/**
 * What may enter a pod: `handle_policy`, called by whoever delivers to it, and with endpoint routes `cil_to_container`.
 * @see cilium:bpf/bpf_lxc.c
 */
import { type Skb, TC_ACT_OK, type TcProgram } from '../kernel/skb.ts';
import { CT_NODE_PORT, type CtMap, type Ipv4CtTuple, TUPLE_F_OUT } from '../maps/ctmap.ts';
import { DROP_MISSED_TAIL_CALL, DROP_POLICY_AUTH_REQUIRED } from '../maps/drop_reasons.ts';
import { TRACE_FROM_PROXY, TRACE_FROM_STACK, TRACE_REASON_UNKNOWN, TRACE_TO_LXC, TRACE_TO_PROXY } from '../maps/eventsmap.ts';
import { IDENTITY_HOST, type Identity } from '../maps/identity.ts';
import {
  MARK_MAGIC_HOST_MASK,
  MARK_MAGIC_PROXY_EGRESS,
  MARK_MAGIC_PROXY_INGRESS,
  TC_INDEX_F_SKIP_EGRESS_PROXY,
  TC_INDEX_F_SKIP_INGRESS_PROXY,
} from '../maps/marks.ts';
import { ETH_P_IP } from '../net/protocol.ts';
import { createUnauthenticated, verdictOfKnown } from './lib/auth.ts';
import {
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
import { identityIsReserved, inheritIdentityFromHost, lookupIp4RemoteEndpoint } from './lib/identity.ts';
import { redirectEp } from './lib/l3.ts';
import { isFromL7Lb, tailCallEgressPolicy } from './lib/l7_lb.ts';
import { lb4RevNat } from './lib/lb.ts';
import { CB_DST_ENDPOINT_ID, CB_FROM_HOST, CB_IFINDEX, CB_POLICY, CB_PROXY_MAGIC, CB_SRC_LABEL } from './lib/meta.ts';
import { policyCanAccessIngress } from './lib/policy.ts';
import { POLICY_INGRESS } from './lib/policy_log.ts';
import { ctxRedirectToProxy, ctxRedirectToProxyHairpin, redirectToProxy } from './lib/proxy.ts';
import { sendTraceNotify } from './lib/trace.ts';
import { enter, type Lxc, verdictEvent } from './lxc.ts';
import { dropIngress, passUnjudged, SITE_HANDLE_POLICY, SITE_POLICY, SITE_TO_CONTAINER, SITE_TO_ENDPOINT } from './lxc_drops.ts';
import { callHostProgram } from './lxc_forward.ts';

/** Return of ipv4_policy that asks for the proxy. @see cilium:bpf/lib/common.h#POLICY_ACT_PROXY_REDIRECT */
const POLICY_ACT_PROXY_REDIRECT = 1 << 16;

/**
 * The destination's policy, run where the packet happens to be: on the sender's device, or on cilium_host.
 * @see cilium:bpf/bpf_lxc.c#handle_policy
 */
export function handlePolicy(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
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
  if (scratch.ctStatus < 0) {
    return dropIngress(env, ep, skb, srcLabel, scratch.ctStatus, SITE_HANDLE_POLICY);
  }
  let result = ipv4Policy(lxc, skb, srcLabel);
  if (result === POLICY_ACT_PROXY_REDIRECT) {
    result = ctxRedirectToProxy(env, skb, scratch.proxyPort);
  }
  if (result < 0) {
    return dropIngress(env, ep, skb, srcLabel, result, SITE_POLICY);
  }
  skb.cb[CB_PROXY_MAGIC] = skb.mark;
  return result as ReturnType<TcProgram>;
}

/**
 * With endpoint routes the stack brings packets to the pod's device itself, and the policy runs there.
 * @see cilium:bpf/bpf_lxc.c#cil_to_container
 * @see cilium:bpf/bpf_lxc.c#tail_ipv4_to_endpoint
 */
export function cilToContainer(lxc: Lxc, skb: Skb): ReturnType<TcProgram> {
  const { env, ep } = lxc;
  const { scratch } = env;
  if (env.journey.recording) {
    enter(lxc, skb, 'cil_to_container', `endpoint ${ep.endpointId}, device ${ep.ifindex} egress`);
  }
  if (skb.packet.eth.type !== ETH_P_IP) {
    return TC_ACT_OK;
  }
  if (isFromL7Lb(env, skb)) {
    skb.cb.fill(0);
    return tailCallEgressPolicy(env, skb) ?? passUnjudged(env, skb, DROP_MISSED_TAIL_CALL);
  }
  const magic = skb.mark & MARK_MAGIC_HOST_MASK;
  let source = inheritIdentityFromHost(env, skb);
  const point = magic === MARK_MAGIC_PROXY_INGRESS || magic === MARK_MAGIC_PROXY_EGRESS ? TRACE_FROM_PROXY : TRACE_FROM_STACK;
  sendTraceNotify(env, skb, ep.endpointId, point, source, 0, 0, 0, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  if (env.config.hostFirewall && source === IDENTITY_HOST) {
    // The host's program asks the host's policy first, and then comes back by handle_policy.
    skb.cb.fill(0);
    skb.cb[CB_FROM_HOST] = 1;
    skb.cb[CB_DST_ENDPOINT_ID] = ep.endpointId;
    const result = callHostProgram(env, skb);
    return result < 0 ? dropIngress(env, ep, skb, source, result, SITE_TO_CONTAINER) : (result as ReturnType<TcProgram>);
  }
  if (identityIsReserved(source)) {
    const label = lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.src)?.secLabel ?? 0;
    source = label === 0 || label === IDENTITY_HOST ? source : label;
  }
  skb.cb.fill(0);
  scratch.ctState.reset();
  scratch.monitor = 0;
  scratch.ctStatus = ctLookup4(env, getCtMap4(env, skb.packet.ip.protocol), scratch.tuple, skb, CT_INGRESS, scratch.ctState);
  if (scratch.ctStatus < 0) {
    return passUnjudged(env, skb, scratch.ctStatus);
  }
  let result = ipv4Policy(lxc, skb, source);
  if (result === POLICY_ACT_PROXY_REDIRECT) {
    result = ctxRedirectToProxyHairpin(env, skb, scratch.proxyPort);
  }
  return result < 0 ? dropIngress(env, ep, skb, source, result, SITE_TO_ENDPOINT) : (result as ReturnType<TcProgram>);
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
  if (isReply && (ctState.fromL7lb || (ctState.proxyRedirect && (skb.tcIndex & TC_INDEX_F_SKIP_EGRESS_PROXY) === 0))) {
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
    if (verdict === DROP_POLICY_AUTH_REQUIRED) {
      verdict = verdictOfKnown(env);
    }
    if (skipIngressProxy) {
      verdict = 0;
    } else if (!isReply && verdict < 0) {
      verdictEvent(lxc, skb, srcLabel, POLICY_INGRESS, verdict);
      ctStateNew.reset();
      return verdict === DROP_POLICY_AUTH_REQUIRED && status === CT_NEW ? createUnauthenticated(env, skb, CT_INGRESS, srcLabel) : verdict;
    } else if (status === CT_NEW || status === CT_REOPENED) {
      verdictEvent(lxc, skb, srcLabel, POLICY_INGRESS, verdict);
    }
  }
  const map = getCtMap4(env, tuple.nexthdr);
  const nodePort = env.config.nodePort && (status === CT_NEW || status === CT_REOPENED) && hasNodePortEgressEntry(map, tuple);
  if (status === CT_REOPENED && env.config.nodePort && ctState.nodePort !== nodePort) {
    updateNodePort(map, tuple, nodePort);
  }
  if (status === CT_NEW) {
    ctStateNew.reset();
    ctStateNew.srcSecId = srcLabel;
    ctStateNew.nodePort = nodePort;
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

/** An entry that is used again by a request from elsewhere. @see cilium:bpf/lib/conntrack.h#ct_update_nodeport */
function updateNodePort(map: CtMap, tuple: Ipv4CtTuple, nodePort: boolean): void {
  const entry = map.lookup(tuple);
  if (entry !== undefined) {
    entry.flags = nodePort ? entry.flags | CT_NODE_PORT : entry.flags & ~CT_NODE_PORT;
  }
}
