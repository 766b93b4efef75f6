/**
 * Packets as typed values.
 *
 * Headers are read-only; a rewrite returns a new packet that shares what did not change. Payload bytes are real, and the wire length is
 * always known, because Cilium's byte counters are made of it. What a kernel keeps beside the bytes (mark, cb, device) lives in `kernel/skb.ts`.
 * @remarks Simplified: checksums are not carried, so none can be wrong.
 */
import { icmpText } from './icmp_text.ts';
import { formatIpv4, type Ipv4 } from './ipv4.ts';
import type { Mac } from './mac.ts';
import { ETH_P_IP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, tcpFlagNames } from './protocol.ts';

/** Ethernet header, 14 bytes. */
export interface EthHeader {
  readonly dst: Mac;
  readonly src: Mac;
  /** EtherType: ETH_P_IP and so on. */
  readonly type: number;
}

/** IPv4 header without options, 20 bytes. */
export interface Ipv4Header {
  readonly src: Ipv4;
  readonly dst: Ipv4;
  readonly protocol: number;
  readonly ttl: number;
  /** Identification, 16 bits. */
  readonly id: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In units of 8 bytes. */
  readonly fragmentOffset: number;
}

/** TCP options the model carries. Their lengths are as Linux writes them. */
export interface TcpOptions {
  /** Maximum segment size: only on SYN. */
  readonly mss?: number;
  /** Window scale: only on SYN. */
  readonly wscale?: number;
  readonly sackPermitted?: boolean;
  /** RFC 7323 timestamps: value and echo, in milliseconds. */
  readonly timestamps?: { readonly value: number; readonly echo: number };
}

/** TCP header; options padded to a multiple of four. */
export interface TcpHeader {
  readonly kind: 'tcp';
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly options: TcpOptions | null;
  /** Header bytes including options: 20 to 60. */
  readonly headerLength: number;
}

/** UDP header, 8 bytes. */
export interface UdpHeader {
  readonly kind: 'udp';
  readonly sport: number;
  readonly dport: number;
  /** What the payload of a tunnel's datagram stands for. */
  readonly tunnel?: TunnelFrame;
}

/** A frame in a tunnel. */
export interface TunnelFrame {
  /** The network identifier of its header, 24 bits. */
  readonly vni: number;
  readonly packet: Packet;
}

/** SCTP common header, 12 bytes. */
export interface SctpHeader {
  readonly kind: 'sctp';
  readonly sport: number;
  readonly dport: number;
  /** Verification tag. */
  readonly vtag: number;
}

/** ICMP header, 8 bytes. Errors quote the packet that caused them. */
export interface IcmpHeader {
  readonly kind: 'icmp';
  readonly type: number;
  readonly code: number;
  /** Echo identifier; 0 for errors. */
  readonly identifier: number;
  readonly sequence: number;
  readonly quoted: Packet | null;
}

/** No transport header: another protocol, or a fragment after the first. */
export interface NoL4 {
  readonly kind: 'none';
}

/** The transport header. */
export type L4Header = TcpHeader | UdpHeader | SctpHeader | IcmpHeader | NoL4;

/** One IPv4 packet in an Ethernet frame. */
export interface Packet {
  /** Identity for the journey; a rewrite keeps it. */
  readonly id: number;
  readonly eth: EthHeader;
  readonly ip: Ipv4Header;
  readonly l4: L4Header;
  readonly payload: Uint8Array;
  /** Bytes on the wire including the Ethernet header: skb->len at tc ingress. */
  readonly length: number;
}

/** The transport header without anything. */
export const NO_L4: NoL4 = { kind: 'none' };

/** Bytes of an Ethernet header. */
export const ETH_HLEN = 14;
/** Bytes of an IPv4 header without options. */
export const IPV4_HLEN = 20;

/** Bytes of TCP options as Linux lays them out: a SYN with all of them has 20, any other segment with timestamps 12. */
export function tcpOptionsLength(options: TcpOptions | null): number {
  if (options === null) {
    return 0;
  }
  let length = 0;
  if (options.mss !== undefined) {
    length += 4;
  }
  if (options.timestamps !== undefined) {
    // Linux pairs SACK-permitted with the timestamp; otherwise two NOPs pad it to 12.
    length += 12;
  } else if (options.sackPermitted === true) {
    length += 4;
  }
  if (options.wscale !== undefined) {
    length += 4;
  }
  return length;
}

