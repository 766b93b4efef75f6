/**
 * The policy look-up: a fixed sequence of keys, the first hit decides.
 * @see cilium:bpf/lib/policy.h#__policy_can_access
 */
import type { Skb } from '../../kernel/skb.ts';
import {
  DROP_ENCAP_PROHIBITED,
  DROP_FRAG_NOSUPPORT,
  DROP_POLICY,
  DROP_POLICY_AUTH_REQUIRED,
  DROP_POLICY_DENY,
  dropReasonText,
} from '../../maps/drop_reasons.ts';
import {
  POLICY_MATCH_ALL,
  POLICY_MATCH_L3_L4,
  POLICY_MATCH_L3_ONLY,
  POLICY_MATCH_L3_PROTO,
  POLICY_MATCH_L4_ONLY,
  POLICY_MATCH_NAMES,
  POLICY_MATCH_NONE,
  POLICY_MATCH_PROTO_ONLY,
  type PolicyMatchType,
} from '../../maps/eventsmap.ts';
import { IDENTITY_HOST } from '../../maps/identity.ts';
import { type PolicyEntry, type PolicyMap, TRAFFIC_EGRESS, TRAFFIC_INGRESS, type TrafficDirection } from '../../maps/policymap.ts';
import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, IPPROTO_ICMP, IPPROTO_UDP } from '../../net/protocol.ts';
import type { BpfEnv } from '../env.ts';
import { icmpFields, isUntrackedFragment } from './ipv4.ts';
import { CB_POLICY } from './meta.ts';

/**
 * May the peer send to this endpoint?
 * @returns a proxy port (> 0), 0 to allow, or a negative drop reason; the match type is in `scratch`
 * @see cilium:bpf/lib/policy.h#policy_can_access_ingress
 */
export function policyCanAccessIngress(env: BpfEnv, map: PolicyMap, skb: Skb, srcId: number, dport: number, proto: number): number {
  return audit(env, policyCanAccess(env, map, skb, srcId, dport, proto, TRAFFIC_INGRESS));
}

/**
 * May this endpoint send to the peer?
 * @see cilium:bpf/lib/policy.h#policy_can_egress
 */
export function policyCanEgress(env: BpfEnv, map: PolicyMap, skb: Skb, srcId: number, dstId: number, dport: number, proto: number): number {
  if (env.config.tunnel && srcId !== IDENTITY_HOST && proto === IPPROTO_UDP && dport === env.config.tunnelPort) {
    env.scratch.matchType = POLICY_MATCH_NONE;
    env.scratch.audited = false;
    return DROP_ENCAP_PROHIBITED;
  }
  return audit(env, policyCanAccess(env, map, skb, dstId, dport, proto, TRAFFIC_EGRESS));
}

function audit(env: BpfEnv, verdict: number): number {
  env.scratch.audited = verdict < 0 && env.scratch.policyAuditMode;
  return env.scratch.audited ? 0 : verdict;
}

function policyCanAccess(
  env: BpfEnv,
  map: PolicyMap,
  skb: Skb,
  remote: number,
  dport: number,
  proto: number,
  egress: TrafficDirection,
): number {
  const { config, scratch } = env;
  // The branch point looks for fewer keys, and only those with a port can redirect.
  const released = config.quirks.policyIdProtoAny;
  let port = dport;
  scratch.matchType = POLICY_MATCH_NONE;
  if (proto === IPPROTO_ICMP) {
    const { type, code } = icmpFields(skb.packet);
    if (config.allowIcmpFragNeeded && type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) {
      return 0;
    }
    if (config.enableIcmpRule) {
      port = type;
    }
  }
  const untrackedFragment = isUntrackedFragment(env, skb.packet);
  const key = scratch.policyKey;
  key.egress = egress;
  if (!untrackedFragment) {
    let entry = tryKey(env, map, skb, remote, port, proto);
    if (entry !== undefined) {
      return decided(env, map, skb, entry, POLICY_MATCH_L3_L4, entry.proxyPort);
    }
    entry = tryKey(env, map, skb, 0, port, proto);
    if (entry !== undefined) {
      return decided(env, map, skb, entry, POLICY_MATCH_L4_ONLY, entry.proxyPort);
    }
    if (!released) {
      entry = tryKey(env, map, skb, 0, 0, proto);
      if (entry !== undefined) {
        return decided(env, map, skb, entry, POLICY_MATCH_L4_ONLY, 0);
      }
    }
  }
  let entry = released ? tryKey(env, map, skb, remote, 0, proto) : undefined;
  if (entry !== undefined) {
    return decided(env, map, skb, entry, POLICY_MATCH_L3_PROTO, entry.proxyPort);
  }
  entry = released ? tryKey(env, map, skb, 0, 0, proto) : undefined;
  if (entry !== undefined) {
    return decided(env, map, skb, entry, POLICY_MATCH_PROTO_ONLY, entry.proxyPort);
  }
  entry = tryKey(env, map, skb, remote, 0, 0);
  if (entry !== undefined) {
    return decided(env, map, skb, entry, POLICY_MATCH_L3_ONLY, released ? entry.proxyPort : 0);
  }
  entry = tryKey(env, map, skb, 0, 0, 0);
  if (entry !== undefined) {
    return decided(env, map, skb, entry, POLICY_MATCH_ALL, released ? entry.proxyPort : 0);
  }
  if (skb.cb[CB_POLICY] !== 0) {
    return 0;
  }
  return undecided(env, map, skb, untrackedFragment ? DROP_FRAG_NOSUPPORT : DROP_POLICY);
}

