/**
 * SCTP of one namespace: associations, listeners, and which of them a packet belongs to.
 * @see linux:net/sctp/input.c#sctp_rcv
 * @remarks Simplified: one address an end (no multi-homing).
 */
import { IPV4_ANY } from '../../net/ipv4.ts';
import { makePacket, type Packet, type SctpHeader } from '../../net/packet.ts';
import { IPPROTO_SCTP } from '../../net/protocol.ts';
import {
  decodeChunks,
  decodeInit,
  encodeChunks,
  encodeInit,
  SCTP_ABORT,
  SCTP_COOKIE_ECHO,
  SCTP_FLAG_T,
  SCTP_INIT,
  SCTP_INIT_ACK,
  SCTP_SHUTDOWN_ACK,
  SCTP_SHUTDOWN_COMPLETE,
  type SctpChunk,
} from '../../net/sctp.ts';
import type { NetNs } from '../netns.ts';
import { PortAllocator } from '../port_allocator.ts';
import type { Skb } from '../skb.ts';
import type { SctpAssociation, SctpConnectOptions, SctpListener, SctpListenOptions, SocketAddress, SocketErrno } from '../socket.ts';
import { decodeCookie, encodeCookie } from './cookie.ts';
import { initOf, SctpAssoc } from './sctp_assoc.ts';

/** A packet to send. */
export interface SctpPacket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly vtag: number;
  readonly chunks: readonly SctpChunk[];
}

/** The SCTP sockets of a namespace. */
export class SctpLayer {
  readonly netns: NetNs;
  readonly ports: PortAllocator;
  readonly #associations = new Map<string, SctpAssoc>();
  readonly #listeners = new Map<number, SctpListenOptions>();

  constructor(netns: NetNs) {
    this.netns = netns;
    this.ports = new PortAllocator(netns.kernel.rng.fork(`sctp ports of ${netns.name}`), false);
  }

  /** @see linux:net/sctp/socket.c#__sctp_connect */
  connect(options: SctpConnectOptions): SctpAssociation | SocketErrno {
    const address = this.netns.sourceAddress(options.remote.address, 0);
    if (address === null) {
      return 'ENETUNREACH';
    }
    const port = this.ports.take(
      (one) => this.#associations.has(keyOf({ address, port: one }, options.remote)) || this.#listeners.has(one),
    );
    if (port === null) {
      return 'EADDRNOTAVAIL';
    }
    const association = new SctpAssoc(this, { address, port }, options.remote, options.handlers);
    this.#associations.set(keyOf(association.local, association.remote), association);
    association.startConnect();
    return association;
  }