/** Bytes of a transport header. */
export function l4Length(l4: L4Header): number {
  switch (l4.kind) {
    case 'tcp':
      return l4.headerLength;
    case 'udp':
    case 'icmp':
      return 8;
    case 'sctp':
      return 12;
    case 'none':
      return 0;
  }
}

/** What a new packet is made of. */
export interface PacketParts {
  readonly id: number;
  readonly eth?: EthHeader;
  readonly src: Ipv4;
  readonly dst: Ipv4;
  readonly protocol: number;
  readonly l4: L4Header;
  readonly payload: Uint8Array;
  readonly ttl?: number;
  readonly ipId?: number;
  readonly dontFragment?: boolean;
}

const NO_ETH: EthHeader = { dst: 0, src: 0, type: ETH_P_IP };

/** A packet of the given parts; TTL 64 and DF unless said. */
export function makePacket(parts: PacketParts): Packet {
  return {
    id: parts.id,
    eth: parts.eth ?? NO_ETH,
    ip: {
      src: parts.src,
      dst: parts.dst,
      protocol: parts.protocol,
      ttl: parts.ttl ?? 64,
      id: parts.ipId ?? 0,
      dontFragment: parts.dontFragment ?? true,
      moreFragments: false,
      fragmentOffset: 0,
    },
    l4: parts.l4,
    payload: parts.payload,
    length: ETH_HLEN + IPV4_HLEN + quotedLength(parts.l4) + l4Length(parts.l4) + parts.payload.length,
  };
}

/** The packet with another Ethernet header. */
export function withEth(packet: Packet, eth: EthHeader): Packet {
  return { id: packet.id, eth, ip: packet.ip, l4: packet.l4, payload: packet.payload, length: packet.length };
}

/** The packet with another IPv4 header (of the same length). */
export function withIp(packet: Packet, ip: Ipv4Header): Packet {
  return { id: packet.id, eth: packet.eth, ip, l4: packet.l4, payload: packet.payload, length: packet.length };
}

/** The packet with other Ethernet and IPv4 headers. */
export function withEthIp(packet: Packet, eth: EthHeader, ip: Ipv4Header): Packet {
  return { id: packet.id, eth, ip, l4: packet.l4, payload: packet.payload, length: packet.length };
}

/** The packet with other IPv4 and transport headers (of the same lengths). */
export function withIpL4(packet: Packet, ip: Ipv4Header, l4: L4Header): Packet {
  return { id: packet.id, eth: packet.eth, ip, l4, payload: packet.payload, length: packet.length };
}

/** One line about a packet, as `cilium monitor` ends its lines: `10.0.0.1:1 -> 10.0.0.2:80 tcp SYN`. */
export function packetSummary(packet: Packet): string {
  const { ip, l4 } = packet;
  const src = formatIpv4(ip.src);
  const dst = formatIpv4(ip.dst);
  switch (l4.kind) {
    case 'tcp': {
      const flags = tcpFlagNames(l4.flags).filter((name) => ['SYN', 'ACK', 'RST', 'FIN'].includes(name));
      return `${src}:${l4.sport} -> ${dst}:${l4.dport} tcp ${flags.join(', ')}`;
    }
    case 'udp':
      return `${src}:${l4.sport} -> ${dst}:${l4.dport} udp`;
    case 'sctp':
      return `${src}:${l4.sport} -> ${dst}:${l4.dport} sctp`;
    case 'icmp':
      return `${src} -> ${dst} ${icmpText(l4.type, l4.code)}`;
    case 'none':
      return `${src} -> ${dst}`;
  }
}

/** Source and destination port, or 0 where the protocol has none. */
export function ports(packet: Packet): { sport: number; dport: number } {
  const { l4 } = packet;
  return l4.kind === 'tcp' || l4.kind === 'udp' || l4.kind === 'sctp' ? { sport: l4.sport, dport: l4.dport } : { sport: 0, dport: 0 };
}

/** The protocol number a transport header belongs to, or `null` for none. */
export function protocolOf(l4: L4Header): number | null {
  switch (l4.kind) {
    case 'tcp':
      return IPPROTO_TCP;
    case 'udp':
      return IPPROTO_UDP;
    case 'sctp':
      return IPPROTO_SCTP;
    case 'icmp':
      return IPPROTO_ICMP;
    case 'none':
      return null;
  }
}

function quotedLength(l4: L4Header): number {
  return l4.kind === 'icmp' && l4.quoted !== null ? IPV4_HLEN + 8 : 0;
}
