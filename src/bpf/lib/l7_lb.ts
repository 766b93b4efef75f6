/**
 * Load balancing by the proxy: a pod's packets to a service go to a listener, and what the proxy then sends in the pod's name is judged by the
 * pod's own egress policy.
 * @see cilium:bpf/bpf_lxc.c#handle_policy_egress
 */
import type { Skb, TcProgram } from '../../kernel/skb.ts';
import { type CallsMap, CILIUM_CALL_IPV4_FROM_LXC } from '../../maps/callsmap.ts';
import { DROP_MISSED_TAIL_CALL, DROP_UNKNOWN_L3 } from '../../maps/drop_reasons.ts';
import { TRACE_FROM_PROXY, TRACE_REASON_UNKNOWN } from '../../maps/eventsmap.ts';
import { MARK_MAGIC_HOST_MASK, MARK_MAGIC_PROXY_EGRESS_EPID } from '../../maps/marks.ts';
import { METRIC_EGRESS } from '../../maps/metricsmap.ts';
import { packetSummary } from '../../net/packet.ts';
import { ETH_P_IP } from '../../net/protocol.ts';

import type { BpfEnv } from '../env.ts';
import type { EndpointConfig } from '../lxc.ts';
import { SITE_HANDLE_POLICY_EGRESS } from '../lxc_drops.ts';
import { TRACE_PAYLOAD_LEN } from './conntrack.ts';
import { sendDropNotify } from './drop.ts';
import { CB_FROM_HOST } from './meta.ts';
import { sendTraceNotify } from './trace.ts';

/** CB_FROM_HOST of what an L7 load balancer sends. @see cilium:bpf/lib/common.h#FROM_HOST_L7_LB */
export const FROM_HOST_L7_LB = 0xfacade42;

/** Whether the proxy sent this in the name of an endpoint, whose number the mark carries. @see cilium:bpf/lib/common.h#get_epid */
export function isFromL7Lb(env: BpfEnv, skb: Skb): boolean {
  return env.config.l7Lb && (skb.mark & MARK_MAGIC_HOST_MASK) === MARK_MAGIC_PROXY_EGRESS_EPID;
}

/**
 * Hands the packet to the egress program of the endpoint in its mark.
 * @returns what that program returns, or `null` if there is none
 * @see cilium:bpf/bpf_host.c#do_netdev
 */
export function tailCallEgressPolicy(env: BpfEnv, skb: Skb): ReturnType<TcProgram> | null {
  const endpointId = skb.mark >>> 16;
  const program = env.maps.policyEgressCall?.get(endpointId);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: 'do_netdev',
      see: 'cilium:bpf/bpf_host.c#do_netdev',
      packet: skb.packet.id,
      map: env.maps.policyEgressCall?.name ?? '',
      key: { endpoint: endpointId },
      entry: program === undefined ? null : `handle_policy_egress of endpoint ${endpointId}`,
    });
  }
  skb.mark = 0;
  return program === undefined ? null : program(skb);
}

/** Slot of an endpoint in cilium_egresscall_policy. @see cilium:bpf/bpf_lxc.c#handle_policy_egress */
export function handlePolicyEgress(env: BpfEnv, ep: EndpointConfig, calls: CallsMap, skb: Skb): ReturnType<TcProgram> {
  env.scratch.policyAuditMode = ep.policyAuditMode;
  if (env.journey.recording) {
    env.journey.add({
      kind: 'enter',
      actor: 'bpf',
      fn: 'handle_policy_egress',
      see: 'cilium:bpf/bpf_lxc.c#handle_policy_egress',
      packet: skb.packet.id,
      where: `endpoint ${ep.endpointId}, from the L7 load balancer`,
      what: packetSummary(skb.packet),
    });
  }
  skb.cb[CB_FROM_HOST] = FROM_HOST_L7_LB;
  sendTraceNotify(env, skb, ep.endpointId, TRACE_FROM_PROXY, ep.secLabel, 0, 0, 0, TRACE_REASON_UNKNOWN, TRACE_PAYLOAD_LEN);
  const program = calls.get(CILIUM_CALL_IPV4_FROM_LXC);
  if (skb.packet.eth.type === ETH_P_IP && program !== undefined) {
    return program(skb);
  }
  const reason = program === undefined ? DROP_MISSED_TAIL_CALL : DROP_UNKNOWN_L3;
  return sendDropNotify(env, skb, ep.endpointId, ep.secLabel, 0, 0, reason, METRIC_EGRESS, SITE_HANDLE_POLICY_EGRESS);
}
