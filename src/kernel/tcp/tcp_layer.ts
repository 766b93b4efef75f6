/**
 * TCP of one namespace: the socket tables, connect and listen, and which socket a segment belongs to.
 * @see linux:net/ipv4/tcp_ipv4.c#tcp_v4_rcv
 */

import { NO_BYTES } from '../../net/bytes.ts';
import { IPV4_ANY } from '../../net/ipv4.ts';
import { makePacket, type Packet, type TcpHeader, type TcpOptions, tcpOptionsLength } from '../../net/packet.ts';
import { IPPROTO_TCP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../net/protocol.ts';
import type { NetNs } from '../netns.ts';
import { PortAllocator } from '../port_allocator.ts';
import type { Skb } from '../skb.ts';
import type { ConnectOptions, ListenOptions, SocketAddress, SocketErrno, TcpListener, TcpSocket } from '../socket.ts';
import { seqAdd } from './seq.ts';
import { TcpSock } from './tcp_sock.ts';

class Listener implements TcpListener {
  readonly local: SocketAddress;
  readonly options: ListenOptions;
  readonly #layer: TcpLayer;

  constructor(layer: TcpLayer, options: ListenOptions) {
    this.#layer = layer;
    this.local = options.local;
    this.options = options;
  }

  get transparent(): boolean {
    return this.options.transparent ?? false;
  }

  close(): void {
    this.#layer.closeListener(this);
  }
}

/** A segment to send. */
export interface Segment {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly options: TcpOptions | null;
  readonly payload: Uint8Array;
  readonly mark: number;
}

/** The TCP sockets of a namespace. */
export class TcpLayer {
  readonly netns: NetNs;
  readonly ports: PortAllocator;
  /** Connections by a hash of their ends; those of one hash are chained. @see linux:net/ipv4/inet_hashtables.c#inet_ehashfn */
  readonly #connections = new Map<number, TcpSock>();
  #size = 0;
  readonly #listeners = new Map<number, Listener[]>();
  /** How many connections use a local port, for the allocator. */
  readonly #localPorts = new Map<number, number>();

  constructor(netns: NetNs) {
    this.netns = netns;
    this.ports = new PortAllocator(netns.kernel.rng.fork(`tcp ports of ${netns.name}`), true);
  }

  /** @see linux:net/ipv4/tcp_ipv4.c#tcp_v4_connect */
  connect(options: ConnectOptions): TcpSocket | SocketErrno {
    const mark = options.mark ?? 0;
    const cookie = this.netns.kernel.nextSocketCookie();
    const remote = this.netns.cgroup.to('connect4', IPPROTO_TCP, cookie, options.remote);
    if (remote === 'EPERM') {
      return remote;
    }
    let address = options.local?.address ?? IPV4_ANY;
    if (address === IPV4_ANY) {
      const source = this.netns.sourceAddress(remote.address, mark);
      if (source === null) {
        return 'ENETUNREACH';
      }
      address = source;
    } else if (options.transparent !== true && !this.netns.isLocal(address)) {
      return 'EADDRNOTAVAIL';
    }
    const wanted = options.local?.port ?? 0;
    const taken = (port: number): boolean => this.#find({ address, port }, remote) !== undefined || this.#listeners.has(port);
    const port = wanted === 0 ? this.ports.take(taken) : taken(wanted) ? null : wanted;
    if (port === null) {
      // Who binds transparently has SO_REUSEADDR: it is connect(2) that fails.
      return wanted === 0 || options.transparent === true ? 'EADDRNOTAVAIL' : 'EADDRINUSE';
    }
    const peerName = (): SocketAddress => this.netns.cgroup.from('getpeername4', IPPROTO_TCP, cookie, remote);
    const { handlers, transparent = false } = options;
    const socket = new TcpSock(this, { local: { address, port }, remote, mark, peerName, handlers, transparent });
    this.#insert(socket);
    socket.startConnect();
    return socket;
  }

  /** @see linux:net/ipv4/inet_connection_sock.c#inet_csk_listen_start */
  listen(options: ListenOptions): TcpListener | SocketErrno {
    const others = this.#listeners.get(options.local.port) ?? [];
    const clash = others.some(
      (other) => other.local.address === options.local.address || other.local.address === IPV4_ANY || options.local.address === IPV4_ANY,
    );
    if (clash || !this.netns.cgroup.mayBind(IPPROTO_TCP, options.local)) {
      return 'EADDRINUSE';
    }
    const listener = new Listener(this, options);
    this.#listeners.set(options.local.port, [...others, listener]);
    return listener;
  }

  /** Stops listening; connections stay. */
  closeListener(listener: Listener): void {
    const rest = (this.#listeners.get(listener.local.port) ?? []).filter((other) => other !== listener);
    if (rest.length === 0) {
      this.#listeners.delete(listener.local.port);
    } else {
      this.#listeners.set(listener.local.port, rest);
    }
  }

  /** Ports somebody listens on, ascending. */
  listeningPorts(): number[] {
    return [...this.#listeners.keys()].sort((a, b) => a - b);
  }

  /** Connections in any state, TIME-WAIT included. */
  get size(): number {
    return this.#size;
  }

  /** Whether a transparent socket takes the packet. @see linux:net/ipv4/netfilter/nf_socket_ipv4.c#nf_sk_lookup_slow_v4 */
  matchTransparent(skb: Skb): boolean {
    const { ip, l4 } = skb.packet;
    if (l4.kind !== 'tcp') {
      return false;
    }
    const socket = this.#find({ address: ip.dst, port: l4.dport }, { address: ip.src, port: l4.sport });
    return socket?.transparent ?? false;
  }

  /** Gives the packet to the transparent listener of a port. @see linux:net/netfilter/xt_TPROXY.c#tproxy_tg4 */
  tproxy(skb: Skb, port: number): boolean {
    const { ip, l4 } = skb.packet;
    if (l4.kind !== 'tcp') {
      return false;
    }
    const established = this.#find({ address: ip.dst, port: l4.dport }, { address: ip.src, port: l4.sport });
    skb.sk = established ?? this.#listeners.get(port)?.find((listener) => listener.transparent) ?? null;
    return skb.sk !== null;
  }

  /** @see linux:net/ipv4/tcp_ipv4.c#tcp_v4_rcv */
  receive(skb: Skb, tcp: TcpHeader): void {
    const { ip, payload } = skb.packet;
    const local = { address: ip.dst, port: tcp.dport };
    const remote = { address: ip.src, port: tcp.sport };
    const socket = this.#find(local, remote);
    if (socket !== undefined) {
      if (socket.state === 'TIME-WAIT' && (tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN) {
        socket.forget();
      } else {
        socket.receive(tcp, payload);
        return;
      }
    }
    const listener = skb.sk instanceof Listener ? skb.sk : this.#listener(local);
    if (listener !== undefined && (tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN) {
      const child = new TcpSock(this, { local, remote, mark: listener.options.mark ?? 0, handlers: {}, listener: listener.options });
      this.#insert(child);
      child.startAccept(tcp);
    } else if ((tcp.flags & TCP_RST) === 0) {
      this.#sendReset(local, remote, tcp, payload.length);
    }
  }

  /** A reported error ends a connection attempt. @see linux:net/ipv4/tcp_ipv4.c#tcp_v4_err */
  icmpError(quoted: Packet, errno: SocketErrno): void {
    if (quoted.l4.kind === 'tcp') {
      const local = { address: quoted.ip.src, port: quoted.l4.sport };
      const socket = this.#find(local, { address: quoted.ip.dst, port: quoted.l4.dport });
      if (socket?.state === 'SYN-SENT') {
        socket.fail(errno);
      }
    }
  }

  /** Removes a closed connection. */
  remove(socket: TcpSock): void {
    if (this.#unchain(socket)) {
      this.#size -= 1;
      const users = (this.#localPorts.get(socket.local.port) ?? 1) - 1;
      if (users === 0) {
        this.#localPorts.delete(socket.local.port);
      } else {
        this.#localPorts.set(socket.local.port, users);
      }
    }
  }

  /** Puts a segment on its way. @see linux:net/ipv4/tcp_output.c#__tcp_transmit_skb */
  transmit(segment: Segment): void {
    const { options } = segment;
    const packet = makePacket({
      id: this.netns.kernel.nextPacketId(),
      src: segment.local.address,
      dst: segment.remote.address,
      protocol: IPPROTO_TCP,
      l4: {
        kind: 'tcp',
        sport: segment.local.port,
        dport: segment.remote.port,
        seq: segment.seq,
        ack: segment.ack,
        flags: segment.flags,
        window: 64240,
        options,
        headerLength: 20 + tcpOptionsLength(options),
      },
      payload: segment.payload,
      ipId: this.netns.nextIpId(),
    });
    this.netns.output(packet, segment.mark);
  }

  #insert(socket: TcpSock): void {
    const hash = hashEnds(socket.local, socket.remote);
    socket.next = this.#connections.get(hash);
    this.#connections.set(hash, socket);
    this.#size += 1;
    this.#localPorts.set(socket.local.port, (this.#localPorts.get(socket.local.port) ?? 0) + 1);
  }

  #find(local: SocketAddress, remote: SocketAddress): TcpSock | undefined {
    let socket = this.#connections.get(hashEnds(local, remote));
    while (socket !== undefined && !(isEnd(socket.remote, remote) && isEnd(socket.local, local))) {
      socket = socket.next;
    }
    return socket;
  }

  /** Takes a connection out of the table; `false`: it was not there. */
  #unchain(socket: TcpSock): boolean {
    const hash = hashEnds(socket.local, socket.remote);
    let before = this.#connections.get(hash);
    if (before === socket) {
      if (socket.next === undefined) {
        this.#connections.delete(hash);
      } else {
        this.#connections.set(hash, socket.next);
      }
      return true;
    }
    while (before !== undefined && before.next !== socket) {
      before = before.next;
    }
    if (before !== undefined) {
      before.next = socket.next;
    }
    return before !== undefined;
  }

  #listener(local: SocketAddress): Listener | undefined {
    const candidates = this.#listeners.get(local.port);
    if (candidates === undefined || !this.netns.isLocal(local.address)) {
      return undefined;
    }
    let any: Listener | undefined;
    for (const listener of candidates) {
      if (listener.local.address === local.address) {
        return listener;
      }
      any ??= listener.local.address === IPV4_ANY ? listener : undefined;
    }
    return any;
  }

  /** @see linux:net/ipv4/tcp_ipv4.c#tcp_v4_send_reset */
  #sendReset(local: SocketAddress, remote: SocketAddress, tcp: TcpHeader, length: number): void {
    const hasAck = (tcp.flags & TCP_ACK) !== 0;
    const consumed = length + ((tcp.flags & TCP_SYN) !== 0 ? 1 : 0) + ((tcp.flags & TCP_FIN) !== 0 ? 1 : 0);
    this.transmit({
      local,
      remote,
      seq: hasAck ? tcp.ack : 0,
      ack: hasAck ? 0 : seqAdd(tcp.seq, consumed),
      flags: hasAck ? TCP_RST : TCP_RST | TCP_ACK,
      options: null,
      payload: NO_BYTES,
      mark: 0,
    });
  }
}

function hashEnds(local: SocketAddress, remote: SocketAddress): number {
  const ports = (local.port << 16) | remote.port;
  return Math.imul(local.address ^ Math.imul(remote.address, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(ports, 0xc2b2ae35);
}

function isEnd(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.address === b.address;
}
