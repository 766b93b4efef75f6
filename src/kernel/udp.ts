/** UDP sockets. @see linux:net/ipv4/udp.c */
import { IPV4_ANY, type Ipv4 } from '../net/ipv4.ts';
import { makePacket, type Packet, type UdpHeader } from '../net/packet.ts';
import { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, IPPROTO_UDP } from '../net/protocol.ts';
import type { NetNs } from './netns.ts';
import { PortAllocator } from './port_allocator.ts';
import type { Skb } from './skb.ts';
import type { SocketAddress, SocketErrno, UdpOptions, UdpSocket } from './socket.ts';

class Udp implements UdpSocket {
  readonly local: SocketAddress;
  readonly options: UdpOptions;
  readonly cookie: number;
  /** The peer of a connected socket as the control group's program left it. */
  readonly remote: SocketAddress | null;
  readonly #layer: UdpLayer;

  constructor(layer: UdpLayer, local: SocketAddress, options: UdpOptions, cookie: number, remote: SocketAddress | null) {
    this.#layer = layer;
    this.local = local;
    this.options = options;
    this.cookie = cookie;
    this.remote = remote;
  }

  send(to: SocketAddress, bytes: Uint8Array, from?: SocketAddress): void {
    this.#layer.send(this, to, bytes, from);
  }

  close(): void {
    this.#layer.close(this);
  }
}

/** The UDP sockets of one namespace. */
export class UdpLayer {
  readonly #netns: NetNs;
  readonly #byPort = new Map<number, Udp[]>();
  readonly ports: PortAllocator;

  constructor(netns: NetNs) {
    this.#netns = netns;
    this.ports = new PortAllocator(netns.kernel.rng.fork(`udp ports of ${netns.name}`), false);
  }

  /** @see linux:net/ipv4/udp.c#udp_lib_get_port */
  open(options: UdpOptions): UdpSocket | SocketErrno {
    const taken = (port: number): boolean => this.#byPort.has(port);
    const port = options.local.port === 0 ? this.ports.take(taken) : options.local.port;
    if (port === null) {
      return 'EADDRINUSE';
    }
    const clash =
      this.#byPort.get(port)?.some((other) => other.local.address === options.local.address || other.local.address === IPV4_ANY) ?? false;
    if (clash || !this.#netns.cgroup.mayBind(IPPROTO_UDP, { address: options.local.address, port })) {
      return 'EADDRINUSE';
    }
    const cookie = this.#netns.kernel.nextSocketCookie();
    const remote = options.remote === undefined ? null : this.#netns.cgroup.to('connect4', IPPROTO_UDP, cookie, options.remote);
    if (remote === 'EPERM') {
      return remote;
    }
    let { address } = options.local;
    if (remote !== null && address === IPV4_ANY) {
      const source = this.#netns.sourceAddress(remote.address, options.mark ?? 0);
      if (source === null) {
        return 'ENETUNREACH';
      }
      address = source;
    }
    const socket = new Udp(this, { address, port }, options, cookie, remote);
    this.#byPort.set(port, [...(this.#byPort.get(port) ?? []), socket]);
    return socket;
  }

  /** @see linux:net/ipv4/udp.c#udp_sendmsg */
  send(socket: Udp, asked: SocketAddress, bytes: Uint8Array, from?: SocketAddress): void {
    const to = socket.remote ?? this.#netns.cgroup.to('sendmsg4', IPPROTO_UDP, socket.cookie, asked);
    if (to === 'EPERM') {
      socket.options.onError?.(to);
      return;
    }
    const mark = socket.options.mark ?? 0;
    const source =
      from?.address ?? (socket.local.address === IPV4_ANY ? this.#netns.sourceAddress(to.address, mark) : socket.local.address);
    if (source === null) {
      socket.options.onError?.('ENETUNREACH');
      return;
    }
    const packet = makePacket({
      id: this.#netns.kernel.nextPacketId(),
      src: source,
      dst: to.address,
      protocol: IPPROTO_UDP,
      l4: { kind: 'udp', sport: from?.port ?? socket.local.port, dport: to.port },
      payload: bytes,
      ipId: this.#netns.nextIpId(),
    });
    this.#netns.output(packet, mark);
  }

  /** Closes a socket. */
  close(socket: Udp): void {
    const rest = (this.#byPort.get(socket.local.port) ?? []).filter((other) => other !== socket);
    if (rest.length === 0) {
      this.#byPort.delete(socket.local.port);
    } else {
      this.#byPort.set(socket.local.port, rest);
    }
  }

  /** Gives the datagram to the transparent socket of a port. @see linux:net/netfilter/nf_tproxy_core.h#nf_tproxy_get_sock_v4 */
  tproxy(skb: Skb, port: number): boolean {
    skb.sk = this.#byPort.get(port)?.find((socket) => socket.options.transparent === true) ?? null;
    return skb.sk !== null;
  }

  /** @see linux:net/ipv4/udp.c#__udp4_lib_rcv */
  receive(skb: Skb, udp: UdpHeader): void {
    const { packet } = skb;
    const { ip } = packet;
    const from = { address: ip.src, port: udp.sport };
    const socket = skb.sk instanceof Udp ? skb.sk : this.#find(udp.dport, ip.dst, from);
    if (socket === undefined) {
      this.#netns.icmpError(packet, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
      return;
    }
    const asked = this.#netns.cgroup.from('recvmsg4', IPPROTO_UDP, socket.cookie, from);
    socket.options.onMessage(packet.payload, asked, { address: ip.dst, port: udp.dport });
  }

  /** An ICMP error about a datagram sent from here. */
  icmpError(quoted: Packet): void {
    if (quoted.l4.kind === 'udp') {
      const socket = this.#find(quoted.l4.sport, quoted.ip.src, { address: quoted.ip.dst, port: quoted.l4.dport });
      if (socket !== undefined && socket.remote !== null) {
        socket.options.onError?.('ECONNREFUSED');
      }
    }
  }

  #find(port: number, local: Ipv4, from: SocketAddress): Udp | undefined {
    const fits = (socket: Udp): boolean => {
      const { remote } = socket;
      const peer = remote === null || (remote.address === from.address && remote.port === from.port);
      return peer && (socket.local.address === IPV4_ANY || socket.local.address === local);
    };
    return this.#byPort.get(port)?.find(fits);
  }
}
