/**
 * A listener at work: its socket, the listener filters of each accepted connection, and the choice of the filter chain.
 * @see envoy:source/server/active_tcp_listener.cc#ActiveTcpListener
 * @see envoy:source/server/active_tcp_socket.cc#ActiveTcpSocket
 */
import { isErrno, type TcpHandlers, type TcpListener, type TcpSocket } from '../../kernel/socket.ts';
import { concatBytes } from '../../net/bytes.ts';
import { parseIpv4 } from '../../net/ipv4.ts';
import { SECOND } from '../../sim/clock.ts';
import type { BpfMetadataConfig, FilterChain, Listener } from '../../xds/listener.ts';
import { BpfMetadata } from '../cilium/bpf_metadata.ts';
import { downstreamTls } from '../cilium/tls_wrapper.ts';
import { whenAllReady } from '../init_manager.ts';
import type { ServerContext } from '../server_context.ts';
import { DownstreamTlsContext } from '../transport_sockets/tls.ts';
import { inetOfSocket } from './address.ts';
import { Connection } from './connection.ts';
import { type AcceptedConnection, ServerConnection } from './filter.ts';
import { FilterChains } from './filter_chains.ts';
import { type NetworkFilterFactory, networkFilterFactory } from './filter_factories.ts';
import { ListenerUses } from './listener_uses.ts';
import { inspectTls } from './tls_inspector.ts';

/** A client that says nothing for so long is dropped. @see envoy:source/server/listener_impl.cc#ListenerImpl (listener_filters_timeout) */
const LISTENER_FILTERS_TIMEOUT = 15 * SECOND;

interface Chain {
  readonly config: FilterChain;
  readonly factories: readonly NetworkFilterFactory[];
  /** Envoy's own TLS, or `null`. */
  readonly tls: DownstreamTlsContext | null;
}

/** The listener. */
export class ActiveListener {
  readonly config: Listener;
  readonly #context: ServerContext;
  readonly #metadata: BpfMetadata | null;
  readonly #inspect: boolean;
  readonly #chains: FilterChains<Chain>;
  readonly #uses: ListenerUses;
  readonly #connections = new Set<Connection>();
  #socket: TcpListener | null = null;
  /** The listener was removed: its connections end with their next response. */
  draining = false;

  private constructor(
    context: ServerContext,
    config: Listener,
    metadata: BpfMetadata | null,
    chains: readonly Chain[],
    uses: ListenerUses,
  ) {
    this.#context = context;
    this.config = config;
    this.#metadata = metadata;
    this.#uses = uses;
    this.#chains = new FilterChains(chains);
    // Where chains ask for it, the inspector is there whether it is configured or not.
    const asked = chains.some(
      ({ config: { filter_chain_match: match } }) => match?.transport_protocol === 'tls' || match?.server_names !== undefined,
    );
    this.#inspect = asked || (config.listener_filters ?? []).some((filter) => filter.name === 'envoy.filters.listener.tls_inspector');
  }

  /** Checks a configuration; a text is the exception that rejects it. */
  static create(context: ServerContext, config: Listener): ActiveListener | string {
    let metadata: BpfMetadata | null = null;
    for (const filter of config.listener_filters ?? []) {
      if (filter.name === 'cilium.bpf_metadata') {
        const made = createMetadata(context, filter.typed_config as unknown as BpfMetadataConfig);
        if (typeof made === 'string') {
          return made;
        }
        metadata = made;
      } else if (filter.name !== 'envoy.filters.listener.tls_inspector') {
        return `Didn't find a registered implementation for '${filter.name}' with type URL: ''`;
      }
    }
    const chains: Chain[] = [];
    const uses = new ListenerUses();
    for (const chain of config.filter_chains) {
      const factories: NetworkFilterFactory[] = [];
      for (const filter of chain.filters) {
        const factory = networkFilterFactory(context, filter, uses);
        if (typeof factory === 'string') {
          uses.release();
          return factory;
        }
        factories.push(factory);
      }
      const tls = DownstreamTlsContext.create(context, chain.transport_socket);
      if (typeof tls === 'string') {
        uses.release();
        return tls;
      }
      if (tls !== null) {
        uses.add(tls.init, () => tls.release());
      }
      chains.push({ config: chain, factories, tls });
    }
    return chains.length === 0
      ? `error adding listener '${config.name}': no filter chains specified`
      : new ActiveListener(context, config, metadata, chains, uses);
  }

