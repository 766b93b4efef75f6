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
import type { PingOptions, PingSocket } from './socket.ts';

/** ICMP of one namespace. */
export class Icmp {
  readonly #netns: NetNs;
  readonly #sockets = new Map<number, PingOptions>();

  constructor(netns: NetNs) {
    this.#netns = netns;
  }

  /** @see linux:net/ipv4/ping.c#ping_get_port */
  open(options: PingOptions): PingSocket {
    const { kernel } = this.#netns;
    let identifier = 0;
    while (identifier === 0 || this.#sockets.has(identifier)) {
      identifier = kernel.rng.below(65536);
    }
    this.#sockets.set(identifier, options);
    const ip = { ttl: options.ttl ?? 64, dontFragment: options.dontFragment ?? false };
    return {
      identifier,
      send: (to, sequence, bytes) => {
        const source = this.#netns.sourceAddress(to, 0);
        if (source !== null) {
          this.#send(source, to, { kind: 'icmp', type: ICMP_ECHO, code: 0, identifier, sequence, quoted: null }, bytes, ip);
        }
      },
      close: () => this.#sockets.delete(identifier),
    };
  }

  /** @see linux:net/ipv4/icmp.c#icmp_rcv */
  receive(skb: Skb, icmp: IcmpHeader): void {
    const { packet } = skb;
    if (icmp.type === ICMP_ECHO) {
      this.#send(packet.ip.dst, packet.ip.src, { ...icmp, type: ICMP_ECHOREPLY }, packet.payload);
    } else if (icmp.type === ICMP_ECHOREPLY) {
      this.#sockets.get(icmp.identifier)?.onReply(packet.ip.src, icmp.sequence, packet.payload, packet.ip.ttl);
    } else if (icmp.quoted !== null && (icmp.type === ICMP_DEST_UNREACH || icmp.type === ICMP_TIME_EXCEEDED)) {
      const refused = icmp.type === ICMP_DEST_UNREACH && icmp.code === ICMP_PORT_UNREACH;
      this.#netns.tcp.icmpError(icmp.quoted, refused ? 'ECONNREFUSED' : 'EHOSTUNREACH');
      if (refused) {
        this.#netns.udpLayer.icmpError(icmp.quoted);
      } else if (icmp.type === ICMP_DEST_UNREACH && icmp.code === ICMP_PROT_UNREACH) {
        this.#netns.sctp.protocolUnreachable(icmp.quoted);
      }
      const { l4 } = icmp.quoted;
      if (l4.kind === 'icmp' && l4.type === ICMP_ECHO) {
        this.#sockets.get(l4.identifier)?.onError(packet.ip.src, l4.sequence, icmp.type, icmp.code);
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

  #send(
    src: number,
    dst: number,
    l4: IcmpHeader,
    payload: Uint8Array,
    ip: { readonly ttl: number; readonly dontFragment: boolean } = { ttl: 64, dontFragment: false },
  ): void {
    const { kernel } = this.#netns;
    const packet = makePacket({
      id: kernel.nextPacketId(),
      src,
      dst,
      protocol: IPPROTO_ICMP,
      l4,
      payload,
      ipId: this.#netns.nextIpId(),
      ...ip,
    });
    this.#netns.output(packet, 0);
  }
}
