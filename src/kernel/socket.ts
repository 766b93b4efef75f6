/**
 * Sockets as processes see them: the contract between the kernel's transport layer and workloads, proxy and agent.
 * Callbacks come from the scheduler, never from inside the call that caused them.
 */
import type { Ipv4 } from '../net/ipv4.ts';

/** Address and port. */
export interface SocketAddress {
  readonly address: Ipv4;
  readonly port: number;
}

/** Errors a socket reports. @see linux:include/uapi/asm-generic/errno.h#ECONNREFUSED */
export type SocketErrno =
  | 'ECONNREFUSED'
  | 'ETIMEDOUT'
  | 'ECONNRESET'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EPIPE'
  | 'EPERM';

/** TCP states by their names in ss(8). */
export type TcpState =
  | 'SYN-SENT'
  | 'SYN-RECV'
  | 'ESTAB'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED';

/** What a process hears from its connection. */
export interface TcpHandlers {
  /** The handshake is complete (also on the accepting side, before `onData`). */
  onConnected?(socket: TcpSocket): void;
  /** Bytes in order. */
  onData?(socket: TcpSocket, bytes: Uint8Array): void;
  /** The peer will send no more (FIN). */
  onEnd?(socket: TcpSocket): void;
  /** The connection failed or was reset; no callback follows. */
  onError?(socket: TcpSocket, errno: SocketErrno): void;
  /** Both directions ended in order; no callback follows. */
  onClose?(socket: TcpSocket): void;
}

/** One end of a TCP connection. */
export interface TcpSocket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** getpeername(2): the remote end as the control group's program shows it. */
  peerName(): SocketAddress;
  readonly state: TcpState;
  /** SO_MARK: put on every packet sent. */
  readonly mark: number;
  /** Replaces the handlers. */
  setHandlers(handlers: TcpHandlers): void;
  /** Queues bytes; sent as the window and MSS allow. Ignored after `end`. */
  write(bytes: Uint8Array): void;
  /** Half-close: FIN after what is queued. */
  end(): void;
  /** close(2): FIN after what is queued, and data that still arrives is answered with RST. */
  close(): void;
  /** RST at once. */
  abort(): void;
  /** SO_KEEPALIVE and friends, SO_LINGER; recorded, seconds. */
  setOption(name: 'SO_KEEPALIVE' | 'TCP_KEEPINTVL' | 'TCP_KEEPIDLE' | 'SO_LINGER' | 'TCP_NODELAY', value: number): void;
}

/** How to connect. */
export interface ConnectOptions {
  readonly remote: SocketAddress;
  /** bind(2) before connect; port 0 = ephemeral. */
  readonly local?: SocketAddress;
  /** SO_MARK set before connect: it takes part in the route look-up. */
  readonly mark?: number;
  /** IP_TRANSPARENT: the local address need not be the host's. */
  readonly transparent?: boolean;
  readonly handlers: TcpHandlers;
}

/** How to listen. */
export interface ListenOptions {
  readonly local: SocketAddress;
  /** SO_MARK; accepted sockets inherit it. */
  readonly mark?: number;
  /** IP_TRANSPARENT: accept connections whose destination is not a local address (TPROXY). */
  readonly transparent?: boolean;
  /** A connection completed its handshake. Return the handlers for it. */
  onAccept(socket: TcpSocket): TcpHandlers;
}

/** A listening socket. */
export interface TcpListener {
  readonly local: SocketAddress;
  readonly transparent: boolean;
  close(): void;
}

/** A UDP socket. */
export interface UdpSocket {
  readonly local: SocketAddress;
  /** Sends a datagram; an optional source overrides the local address (IP_PKTINFO, raw sockets). */
  send(to: SocketAddress, bytes: Uint8Array, from?: SocketAddress): void;
  close(): void;
}

/** How to open a UDP socket. */
export interface UdpOptions {
  /** Port 0 = ephemeral. */
  readonly local: SocketAddress;
  readonly mark?: number;
  readonly transparent?: boolean;
  /** connect(2): only datagrams of this peer arrive, and ICMP errors are reported. */
  readonly remote?: SocketAddress;
  onMessage(bytes: Uint8Array, from: SocketAddress, to: SocketAddress): void;
  /** An ICMP port unreachable for a connected socket. */
  onError?(errno: SocketErrno): void;
}

/** States of an association. @see linux:include/net/sctp/constants.h#enum sctp_state */
export type SctpState = 'CLOSED' | 'COOKIE-WAIT' | 'COOKIE-ECHOED' | 'ESTABLISHED' | 'SHUTDOWN-SENT' | 'SHUTDOWN-ACK-SENT';

/** What a process hears from its association. */
export interface SctpHandlers {
  onConnected?(association: SctpAssociation): void;
  /** It failed or was aborted; no callback follows. */
  onError?(association: SctpAssociation, errno: SocketErrno): void;
  /** It was shut down in order; no callback follows. */
  onClose?(association: SctpAssociation): void;
}

/** One end of an SCTP association (one-to-one style socket). */
export interface SctpAssociation {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly state: SctpState;
  /** Graceful shutdown. */
  close(): void;
  /** ABORT at once. */
  abort(): void;
}

/** How to connect. */
export interface SctpConnectOptions {
  readonly remote: SocketAddress;
  readonly handlers: SctpHandlers;
}

/** How to listen. */
export interface SctpListenOptions {
  readonly local: SocketAddress;
  /** An association came up. Return the handlers for it. */
  onAccept(association: SctpAssociation): SctpHandlers;
}

/** A listening socket. */
export interface SctpListener {
  readonly local: SocketAddress;
  close(): void;
}

/** An ICMP echo socket. */
export interface PingSocket {
  /** Its echo identifier. */
  readonly identifier: number;
  /** Sends an echo request. */
  send(to: Ipv4, sequence: number, bytes: Uint8Array): void;
  close(): void;
}

/** How to open an ICMP echo socket. */
export interface PingOptions {
  /** IP_TTL; default 64. */
  readonly ttl?: number;
  /** IP_MTU_DISCOVER: set DF; default: no. */
  readonly dontFragment?: boolean;
  onReply(from: Ipv4, sequence: number, bytes: Uint8Array, ttl: number): void;
  /** An ICMP error about a request. */
  onError(from: Ipv4, sequence: number, type: number, code: number): void;
}

/** The socket calls of one network namespace. */
export interface SocketLayer {
  /** An ICMP echo socket; `ENETUNREACH` and the like show when it sends, as silence. */
  ping(options: PingOptions): PingSocket;
  connect(options: ConnectOptions): TcpSocket | SocketErrno;
  listen(options: ListenOptions): TcpListener | SocketErrno;
  udp(options: UdpOptions): UdpSocket | SocketErrno;
  sctpConnect(options: SctpConnectOptions): SctpAssociation | SocketErrno;
  sctpListen(options: SctpListenOptions): SctpListener | SocketErrno;
}

/** Whether a socket call failed. */
export function isErrno<T extends object>(result: T | SocketErrno): result is SocketErrno {
  return typeof result === 'string';
}
