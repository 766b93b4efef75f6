/**
 * The end of a pod's egress program: where a packet goes that policy has let pass.
 * @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc
 */
import { type Skb, TC_ACT_OK } from '../kernel/skb.ts';
import { DROP_MISSED_TAIL_CALL, DROP_NO_TUNNEL_ENDPOINT } from '../maps/drop_reasons.ts';
import { TRACE_TO_HOST, TRACE_TO_STACK } from '../maps/eventsmap.ts';
import { IDENTITY_HOST, type Identity } from '../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../maps/lxcmap.ts';
import { identityMark, MARK_MAGIC_IDENTITY } from '../maps/marks.ts';
import { METRIC_EGRESS } from '../maps/metricsmap.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { BpfEnv } from './env.ts';
import { encapAndRedirectLxc } from './lib/encap.ts';
import { lookupIp4Endpoint } from './lib/eps.ts';
import { ipv4L3, ipv4LocalDelivery } from './lib/l3.ts';
import { CB_FROM_HOST, CB_POLICY } from './lib/meta.ts';
import { sendTraceNotify } from './lib/trace.ts';

/** The pod that sends. */
interface Sender {
  readonly endpointId: number;
  readonly secLabel: Identity;
}

/**
 * To a local endpoint, to the host, into the tunnel, or up the stack.
 * @param tunnelEndpoint the node that holds the destination; 0 = none, or this one
 * @param hairpin the pod talks to itself through a service
 * @param fromL7Lb it comes from the proxy of an L7 load balancer
 * @see cilium:bpf/bpf_lxc.c#handle_ipv4_from_lxc
 */
export function forwardFromLxc(
  env: BpfEnv,
  skb: Skb,
  ep: Sender,
  dstId: Identity,
  tunnelEndpoint: Ipv4,
  hairpin: boolean,
  fromL7Lb: boolean,
): number {
  const { config, scratch } = env;
  if (config.enableRouting || hairpin) {
    const local = lookupIp4Endpoint(env, skb, skb.packet.ip.dst);
    if (local !== undefined && (local.flags & ENDPOINT_F_HOST) === 0) {
      skb.cb[CB_POLICY] = 0;
      return ipv4LocalDelivery(env, skb, ep.secLabel, local, METRIC_EGRESS, fromL7Lb, hairpin);
    }
    if (local !== undefined) {
      return toHost(env, skb, ep, dstId);
    }
  } else if (config.hostFirewall && dstId === IDENTITY_HOST) {
    skb.cb[CB_FROM_HOST] = 0;
    return callHostProgram(env, skb);
  }
  if (config.tunnel) {
    const { ctStatus: reason, monitor } = scratch;
    const result = encapAndRedirectLxc(env, skb, {
      tunnelEndpoint,
      secLabel: ep.secLabel,
      dstId,
      source: ep.endpointId,
      reason,
      monitor,
    });
    if (result === TC_ACT_OK) {
      sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_STACK, ep.secLabel, dstId, 0, 0, reason, monitor);
    }
    if (result !== DROP_NO_TUNNEL_ENDPOINT) {
      return result;
    }
  }
  return passToStack(env, skb, ep, dstId);
}

/** With endpoint routes the host's policy is reached by the host's slot of the policy map. @see cilium:bpf/bpf_host.c#handle_lxc_traffic */
export function callHostProgram(env: BpfEnv, skb: Skb): number {
  return env.maps.policyCall.get(env.config.hostEpId)?.(skb) ?? DROP_MISSED_TAIL_CALL;
}

function toHost(env: BpfEnv, skb: Skb, ep: Sender, dstId: Identity): number {
  const { hostFirewall, hostIfindex } = env.config;
  if (!hostFirewall || dstId !== IDENTITY_HOST) {
    return passToStack(env, skb, ep, dstId);
  }
  const { ctStatus, monitor } = env.scratch;
  sendTraceNotify(env, skb, ep.endpointId, TRACE_TO_HOST, ep.secLabel, IDENTITY_HOST, 0, hostIfindex, ctStatus, monitor);
  return skb.redirect(hostIfindex, true);
}

function passToStack(env: BpfEnv, skb: Skb, ep: Sender, dstId: Identity): number {
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

function hex(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
