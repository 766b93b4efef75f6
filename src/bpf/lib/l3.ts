/** Layer 3 rewriting and delivery to a local endpoint. @see cilium:bpf/lib/l3.h */
import { PACKET_HOST, type Skb, TC_ACT_OK } from '../../kernel/skb.ts';
import { DROP_INVALID, DROP_MISSED_TAIL_CALL, REASON_FORWARDED } from '../../maps/drop_reasons.ts';
import type { EndpointInfo } from '../../maps/lxcmap.ts';
import { identityMark, MARK_MAGIC_IDENTITY } from '../../maps/marks.ts';
import type { MetricDirection } from '../../maps/metricsmap.ts';
import type { Mac } from '../../net/mac.ts';
import { withEthIp } from '../../net/packet.ts';
import type { BpfEnv } from '../env.ts';
import { CB_FROM_HOST, CB_IFINDEX, CB_SRC_LABEL } from './meta.ts';
import { updateMetrics } from './metrics.ts';

/**
 * One hop: TTL minus one, new Ethernet addresses (`null` keeps the old one).
 * @returns 0, or DROP_INVALID when the TTL is used up
 * @see cilium:bpf/lib/l3.h#ipv4_l3
 */
export function ipv4L3(skb: Skb, smac: Mac | null, dmac: Mac): number {
  const { packet } = skb;
  const { eth, ip } = packet;
  if (ip.ttl <= 1) {
    return DROP_INVALID;
  }
  skb.packet = withEthIp(
    packet,
    { dst: dmac, src: smac ?? eth.src, type: eth.type },
    {
      src: ip.src,
      dst: ip.dst,
      protocol: ip.protocol,
      ttl: ip.ttl - 1,
      id: ip.id,
      dontFragment: ip.dontFragment,
      moreFragments: ip.moreFragments,
      fragmentOffset: ip.fragmentOffset,
    },
  );
  return TC_ACT_OK;
}

/** To the device of a local endpoint. @see cilium:bpf/lib/l3.h#redirect_ep */
export function redirectEp(env: BpfEnv, skb: Skb, ifindex: number, endpointId: number): number {
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: 'redirect_ep',
      see: 'cilium:bpf/lib/l3.h#redirect_ep',
      packet: skb.packet.id,
      verdict: 'deliver',
      why: `to endpoint ${endpointId} through device ${ifindex}`,
    });
  }
  if (ifindex === 0) {
    skb.pktType = PACKET_HOST;
    return TC_ACT_OK;
  }
  return skb.redirect(ifindex);
}

/**
 * Hands the packet to the policy program of a local endpoint.
 * @param hairpin a pod talks to itself through a service: no policy, straight to the device
 * @returns the action of the tail-called program as `TailCalled`, or a negative drop reason
 * @see cilium:bpf/lib/l3.h#ipv4_local_delivery
 */
export function ipv4LocalDelivery(
  env: BpfEnv,
  skb: Skb,
  seclabel: number,
  ep: EndpointInfo,
  direction: MetricDirection,
  fromHost: boolean,
  hairpin = false,
): number {
  const error = ipv4L3(skb, ep.nodeMac, ep.mac);
  if (error < 0) {
    return error;
  }
  updateMetrics(env, skb.packet.length, direction, REASON_FORWARDED);
  if (hairpin && env.config.quirks.loopbackBypass) {
    return redirectEp(env, skb, ep.ifindex, ep.lxcId);
  }
  if (!env.config.enableRouting) {
    // Endpoint routes: the policy runs at the pod's device, which learns the identity from the mark.
    skb.mark = identityMark(MARK_MAGIC_IDENTITY, seclabel);
    if (env.config.tunnel && !env.config.nodePort) {
      // Straight to the device, answers to what kube-proxy has translated would miss its connection tracking.
      skb.pktType = PACKET_HOST;
      return TC_ACT_OK;
    }
    return redirectEp(env, skb, ep.ifindex, ep.lxcId);
  }
  skb.cb[CB_SRC_LABEL] = seclabel;
  skb.cb[CB_IFINDEX] = ep.ifindex;
  skb.cb[CB_FROM_HOST] = fromHost ? 1 : 0;
  const program = env.maps.policyCall.get(ep.lxcId);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: 'ipv4_local_delivery',
      see: 'cilium:bpf/lib/l3.h#ipv4_local_delivery',
      packet: skb.packet.id,
      map: env.maps.policyCall.name,
      key: { endpoint: ep.lxcId },
      entry: program === undefined ? null : `handle_policy of endpoint ${ep.lxcId}`,
    });
  }
  return program === undefined ? DROP_MISSED_TAIL_CALL : program(skb);
}
