/**
 * One upstream connection of a pool with its HTTP/1 codec.
 * @see envoy:source/common/http/codec_client.cc#CodecClient
 * @see envoy:source/common/http/http1/conn_pool.cc#ActiveClient::StreamWrapper
 */
import { isErrno, type SocketErrno } from '../../kernel/socket.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { tlsFailureText } from '../cilium/tls_wrapper.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { shouldCloseConnection } from '../http/header_utility.ts';
import { ClientCodec, type ResponseDecoder } from '../http/http1/client_codec.ts';
import { inetOfSocket } from '../network/address.ts';
import type { Connection } from '../network/connection.ts';
import type { ServerContext } from '../server_context.ts';
import { connectUpstream, errnoNumber } from './client_connection.ts';
import type { ConnPool } from './conn_pool.ts';

/** Why an upstream stream ended early. @see envoy:envoy/http/codec.h#StreamResetReason */
export type ResetReason = 'connection termination' | 'protocol error';

/** Who hears of the response. */
export interface UpstreamStreamCallbacks extends ResponseDecoder {
  onReset(reason: ResetReason): void;
}

/** A request on an upstream connection. */
export interface UpstreamStream {
  readonly connectionId: number;
  readonly localAddress: string;
  setCallbacks(callbacks: UpstreamStreamCallbacks): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, endStream: boolean): void;
  /** Gives the request up; its connection closes. */
  reset(): void;
}

/** The connection. */
export class ActiveClient {
  readonly id: number;
  readonly #context: ServerContext;
  readonly #pool: ConnPool;
  readonly #codec: ClientCodec;
  #connection: Connection | null = null;
  #timer: Timer | null = null;
  #connected = false;
  #closed = false;
  #stream: StreamWrapper | null = null;
  #protocolError = false;

  constructor(context: ServerContext, pool: ConnPool) {
    this.#context = context;
    this.#pool = pool;
    this.id = context.nextConnectionId();
    this.#codec = new ClientCodec((bytes) => this.#connection?.write(bytes));
  }

  /** Opens the socket. @see envoy:source/common/network/connection_impl.cc#ClientConnectionImpl::connect */
  connect(): void {
    const { dispatcher, options } = this.#context;
    const { key, host } = this.#pool;
    const connection = connectUpstream(this.#context, host, key, this.id);
    if (isErrno(connection)) {
      const why = `immediate connect error: ${errnoNumber(connection)}`;
      this.#record('failed', why);
      dispatcher.defer(() => this.#onGone(why));
      return;
    }
    this.#connection = connection;
    connection.setCallbacks({
      onConnected: () => this.#onConnected(),
      onData: (bytes) => this.#onData(bytes),
      onClosed: (event, errno) => this.#onClosed(event, errno),
    });
    this.#record('connecting', host.address.text);
    this.#timer = dispatcher.timer(options.proxyConnectTimeout, 'envoy connect timeout', () => connection.close('no-flush'));
  }

  /** Gives the connection a request. */
  newStream(onDone: () => void): UpstreamStream {
    const stream = new StreamWrapper(
      this,
      this.#codec,
      onDone,
      this.#connection === null ? '' : inetOfSocket(this.#connection.socket.local).text,
    );
    this.#stream = stream;
    this.#codec.newStream(stream);
    return stream;
  }

  /** Closes the connection. */
  close(): void {
    if (this.#connection === null) {
      this.#onGone('');
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

  /** The response is complete. @see envoy:source/common/http/http1/conn_pool.cc#ActiveClient::StreamWrapper::onDecodeComplete */
  streamComplete(stream: StreamWrapper, reusable: boolean): void {
    if (this.#stream !== stream) {
      return;
    }
    this.#stream = null;
    stream.done();
    if (this.#closed) {
      return;
    }
    if (reusable) {
      this.#pool.onIdle(this);
    } else {
      this.close();
    }
  }

  #onConnected(): void {
    this.#connected = true;
    this.#timer?.cancel();
    this.#record('connected', this.#pool.host.address.text);
    this.#pool.onConnected(this);
  }

  #onData(bytes: Uint8Array): void {
    const error = this.#codec.dispatch(bytes);
    if (error !== null) {
      this.#protocolError = true;
      this.#pool.onProtocolError();
      this.close();
    }
  }

  #onClosed(event: 'remote-close' | 'local-close', errno: SocketErrno | null): void {
    const wasConnected = this.#connected;
    if (wasConnected && event === 'remote-close' && this.#stream !== null) {
      // The end of the connection may be the end of the response.
      this.#protocolError = this.#codec.finish() !== null;
    }
    const failure = this.#connection?.tlsFailure ?? null;
    const why = failure !== null ? tlsFailureText(failure) : errno === null ? '' : `delayed connect error: ${errnoNumber(errno)}`;
    this.#onGone(wasConnected ? '' : why);
  }

  #onGone(transportFailure: string): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#timer?.cancel();
    this.#record('closed', transportFailure);
    const stream = this.#stream;
    this.#stream = null;
    if (stream !== null) {
      stream.done();
      stream.fail(this.#protocolError ? 'protocol error' : 'connection termination');
    }
    this.#pool.onClientClosed(this, this.#connected ? null : { reason: 'connection failure', transportFailure });
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
        after: {
          state,
          why,
          local: this.#connection === null ? '' : inetOfSocket(this.#connection.socket.local).text,
          remote: this.#pool.host.address.text,
        },
      });
    }
  }
}

/** The request on the connection. */
class StreamWrapper implements UpstreamStream, ResponseDecoder {
  readonly #client: ActiveClient;
  readonly #codec: ClientCodec;
  readonly #onDone: () => void;
  readonly localAddress: string;
  #callbacks: UpstreamStreamCallbacks | null = null;
  #encodeComplete = false;
  #closeConnection = false;
  #done = false;

  constructor(client: ActiveClient, codec: ClientCodec, onDone: () => void, localAddress: string) {
    this.#client = client;
    this.#codec = codec;
    this.#onDone = onDone;
    this.localAddress = localAddress;
  }

  get connectionId(): number {
    return this.#client.id;
  }

  setCallbacks(callbacks: UpstreamStreamCallbacks): void {
    this.#callbacks = callbacks;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#encodeComplete = endStream;
    this.#codec.encodeHeaders(headers, endStream);
  }

  encodeData(bytes: Uint8Array, endStream: boolean): void {
    this.#encodeComplete ||= endStream;
    this.#codec.encodeData(bytes, endStream);
  }

  reset(): void {
    this.#callbacks = null;
    if (!this.#done) {
      this.#client.close();
    }
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#closeConnection = shouldCloseConnection(this.#codec.protocol, headers);
    this.#callbacks?.decodeHeaders(headers, endStream);
    if (endStream) {
      this.#complete();
    }
  }

  decodeData(bytes: Uint8Array, endStream: boolean): void {
    this.#callbacks?.decodeData(bytes, endStream);
    if (endStream) {
      this.#complete();
    }
  }

  /** The request no longer counts against the circuit breaker. */
  done(): void {
    if (!this.#done) {
      this.#done = true;
      this.#onDone();
    }
  }

  /** The connection broke under the request. */
  fail(reason: ResetReason): void {
    const callbacks = this.#callbacks;
    this.#callbacks = null;
    callbacks?.onReset(reason);
  }

  #complete(): void {
    this.#callbacks = null;
    this.#client.streamComplete(this, this.#encodeComplete && !this.#closeConnection);
  }
}