  /** Calls back once the routes and secrets the listener names have come. */
  whenReady(callback: () => void): void {
    whenAllReady(this.#uses.init, callback);
  }

  /** The listener is no more: what it has followed may go. */
  release(): void {
    this.#uses.release();
  }

  /** Number of open downstream connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Binds and listens; a text is the error. */
  listen(): string | null {
    const { address, port_value: port = 0 } = this.config.address.socket_address;
    const mark = Number(this.config.socket_options?.find((option) => option.level === '1' && option.name === '36')?.int_value ?? 0);
    const result = this.#context.sockets.listen({
      local: { address: parseIpv4(address) ?? 0, port },
      mark,
      transparent: this.config.transparent === true,
      onAccept: (socket) => this.#accept(socket),
    });
    if (isErrno(result)) {
      return `cannot bind '${address}:${port}': ${result}`;
    }
    this.#socket = result;
    return null;
  }

  /** Stops accepting; open connections go on. */
  stopListening(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Closes what is left after draining. */
  closeConnections(): void {
    for (const connection of [...this.#connections]) {
      connection.close('flush-write');
    }
  }

  /** The process is gone. */
  abort(): void {
    this.stopListening();
    for (const connection of [...this.#connections]) {
      connection.abort();
    }
  }

  #accept(socket: TcpSocket): TcpHandlers {
    const connection = new Connection(this.#context.dispatcher, socket, this.#context.nextConnectionId());
    this.#connections.add(connection);
    connection.onSocketGone(() => this.#connections.delete(connection));
    this.#context.stats.get(`listener.${this.#statName}.downstream_cx_total`).value += 1;
    this.#recordAccept(connection);
    if (this.#inspect) {
      this.#inspectFirstBytes(connection);
    } else {
      this.#context.dispatcher.run(() => this.#newConnection(connection, 'plain', ''));
    }
    return connection.handlers();
  }

  /** The listener filters run when the first bytes have told TLS from plain text. */
  #inspectFirstBytes(connection: Connection): void {
    let received: Uint8Array[] = [];
    const timeout = this.#context.dispatcher.timer(LISTENER_FILTERS_TIMEOUT, 'periodic:envoy listener filters timeout', () =>
      connection.close('no-flush'),
    );
    connection.setCallbacks({
      onData: (bytes) => {
        received.push(bytes);
        const all = concatBytes(received);
        const found = inspectTls(all);
        if (found.kind === 'more') {
          return;
        }
        timeout.cancel();
        received = [];
        if (this.#newConnection(connection, found.kind, found.kind === 'tls' ? found.sni : '') !== null) {
          connection.receive(all);
        }
      },
      onClosed: () => timeout.cancel(),
    });
  }

  /** @see envoy:source/server/active_tcp_socket.cc#ActiveTcpSocket::newConnection */
  #newConnection(connection: Connection, transport: 'plain' | 'tls', sni: string): ServerConnection | null {
    const local = inetOfSocket(connection.socket.local);
    const remote = inetOfSocket(connection.socket.remote);
    const metadata = this.#metadata?.getMetadata(remote, local) ?? null;
    if (this.#metadata !== null) {
      connection.socket.setOption('SO_LINGER', 10);
      connection.socket.setOption('SO_KEEPALIVE', 1);
      connection.socket.setOption('TCP_KEEPINTVL', 300);
      connection.socket.setOption('TCP_KEEPIDLE', 300);
    }
    const info: AcceptedConnection = {
      local,
      remote,
      sni,
      tls: transport === 'tls',
      applicationProtocols: metadata === null || metadata.l7Proto === '' ? [] : [metadata.l7Proto],
      option: metadata?.option ?? null,
    };
    const chain = this.#chains.find(info);
    if (chain === null) {
      this.#context.stats.get(`listener.${this.#statName}.no_filter_chain_match`).value += 1;
      connection.close('no-flush');
      return null;
    }
    if (chain.tls !== null || chain.config.transport_socket?.name === 'cilium.tls_wrapper') {
      const session = chain.tls === null ? downstreamTls(info) : chain.tls.session();
      if (session === null) {
        connection.close('no-flush');
        return null;
      }
      if (session !== 'raw') {
        connection.secure(session);
      }
    }
    const server = new ServerConnection(connection, info, () => this.draining);
    server.start(chain.factories.map((factory) => factory(server)));
    return server;
  }

  get #statName(): string {
    const { address, port_value: port } = this.config.address.socket_address;
    return `${address}_${port}`;
  }

  #recordAccept(connection: Connection): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'enter',
        actor: 'envoy',
        fn: 'ActiveTcpListener::onAccept',
        see: 'envoy:source/server/active_tcp_listener.cc#ActiveTcpListener::onAccept',
        where: `listener ${this.config.name}`,
        what: `connection ${connection.id}: ${inetOfSocket(connection.socket.remote).text} -> ${inetOfSocket(connection.socket.local).text}`,
      });
    }
  }
}

function createMetadata(context: ServerContext, config: BpfMetadataConfig): BpfMetadata | string {
  const sources = context.cilium.sources(config.bpf_root ?? '');
  return typeof sources === 'string' ? sources : BpfMetadata.create(config, sources);
}
