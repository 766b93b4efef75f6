/**
 * Into the tunnel: the identity of the sender becomes the network identifier of the outer header.
 * @see cilium:bpf/lib/encap.h
 */
import { type Skb, TC_ACT_OK } from '../../kernel/skb.ts';
import { DROP_NO_TUNNEL_ENDPOINT } from '../../maps/drop_reasons.ts';
import { TRACE_TO_OVERLAY } from '../../maps/eventsmap.ts';
import { IDENTITY_HOST, IDENTITY_REMOTE_NODE, type Identity } from '../../maps/identity.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import type { BpfEnv } from '../env.ts';
import { sendTraceNotify } from './trace.ts';

/** A packet's way into the tunnel, and what the monitor is told of it. */
export interface Encap {
  /** The node at the other end. */
  readonly tunnelEndpoint: Ipv4;
  readonly secLabel: Identity;
  readonly dstId: Identity;
  /** Endpoint of the program. */
  readonly source: number;
  readonly reason: number;
  readonly monitor: number;
}

/** What this node's own packets are to others. @see cilium:pkg/identity/numericidentity.go#GetLocalNodeID */
const LOCAL_NODE_ID = IDENTITY_REMOTE_NODE;

/** Leaves the outer header's values with the packet. @see cilium:bpf/lib/encap.h#__encap_with_nodeid */
export function encapWithNodeid(env: BpfEnv, skb: Skb, encap: Encap): void {
  const { tunnelEndpoint, dstId, source, reason, monitor } = encap;
  const secLabel = encap.secLabel === IDENTITY_HOST ? LOCAL_NODE_ID : encap.secLabel;
  skb.tunnelKey = { id: secLabel, remote: tunnelEndpoint };
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: '__encap_with_nodeid',
      see: 'cilium:bpf/lib/encap.h#__encap_with_nodeid',
      packet: skb.packet.id,
      verdict: 'encapsulate',
      why: `to node ${formatIpv4(tunnelEndpoint)} with identity ${secLabel}`,
    });
  }
  sendTraceNotify(env, skb, source, TRACE_TO_OVERLAY, secLabel, dstId, 0, env.config.encapIfindex, reason, monitor);
}

/** … and to the tunnel's device. @see cilium:bpf/lib/encap.h#__encap_and_redirect_with_nodeid */
export function encapAndRedirectWithNodeid(env: BpfEnv, skb: Skb, encap: Encap): number {
  encapWithNodeid(env, skb, encap);
  return skb.redirect(env.config.encapIfindex);
}

/**
 * From a pod.
 * @param encap `tunnelEndpoint`: that of the ipcache, 0 if it has none
 * @returns TC_ACT_OK: the packet goes through the stack first; DROP_NO_TUNNEL_ENDPOINT: no node holds the destination
 * @see cilium:bpf/lib/encap.h#encap_and_redirect_lxc
 */
export function encapAndRedirectLxc(env: BpfEnv, skb: Skb, encap: Encap): number {
  if (encap.tunnelEndpoint === 0) {
    return encapAndRedirectNetdev(env, skb, encap);
  }
  if (!env.config.nodePort && env.config.hostFirewall) {
    // Answers to what kube-proxy has translated have to meet the stack, see cilium issue 14674.
    encapWithNodeid(env, skb, encap);
    return TC_ACT_OK;
  }
  return encapAndRedirectWithNodeid(env, skb, encap);
}

/** By the range the destination is in. @see cilium:bpf/lib/encap.h#encap_and_redirect_netdev */
export function encapAndRedirectNetdev(env: BpfEnv, skb: Skb, encap: Encap): number {
  const { tunnel } = env.maps;
  const address = (skb.packet.ip.dst & env.config.ipv4Mask) >>> 0;
  const node = tunnel.lookup({ address });
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: 'encap_and_redirect_netdev',
      see: 'cilium:bpf/lib/encap.h#encap_and_redirect_netdev',
      packet: skb.packet.id,
      map: tunnel.spec.name,
      key: { prefix: formatIpv4(address) },
      entry: node === undefined ? null : tunnel.spec.valueToJson(node),
    });
  }
  return node === undefined ? DROP_NO_TUNNEL_ENDPOINT : encapAndRedirectWithNodeid(env, skb, { ...encap, tunnelEndpoint: node.address });
}
