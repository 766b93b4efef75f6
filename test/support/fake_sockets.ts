/**
 * Sockets without a kernel: in-memory pipes over a scheduler. A connection to a redirected destination reaches another listener with its
 * original destination kept, as TPROXY does it; sockets with a mark are never redirected.
 */
import type {
  ConnectOptions,
  ListenOptions,
  PingOptions,
  PingSocket,
  SocketAddress,
  SocketErrno,
  SocketLayer,
  TcpHandlers,
  TcpListener,
  TcpSocket,
  TcpState,
  UdpOptions,
  UdpSocket,
} from '../../src/kernel/socket.ts';
import { formatIpv4 } from '../../src/net/ipv4.ts';
import type { Scheduler } from '../../src/sim/scheduler.ts';

const text = (address: SocketAddress): string => `${formatIpv4(address.address)}:${address.port}`;

/** One end of a pipe. */
export class FakeSocket implements TcpSocket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly mark: number;
  readonly options = new Map<string, number>();
  state: TcpState = 'SYN-SENT';
  peer: FakeSocket | null = null;
  /** All bytes written. */
  sent: Uint8Array[] = [];
  /** How the end was asked for. */
  closedBy: 'end' | 'close' | 'abort' | null = null;
  handlers: TcpHandlers;
  readonly #scheduler: Scheduler;
  #ended = false;
  #dead = false;

  constructor(scheduler: Scheduler, local: SocketAddress, remote: SocketAddress, mark: number, handlers: TcpHandlers) {
    this.#scheduler = scheduler;
    this.local = local;
    this.remote = remote;
    this.mark = mark;
    this.handlers = handlers;
  }

  peerName(): SocketAddress {
    return this.remote;
  }

  setHandlers(handlers: TcpHandlers): void {
    this.handlers = handlers;
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || this.#dead) {
      return;
    }
    const copy = bytes.slice();
    this.sent.push(copy);
    this.#scheduler.after(0, 'fake data', () => {
      const peer = this.peer;
      if (peer !== null && !peer.#dead && peer.closedBy !== 'close') {
        peer.handlers.onData?.(peer, copy);
      }
    });
  }

  end(): void {
    this.#finish('end');
  }

  close(): void {
    this.#finish('close');
  }

  abort(): void {
    if (this.#dead) {
      return;
    }
    this.closedBy = 'abort';
    this.#dead = true;
    const peer = this.peer;
    this.#scheduler.after(0, 'fake reset', () => peer?.fail('ECONNRESET'));
  }

  setOption(name: string, value: number): void {
    this.options.set(name, value);
  }

  /** The socket breaks. */
  fail(errno: SocketErrno): void {
    if (!this.#dead && this.closedBy !== 'close') {
      this.#dead = true;
      this.state = 'CLOSED';
      this.handlers.onError?.(this, errno);
    }
  }

  #finish(how: 'end' | 'close'): void {
    if (this.#dead) {
      return;
    }
    this.closedBy = how;
    if (!this.#ended) {
      this.#ended = true;
      this.#scheduler.after(0, 'fake fin', () => {
        const peer = this.peer;
        if (peer !== null && !peer.#dead && peer.closedBy !== 'close') {
          peer.handlers.onEnd?.(peer);
        }
      });
    }
  }
}

/** All namespaces at once. */
export class FakeNet implements SocketLayer {
  /** Both ends of every connection, in order: client, server. */
  readonly connections: (readonly [client: FakeSocket, server: FakeSocket])[] = [];
  /** Every connect call, refused ones too. */
  readonly connects: ConnectOptions[] = [];
  readonly #scheduler: Scheduler;
  readonly #listeners = new Map<string, ListenOptions>();
  readonly #redirects = new Map<string, number>();
  readonly #blackholes = new Set<string>();
  #ports = 40000;
  /** Address of sockets that do not bind. */
  defaultAddress = 0x0a000043;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Connections to the destination reach the listener on `port` instead. */
  redirect(destination: SocketAddress, port: number): void {
    this.#redirects.set(text(destination), port);
  }

  /** SYNs to the destination are lost. */
  blackhole(destination: SocketAddress): void {
    this.#blackholes.add(text(destination));
  }

  /** Whether somebody listens. */
  listening(port: number): boolean {
    return [...this.#listeners.values()].some((listener) => listener.local.port === port);
  }

  connect(options: ConnectOptions): TcpSocket {
    this.connects.push(options);
    const local = { address: options.local?.address ?? this.defaultAddress, port: options.local?.port || this.#ports++ };
    const client = new FakeSocket(this.#scheduler, local, options.remote, options.mark ?? 0, options.handlers);
    const key = text(options.remote);
    const redirected = (options.mark ?? 0) === 0 ? this.#redirects.get(key) : undefined;
    if (redirected === undefined && this.#blackholes.has(key)) {
      return client;
    }
    this.#scheduler.after(0, 'fake syn', () => {
      if (client.closedBy !== null) {
        return;
      }
      const listener =
        redirected === undefined
          ? (this.#listeners.get(key) ?? this.#listeners.get(`0.0.0.0:${options.remote.port}`))
          : this.#listeners.get(`0.0.0.0:${redirected}`);
      if (listener === undefined) {
        client.fail('ECONNREFUSED');
        return;
      }
      const server = new FakeSocket(this.#scheduler, options.remote, local, listener.mark ?? 0, {});
      server.peer = client;
      client.peer = server;
      client.state = 'ESTAB';
      server.state = 'ESTAB';
      this.connections.push([client, server]);
      server.handlers = listener.onAccept(server);
      server.handlers.onConnected?.(server);
      client.handlers.onConnected?.(client);
    });
    return client;
  }

  listen(options: ListenOptions): TcpListener | SocketErrno {
    const key = text(options.local);
    if (this.#listeners.has(key)) {
      return 'EADDRINUSE';
    }
    this.#listeners.set(key, options);
    return { local: options.local, transparent: options.transparent === true, close: () => this.#listeners.delete(key) };
  }

  ping(_options: PingOptions): PingSocket {
    return { identifier: 1, send: () => undefined, close: () => undefined };
  }

  udp(_options: UdpOptions): UdpSocket | SocketErrno {
    return 'EADDRNOTAVAIL';
  }

  sctpConnect(): SocketErrno {
    return 'EADDRNOTAVAIL';
  }

  sctpListen(): SocketErrno {
    return 'EADDRNOTAVAIL';
  }
}
