/**
 * Ports of a packet, also where another fragment of the datagram has told them.
 * @see cilium:bpf/lib/ipv4.h
 */
import { isFragment } from '../../kernel/ip_fragment.ts';
import type { Skb } from '../../kernel/skb.ts';
import { DROP_CT_INVALID_HDR, DROP_FRAG_NOT_FOUND, REASON_FRAG_PACKET, REASON_FRAG_PACKET_UPDATE } from '../../maps/drop_reasons.ts';
import type { MetricDirection } from '../../maps/metricsmap.ts';
import type { Packet } from '../../net/packet.ts';
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../../net/protocol.ts';
import type { BpfEnv } from '../env.ts';
import { updateMetrics } from './metrics.ts';

/** Whether a packet's protocol has ports, whatever fragment of it this is. */
export function hasPorts(packet: Packet): boolean {
  const { protocol } = packet.ip;
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP;
}

/** A fragment that the programs cannot follow: fragment tracking is off. @see cilium:bpf/bpf_lxc.c#__tail_handle_ipv4 */
export function isUntrackedFragment(env: BpfEnv, packet: Packet): boolean {
  return !env.config.enableIpv4Fragments && isFragment(packet.ip);
}

/**
 * Leaves source and destination port in `scratch`. The first fragment tells them and is remembered; others are looked up.
 * @returns 0, or a negative drop reason
 * @see cilium:bpf/lib/ipv4.h#ipv4_handle_fragmentation
 */
export function ipv4HandleFragmentation(env: BpfEnv, skb: Skb, direction: MetricDirection): number {
  const { scratch } = env;
  const { ip, l4 } = skb.packet;
  const fragment = isFragment(ip) && env.config.enableIpv4Fragments;
  if (fragment) {
    updateMetrics(env, skb.packet.length, direction, REASON_FRAG_PACKET);
    if (ip.fragmentOffset > 0) {
      return getL4Ports(env, skb);
    }
  }
  if (l4.kind !== 'tcp' && l4.kind !== 'udp' && l4.kind !== 'sctp') {
    // Without fragment tracking the payload of a later fragment would be read as ports; no program lets it come that far.
    return DROP_CT_INVALID_HDR;
  }
  scratch.sport = l4.sport;
  scratch.dport = l4.dport;
  if (fragment) {
    const { fragments } = env.maps;
    const key = { daddr: ip.dst, saddr: ip.src, id: ip.id, proto: ip.protocol };
    const ports = { sport: l4.sport, dport: l4.dport };
    if (fragments.update(key, ports) < 0) {
      updateMetrics(env, skb.packet.length, direction, REASON_FRAG_PACKET_UPDATE);
    }
    if (env.journey.recording) {
      env.journey.add({
        kind: 'change',
        actor: 'bpf',
        fn: 'ipv4_handle_fragmentation',
        see: 'cilium:bpf/lib/ipv4.h#ipv4_handle_fragmentation',
        packet: skb.packet.id,
        target: fragments.spec.name,
        key: fragments.spec.key.toJson(key),
        before: null,
        after: ports,
      });
    }
  }
  return 0;
}

/** @see cilium:bpf/lib/ipv4.h#ipv4_frag_get_l4ports */
function getL4Ports(env: BpfEnv, skb: Skb): number {
  const { ip } = skb.packet;
  const { fragments } = env.maps;
  const key = { daddr: ip.dst, saddr: ip.src, id: ip.id, proto: ip.protocol };
  const ports = fragments.lookup(key);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: 'ipv4_frag_get_l4ports',
      see: 'cilium:bpf/lib/ipv4.h#ipv4_frag_get_l4ports',
      packet: skb.packet.id,
      map: fragments.spec.name,
      key: fragments.spec.key.toJson(key),
      entry: ports === undefined ? null : { ...ports },
    });
  }
  if (ports === undefined) {
    return DROP_FRAG_NOT_FOUND;
  }
  env.scratch.sport = ports.sport;
  env.scratch.dport = ports.dport;
  return 0;
}

/** The fields of an ICMP header; of a later fragment, the bytes that stand where the header would. */
export interface IcmpFields {
  readonly type: number;
  readonly code: number;
  readonly identifier: number;
}

/** What a program reads as ICMP header: it does not ask whether the fragment has one. @see cilium:bpf/lib/conntrack.h#ct_lookup4 */
export function icmpFields({ l4, payload }: Packet): IcmpFields {
  const byte = (at: number): number => payload[at] ?? 0;
  return l4.kind === 'icmp' ? l4 : { type: byte(0), code: byte(1), identifier: (byte(4) << 8) | byte(5) };
}
