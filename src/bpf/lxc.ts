/**
 * What the programs of one pod's device share: the endpoint they are compiled for, and how they tell what happens.
 * @see cilium:bpf/bpf_lxc.c
 */
import type { Skb } from '../kernel/skb.ts';
import type { CallsMap } from '../maps/callsmap.ts';
import type { Identity } from '../maps/identity.ts';
import type { PolicyMap } from '../maps/policymap.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { Mac } from '../net/mac.ts';
import { packetSummary } from '../net/packet.ts';
import type { BpfEnv } from './env.ts';
import { type POLICY_EGRESS, type POLICY_INGRESS, sendPolicyVerdictNotify } from './lib/policy_log.ts';

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

/** An endpoint's object: its configuration and its maps. */
export interface Lxc {
  readonly env: BpfEnv;
  readonly ep: EndpointConfig;
  readonly policyMap: PolicyMap;
  readonly calls: CallsMap;
}

/** Tells of a decision of policy. */
export function verdictEvent(
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

/** Tells that a program begins. */
export function enter(lxc: Lxc, skb: Skb, fn: string, where: string): void {
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
