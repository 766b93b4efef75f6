/**
 * How packets end at a pod's programs: dropped with a notification, or passed on because a bare error is no verdict.
 * @see cilium:bpf/bpf_lxc.c
 */
import { type Skb, TC_ACT_OK, type TcAct } from '../kernel/skb.ts';
import { DROP_POLICY_AUTH_REQUIRED, dropReasonText } from '../maps/drop_reasons.ts';
import type { Identity } from '../maps/identity.ts';
import { METRIC_EGRESS, METRIC_INGRESS } from '../maps/metricsmap.ts';
import type { BpfEnv } from './env.ts';
import { type DropSite, FILE_BPF_LXC, sendDropNotify } from './lib/drop.ts';

/** The endpoint whose program drops. */
interface Dropper {
  readonly endpointId: number;
  readonly secLabel: Identity;
}

/** Lines of the send_drop_notify calls of 1.13.3. */
export const SITE_CONT: DropSite = { file: FILE_BPF_LXC, line: 1168 };
export const SITE_HANDLE_IPV4: DropSite = { file: FILE_BPF_LXC, line: 1264 };
export const SITE_FROM_LXC: DropSite = { file: FILE_BPF_LXC, line: 1355 };
export const SITE_POLICY: DropSite = { file: FILE_BPF_LXC, line: 1889 };
export const SITE_TO_ENDPOINT: DropSite = { file: FILE_BPF_LXC, line: 1968 };
export const SITE_TO_CONTAINER: DropSite = { file: FILE_BPF_LXC, line: 2177 };
export const SITE_HANDLE_POLICY: DropSite = { file: FILE_BPF_LXC, line: 2043 };
export const SITE_HANDLE_POLICY_EGRESS: DropSite = { file: FILE_BPF_LXC, line: 2095 };

/** Drops what the pod sends. A destination endpoint is named by ingress drops only. @see cilium:bpf/lib/drop.h#send_drop_notify */
export function dropEgress(env: BpfEnv, ep: Dropper, skb: Skb, dstId: Identity, reason: number, site: DropSite): TcAct {
  const extError = reason === DROP_POLICY_AUTH_REQUIRED ? env.scratch.extError : 0;
  return sendDropNotify(env, skb, ep.endpointId, ep.secLabel, dstId, 0, reason, METRIC_EGRESS, site, extError);
}

/**
 * Drops what is sent to the pod. Unlike the other direction it does not tell which authentication is missing, so that the agent of 1.13 cannot
 * authenticate what comes in.
 * @see cilium:bpf/lib/drop.h#send_drop_notify
 */
export function dropIngress(env: BpfEnv, ep: Dropper, skb: Skb, srcLabel: Identity, reason: number, site: DropSite): TcAct {
  return sendDropNotify(env, skb, ep.endpointId, srcLabel, ep.secLabel, ep.endpointId, reason, METRIC_INGRESS, site);
}

/**
 * What tc makes of a code it does not know (TC_ACT_UNSPEC): the packet goes on as if there were no program.
 * @see cilium:bpf/bpf_lxc.c#TAIL_CT_LOOKUP4
 */
export function passUnjudged(env: BpfEnv, skb: Skb, error: number): TcAct {
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: 'TAIL_CT_LOOKUP4',
      see: 'cilium:bpf/bpf_lxc.c#TAIL_CT_LOOKUP4',
      packet: skb.packet.id,
      verdict: 'allow',
      why: `${dropReasonText(error)}: the bare error is no verdict of tc, so the packet goes on past the policy`,
      data: { error },
    });
  }
  return TC_ACT_OK;
}
