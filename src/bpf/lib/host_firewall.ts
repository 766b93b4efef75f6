/**
 * Policy for the host itself: what enters it and what it sends.
 * @see cilium:bpf/lib/host_firewall.h
 */
import { PACKET_HOST, type Skb, TC_ACT_OK } from '../../kernel/skb.ts';
import { DROP_POLICY_AUTH_REQUIRED } from '../../maps/drop_reasons.ts';
import { IDENTITY_HOST, IDENTITY_WORLD, type Identity } from '../../maps/identity.ts';
import type { PolicyMap } from '../../maps/policymap.ts';
import type { BpfEnv } from '../env.ts';
import { createUnauthenticated, verdictOfKnown } from './auth.ts';
import { CT_EGRESS, CT_ESTABLISHED, CT_INGRESS, CT_NEW, CT_RELATED, CT_REPLY, ctCreate4, ctLookup4, getCtMap4 } from './conntrack.ts';
import { lookupIp4RemoteEndpoint } from './identity.ts';
import { policyCanAccessIngress, policyCanEgress } from './policy.ts';
import { POLICY_EGRESS, POLICY_INGRESS, sendPolicyVerdictNotify } from './policy_log.ts';

/** The host endpoint's policy. */
export interface HostFirewall {
  readonly endpointId: number;
  readonly policyMap: PolicyMap;
  /** Read for each packet: a host's program is compiled once, its policy comes and goes. */
  readonly verdictFilter: () => number;
  /** POLICY_AUDIT_MODE likewise. */
  readonly auditMode: () => boolean;
}

/** Packets that the host itself sends; others pass. @see cilium:bpf/lib/host_firewall.h#ipv4_host_policy_egress */
export function ipv4HostPolicyEgress(env: BpfEnv, firewall: HostFirewall, skb: Skb, source: Identity): number {
  if (source !== IDENTITY_HOST) {
    return env.config.masquerade ? TC_ACT_OK : whitelistSnatedEgress(env, skb);
  }
  const destination = identityOf(env, skb, skb.packet.ip.dst, 0);
  return judge(env, firewall, skb, CT_EGRESS, destination, IDENTITY_HOST);
}

/** Packets to the host's addresses; others pass. @see cilium:bpf/lib/host_firewall.h#ipv4_host_policy_ingress */
export function ipv4HostPolicyIngress(env: BpfEnv, firewall: HostFirewall, skb: Skb): number {
  if (identityOf(env, skb, skb.packet.ip.dst, IDENTITY_WORLD) !== IDENTITY_HOST) {
    return TC_ACT_OK;
  }
  const source = identityOf(env, skb, skb.packet.ip.src, 0);
  env.scratch.remoteId = source;
  const result = judge(env, firewall, skb, CT_INGRESS, source, source);
  if (result === TC_ACT_OK) {
    skb.pktType = PACKET_HOST;
  }
  return result;
}

/**
 * A pod's connection that iptables has given the host's address: its replies come to the host and must be known there.
 * @see cilium:bpf/lib/host_firewall.h#whitelist_snated_egress_connections
 */
function whitelistSnatedEgress(env: BpfEnv, skb: Skb): number {
  const { scratch } = env;
  if (lookupIp4RemoteEndpoint(env, skb, skb.packet.ip.src)?.secLabel !== IDENTITY_HOST) {
    return TC_ACT_OK;
  }
  scratch.ctState.reset();
  const map = getCtMap4(env, skb.packet.ip.protocol);
  scratch.ctStatus = ctLookup4(env, map, scratch.tuple, skb, CT_EGRESS, scratch.ctState);
  scratch.ctStateNew.reset();
  return scratch.ctStatus === CT_NEW
    ? ctCreate4(env, map, env.maps.ctAny4, scratch.tuple, skb, CT_EGRESS, scratch.ctStateNew, false, false)
    : Math.min(scratch.ctStatus, TC_ACT_OK);
}

function judge(
  env: BpfEnv,
  firewall: HostFirewall,
  skb: Skb,
  dir: typeof CT_EGRESS | typeof CT_INGRESS,
  remote: Identity,
  owner: Identity,
): number {
  const { scratch } = env;
  const { tuple, ctState, ctStateNew } = scratch;
  const map = getCtMap4(env, skb.packet.ip.protocol);
  ctState.reset();
  const status = ctLookup4(env, map, tuple, skb, dir, ctState);
  scratch.ctStatus = status;
  if (status < 0) {
    return status;
  }
  const isReply = status === CT_REPLY || status === CT_RELATED;
  if (isReply && !env.config.quirks.replyPolicyAccounting) {
    return TC_ACT_OK;
  }
  scratch.policyAuditMode = firewall.auditMode();
  let verdict =
    dir === CT_EGRESS
      ? policyCanEgress(env, firewall.policyMap, skb, IDENTITY_HOST, remote, tuple.dport, tuple.nexthdr)
      : policyCanAccessIngress(env, firewall.policyMap, skb, remote, tuple.dport, tuple.nexthdr);
  if (isReply) {
    return TC_ACT_OK;
  }
  ctStateNew.reset();
  if (verdict === DROP_POLICY_AUTH_REQUIRED) {
    verdict = status === CT_NEW ? createUnauthenticated(env, skb, dir, owner) : verdictOfKnown(env);
  }
  if (status === CT_NEW && verdict >= 0) {
    ctStateNew.srcSecId = owner;
    ctStateNew.nodePort = dir === CT_INGRESS && ctState.nodePort;
    const error = ctCreate4(env, map, env.maps.ctAny4, tuple, skb, dir, ctStateNew, verdict > 0, false);
    if (error < 0) {
      return error;
    }
  }
  if (verdict < 0 || status !== CT_ESTABLISHED) {
    const direction = dir === CT_EGRESS ? POLICY_EGRESS : POLICY_INGRESS;
    const filter = firewall.verdictFilter();
    sendPolicyVerdictNotify(env, skb, firewall.endpointId, filter, remote, tuple.dport, tuple.nexthdr, direction, verdict);
  }
  return Math.min(verdict, TC_ACT_OK);
}

function identityOf(env: BpfEnv, skb: Skb, address: number, fallback: Identity): Identity {
  const label = lookupIp4RemoteEndpoint(env, skb, address)?.secLabel ?? 0;
  return label === 0 ? fallback : label;
}