function tryKey(env: BpfEnv, map: PolicyMap, skb: Skb, identity: number, port: number, proto: number): PolicyEntry | undefined {
  const key = env.scratch.policyKey;
  key.secLabel = identity;
  key.dport = port;
  key.protocol = proto;
  const entry = map.lookup(key);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: '__policy_can_access',
      see: 'cilium:bpf/lib/policy.h#__policy_can_access',
      packet: skb.packet.id,
      map: map.spec.name,
      key: map.spec.key.toJson(key),
      entry: entry === undefined ? null : map.spec.valueToJson(entry),
    });
  }
  return entry;
}

/** Counts the packet on the deciding entry. @see cilium:bpf/lib/policy.h#account */
function decided(env: BpfEnv, map: PolicyMap, skb: Skb, entry: PolicyEntry, match: PolicyMatchType, proxyPort: number): number {
  entry.packets += 1;
  entry.bytes += skb.packet.length;
  env.scratch.matchType = match;
  const verdict = entry.deny ? DROP_POLICY_DENY : entry.authType === 0 ? proxyPort : authRequired(env, entry, proxyPort);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: '__policy_can_access',
      see: 'cilium:bpf/lib/policy.h#__policy_can_access',
      packet: skb.packet.id,
      verdict: verdict > 0 ? 'redirect' : verdict === 0 ? 'allow' : 'drop',
      why: `${map.spec.name} ${keyText(env)} matched (${POLICY_MATCH_NAMES[match]})${verdict > 0 ? `, proxy port ${verdict}` : verdict === DROP_POLICY_DENY ? ', a deny entry' : verdict < 0 ? ', for authenticated connections' : ''}`,
      data: {
        map: map.spec.name,
        key: map.spec.key.toJson(env.scratch.policyKey),
        entry: map.spec.valueToJson(entry),
        match: POLICY_MATCH_NAMES[match],
        verdict,
      },
    });
  }
  return verdict;
}

/** The port is kept for when the connection is authenticated. @see cilium:bpf/lib/policy.h#__policy_can_access */
function authRequired(env: BpfEnv, entry: PolicyEntry, proxyPort: number): number {
  env.scratch.extError = entry.authType;
  env.scratch.proxyPort = proxyPort;
  return DROP_POLICY_AUTH_REQUIRED;
}

function undecided(env: BpfEnv, map: PolicyMap, skb: Skb, reason: number): number {
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: '__policy_can_access',
      see: 'cilium:bpf/lib/policy.h#__policy_can_access',
      packet: skb.packet.id,
      verdict: 'drop',
      why: `no key of ${map.spec.name} matched: ${dropReasonText(reason)}`,
      data: { map: map.spec.name, match: POLICY_MATCH_NAMES[POLICY_MATCH_NONE], verdict: reason },
    });
  }
  return reason;
}

function keyText(env: BpfEnv): string {
  const { secLabel, dport, protocol, egress } = env.scratch.policyKey;
  return `{identity ${secLabel}, port ${dport}, proto ${protocol}, ${egress === TRAFFIC_EGRESS ? 'egress' : 'ingress'}}`;
}
