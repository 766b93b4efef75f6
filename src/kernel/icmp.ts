/** ICMP of the stack: answers echo requests, reports errors. @see linux:net/ipv4/icmp.c */

import { NO_BYTES } from '../net/bytes.ts';
import { type IcmpHeader, makePacket, type Packet } from '../net/packet.ts';
import {
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_PORT_UNREACH,
  ICMP_PROT_UNREACH,
  ICMP_TIME_EXCEEDED,
  IPPROTO_ICMP,
} from '../net/protocol.ts';
import type { NetNs } from './netns.ts';
import type { Skb } from './skb.ts';

/** ICMP of one namespace. */
export class Icmp {
  readonly #netns: NetNs;

  constructor(netns: NetNs) {
    this.#netns = netns;
  }

  /** @see linux:net/ipv4/icmp.c#icmp_rcv */
  receive(skb: Skb, icmp: IcmpHeader): void {
    const { packet } = skb;
    if (icmp.type === ICMP_ECHO) {
      this.#send(packet.ip.dst, packet.ip.src, { ...icmp, type: ICMP_ECHOREPLY }, packet.payload);
    } else if (icmp.quoted !== null && (icmp.type === ICMP_DEST_UNREACH || icmp.type === ICMP_TIME_EXCEEDED)) {
      const refused = icmp.type === ICMP_DEST_UNREACH && icmp.code === ICMP_PORT_UNREACH;
      this.#netns.tcp.icmpError(icmp.quoted, refused ? 'ECONNREFUSED' : 'EHOSTUNREACH');
      if (refused) {
        this.#netns.udpLayer.icmpError(icmp.quoted);
      } else if (icmp.type === ICMP_DEST_UNREACH && icmp.code === ICMP_PROT_UNREACH) {
        this.#netns.sctp.protocolUnreachable(icmp.quoted);
      }
    }
  }

  /** Reports an error to the sender of a packet; never about an ICMP error. @see linux:net/ipv4/icmp.c#__icmp_send */
  sendError(about: Packet, type: number, code: number): void {
    if (about.l4.kind === 'icmp' && about.l4.type !== ICMP_ECHO && about.l4.type !== ICMP_ECHOREPLY) {
      return;
    }
    const source = this.#netns.isLocal(about.ip.dst) ? about.ip.dst : this.#netns.sourceAddress(about.ip.src, 0);
    if (source !== null) {
      this.#send(source, about.ip.src, { kind: 'icmp', type, code, identifier: 0, sequence: 0, quoted: about }, NO_BYTES);
    }
  }

  #send(src: number, dst: number, l4: IcmpHeader, payload: Uint8Array): void {
    const { kernel } = this.#netns;
    const packet = makePacket({
      id: kernel.nextPacketId(),
      src,
      dst,
      protocol: IPPROTO_ICMP,
      l4,
      payload,
      ipId: this.#netns.nextIpId(),
      dontFragment: false,
    });
    this.#netns.output(packet, 0);
  }
}