  /** @see linux:net/sctp/socket.c#sctp_listen_start */
  listen(options: SctpListenOptions): SctpListener | SocketErrno {
    const { local } = options;
    if (this.#listeners.has(local.port)) {
      return 'EADDRINUSE';
    }
    this.#listeners.set(local.port, options);
    return { local, close: () => void this.#listeners.delete(local.port) };
  }

  /** Removes an association that ended. */
  remove(association: SctpAssoc): void {
    this.#associations.delete(keyOf(association.local, association.remote));
  }

  /** Associations in any state. */
  get size(): number {
    return this.#associations.size;
  }

  /** @see linux:net/sctp/input.c#sctp_rcv */
  receive(skb: Skb, header: SctpHeader): void {
    const { ip, payload } = skb.packet;
    const chunks = decodeChunks(payload);
    if (chunks === null) {
      return;
    }
    const local = { address: ip.dst, port: header.dport };
    const remote = { address: ip.src, port: header.sport };
    for (const chunk of chunks) {
      const association = this.#associations.get(keyOf(local, remote));
      if (association === undefined) {
        this.#withoutAssociation(local, remote, header.vtag, chunk);
      } else if (chunk.type === SCTP_INIT) {
        // A peer that begins again while its association stands: answered as a new one; the cookie will replace the old.
        this.#onInit(local, remote, chunk);
      } else {
        association.receive(chunk, header.vtag);
      }
    }
  }

  /** The peer's host speaks no SCTP. @see linux:net/sctp/input.c#sctp_icmp_proto_unreachable */
  protocolUnreachable(quoted: Packet): void {
    if (quoted.l4.kind === 'sctp') {
      const local = { address: quoted.ip.src, port: quoted.l4.sport };
      this.#associations.get(keyOf(local, { address: quoted.ip.dst, port: quoted.l4.dport }))?.unreachable();
    }
  }

  /** Puts a packet on its way. @see linux:net/sctp/output.c#sctp_packet_transmit */
  transmit({ local, remote, vtag, chunks }: SctpPacket): void {
    const packet = makePacket({
      id: this.netns.kernel.nextPacketId(),
      src: local.address,
      dst: remote.address,
      protocol: IPPROTO_SCTP,
      l4: { kind: 'sctp', sport: local.port, dport: remote.port, vtag },
      payload: encodeChunks(chunks),
      ipId: this.netns.nextIpId(),
    });
    this.netns.output(packet, 0);
  }

  /** @see linux:net/sctp/sm_statefuns.c#sctp_sf_ootb */
  #withoutAssociation(local: SocketAddress, remote: SocketAddress, vtag: number, chunk: SctpChunk): void {
    switch (chunk.type) {
      case SCTP_INIT:
        this.#onInit(local, remote, chunk);
        break;
      case SCTP_COOKIE_ECHO:
        this.#onCookieEcho(local, remote, vtag, chunk);
        break;
      case SCTP_ABORT:
      case SCTP_SHUTDOWN_COMPLETE:
        break;
      case SCTP_SHUTDOWN_ACK:
        this.transmit({ local, remote, vtag, chunks: [bare(SCTP_SHUTDOWN_COMPLETE, SCTP_FLAG_T)] });
        break;
      default:
        this.transmit({ local, remote, vtag, chunks: [bare(SCTP_ABORT, SCTP_FLAG_T)] });
    }
  }

  /** Answered without keeping anything: all of it is in the cookie. @see linux:net/sctp/sm_statefuns.c#sctp_sf_do_5_1B_init */
  #onInit(local: SocketAddress, remote: SocketAddress, chunk: SctpChunk): void {
    const peer = decodeInit(chunk.value);
    if (peer === null) {
      return;
    }
    if (!this.#listens(local)) {
      this.transmit({ local, remote, vtag: peer.tag, chunks: [bare(SCTP_ABORT, 0)] });
      return;
    }
    const own = initOf(this.netns.kernel.rng);
    const cookie = encodeCookie({ peerTag: peer.tag, ownTag: own.tag, peerTsn: peer.tsn, ownTsn: own.tsn });
    const value = encodeInit({ ...own, cookie });
    this.transmit({ local, remote, vtag: peer.tag, chunks: [{ type: SCTP_INIT_ACK, flags: 0, value }] });
  }

  /** @see linux:net/sctp/sm_statefuns.c#sctp_sf_do_5_1D_ce */
  #onCookieEcho(local: SocketAddress, remote: SocketAddress, vtag: number, chunk: SctpChunk): void {
    const listener = this.#listens(local) ? this.#listeners.get(local.port) : undefined;
    const cookie = decodeCookie(chunk.value);
    if (listener === undefined || cookie === null || cookie.ownTag !== vtag) {
      return;
    }
    const association = new SctpAssoc(this, local, remote, {});
    this.#associations.set(keyOf(local, remote), association);
    association.accept(cookie, listener);
  }

  #listens(local: SocketAddress): boolean {
    const listener = this.#listeners.get(local.port);
    return (
      listener !== undefined &&
      this.netns.isLocal(local.address) &&
      (listener.local.address === IPV4_ANY || listener.local.address === local.address)
    );
  }
}

/** A chunk without a value. */
export function bare(type: number, flags: number): SctpChunk {
  return { type, flags, value: new Uint8Array(0) };
}

function keyOf(local: SocketAddress, remote: SocketAddress): string {
  return `${local.address}:${local.port} ${remote.address}:${remote.port}`;
}
