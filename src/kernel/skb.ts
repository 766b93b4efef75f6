/**
 * The socket buffer: a packet on its way through one node, with what the kernel keeps beside the bytes.
 * @see linux:include/linux/skbuff.h#sk_buff
 */
import type { Ipv4 } from '../net/ipv4.ts';
import type { Packet } from '../net/packet.ts';
import type { NfPacketState } from './nf_conntrack.ts';

/** Who the frame is for. @see linux:include/uapi/linux/if_packet.h#PACKET_HOST */
export const PACKET_HOST = 0;
export const PACKET_OTHERHOST = 3;

/** Actions a tc program returns. @see linux:include/uapi/linux/pkt_cls.h#TC_ACT_OK */
export const TC_ACT_OK = 0;
export const TC_ACT_SHOT = 2;
export const TC_ACT_REDIRECT = 7;
/** Closed set of verdicts at a tc hook. */
export type TcAct = typeof TC_ACT_OK | typeof TC_ACT_SHOT | typeof TC_ACT_REDIRECT;

/** A classifier attached to a tc hook, or reached by tail call. */
export type TcProgram = (skb: Skb) => TcAct;

/** Where a tunnel device is to send a packet, or whence it came. @see linux:include/net/ip_tunnels.h#ip_tunnel_key */
export interface TunnelKey {
  /** The network identifier. */
  readonly id: number;
  /** The other end's address. */
  readonly remote: Ipv4;
}

/** A packet and its mutable metadata. */
export class Skb {
  packet: Packet;
  /** skb->mark, unsigned 32 bits. */
  mark = 0;
  /** Control buffer, five unsigned 32-bit words; the meaning of each is the programs' affair. */
  readonly cb: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  /** tc_index, 16 bits. */
  tcIndex = 0;
  /** PACKET_HOST or PACKET_OTHERHOST. */
  pktType = PACKET_HOST;
  /** Device the packet is on (skb->ifindex). */
  ifindex = 0;
  /** Flow hash, as bpf_get_hash_recalc gives it; 0 until computed. */
  hash = 0;
  /** Set by bpf_redirect: the target device, and whether its ingress or its egress side. */
  redirectIfindex = 0;
  redirectIngress = false;
  /** Set by bpf_redirect_peer: straight into the peer's namespace. */
  redirectPeer = false;
  /** Set by bpf_skb_set_tunnel_key, or by the tunnel device the packet came in by. */
  tunnelKey: TunnelKey | null = null;
  /** Not tracked by nf_conntrack (raw NOTRACK). */
  notrack = false;
  /** The connection nf_conntrack found or began. */
  nfct: NfPacketState | null = null;
  /** Socket assigned by TPROXY or early demux; opaque here. */
  sk: unknown = null;

  constructor(packet: Packet) {
    this.packet = packet;
  }

  /** skb->len at tc: bytes including the Ethernet header. */
  get len(): number {
    return this.packet.length;
  }

  /** A second packet of the same content and metadata. @see linux:net/core/skbuff.c#skb_clone */
  clone(): Skb {
    const copy = new Skb(this.packet);
    Object.assign(copy, this);
    Object.assign(copy.cb, this.cb);
    return copy;
  }

  /** @see linux:net/core/filter.c#bpf_redirect */
  redirect(ifindex: number, ingress = false): TcAct {
    this.redirectIfindex = ifindex;
    this.redirectIngress = ingress;
    this.redirectPeer = false;
    return TC_ACT_REDIRECT;
  }
}
