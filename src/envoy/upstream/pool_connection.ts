/**
 * The network connection of a pool's client: opened with a deadline, and heard of once when it is gone.
 * @see envoy:source/common/http/codec_client.cc#CodecClient
 */
import { isErrno, type SocketErrno } from '../../kernel/socket.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { tlsFailureText } from '../cilium/tls_wrapper.ts';
import { inetOfSocket } from '../network/address.ts';
import type { Connection } from '../network/connection.ts';
import type { ServerContext } from '../server_context.ts';
import { connectUpstream, errnoNumber } from './client_connection.ts';
import type { Host } from './cluster.ts';
import type { PoolKey } from './conn_pool.ts';

/** What the client hears. */
export interface PoolConnectionCallbacks {
  onConnected(): void;
  onData(bytes: Uint8Array): void;
  /** The upstream closed an established connection; `onGone` follows. */
  onRemoteClose(): void;
  /** `connected`: it had been established; if not, `transportFailure` says why, or is empty. */
  onGone(connected: boolean, transportFailure: string): void;
}

/** The connection. */
export class PoolConnection {
  readonly id: number;
  readonly #context: ServerContext;
  readonly #host: Host;
  readonly #key: PoolKey;
  readonly #callbacks: PoolConnectionCallbacks;
  #connection: Connection | null = null;
  #timer: Timer | null = null;
  #connected = false;
  #closed = false;

  constructor(context: ServerContext, host: Host, key: PoolKey, callbacks: PoolConnectionCallbacks) {
    this.#context = context;
    this.#host = host;
    this.#key = key;
    this.#callbacks = callbacks;
    this.id = context.nextConnectionId();
  }

  /** Nobody hears of it any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether bytes can be written. */
  get open(): boolean {
    return this.#connection?.open ?? false;
  }

  /** The proxy's end as `ip:port`. */
  get localAddress(): string {
    return this.#connection === null ? '' : inetOfSocket(this.#connection.socket.local).text;
  }

  /** Opens the socket. @see envoy:source/common/network/connection_impl.cc#ClientConnectionImpl::connect */
  connect(): void {
    const { dispatcher } = this.#context;
    const connection = connectUpstream(this.#context, this.#host, this.#key, this.id);
    if (isErrno(connection)) {
      const why = `immediate connect error: ${errnoNumber(connection)}`;
      this.#record('failed', why);
      dispatcher.defer(() => this.#gone(why));
      return;
    }
    this.#connection = connection;
    connection.setCallbacks({
      onConnected: () => this.#onConnected(),
      onData: (bytes) => this.#callbacks.onData(bytes),
      onClosed: (event, errno) => this.#onClosed(event, errno),
    });
    this.#record('connecting', this.#host.address.text);
    this.#timer = dispatcher.timer(this.#host.cluster.connectTimeout, 'envoy connect timeout', () => connection.close('no-flush'));
  }

  write(bytes: Uint8Array): void {
    this.#connection?.write(bytes);
  }

  /** Closes the connection. */
  close(): void {
    if (this.#connection === null) {
      this.#gone('');
    } else {
      this.#connection.close('no-flush');
    }
  }

  /** Resets the connection silently. */
  abort(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#connection?.abort();
  }

  #onConnected(): void {
    this.#connected = true;
    this.#timer?.cancel();
    this.#record('connected', this.#host.address.text);
    this.#callbacks.onConnected();
  }

  #onClosed(event: 'remote-close' | 'local-close', errno: SocketErrno | null): void {
    const wasConnected = this.#connected;
    if (wasConnected && event === 'remote-close') {
      this.#callbacks.onRemoteClose();
    }
    const failure = this.#connection?.tlsFailure ?? null;
    const why = failure !== null ? tlsFailureText(failure) : errno === null ? '' : `delayed connect error: ${errnoNumber(errno)}`;
    this.#gone(wasConnected ? '' : why);
  }

  #gone(transportFailure: string): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#timer?.cancel();
    this.#record('closed', transportFailure);
    this.#callbacks.onGone(this.#connected, transportFailure);
  }

  #record(state: string, why: string): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'change',
        actor: 'envoy',
        fn: 'ClientConnectionImpl::connect',
        see: 'envoy:source/common/network/connection_impl.cc#ClientConnectionImpl::connect',
        target: `upstream connection ${this.id}`,
        before: null,
        after: { state, why, local: this.localAddress, remote: this.#host.address.text },
      });
    }
  }
}
