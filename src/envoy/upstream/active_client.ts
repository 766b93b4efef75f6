/**
 * One upstream connection of a pool with its HTTP/1 codec.
 * @see envoy:source/common/http/codec_client.cc#CodecClient
 * @see envoy:source/common/http/http1/conn_pool.cc#ActiveClient::StreamWrapper
 */
import { NO_BYTES } from '../../net/bytes.ts';
import type { ResponseDecoder } from '../http/codec.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { shouldCloseConnection } from '../http/header_utility.ts';
import { ClientCodec } from '../http/http1/client_codec.ts';
import type { ServerContext } from '../server_context.ts';
import type { ConnPool } from './conn_pool.ts';
import type { PoolClient, ResetReason, UpstreamStream, UpstreamStreamCallbacks } from './pool_client.ts';
import { PoolConnection } from './pool_connection.ts';

/** The connection. */
export class ActiveClient implements PoolClient {
  readonly #pool: ConnPool;
  readonly #codec: ClientCodec;
  readonly #connection: PoolConnection;
  #stream: StreamWrapper | null = null;
  #protocolError = false;

  constructor(context: ServerContext, pool: ConnPool) {
    this.#pool = pool;
    this.#connection = new PoolConnection(context, pool.host, pool.key, {
      onConnected: () => pool.onConnected(this),
      onData: (bytes) => this.#onData(bytes),
      onRemoteClose: () => this.#onRemoteClose(),
      onGone: (connected, transportFailure) => this.#onGone(connected, transportFailure),
    });
    const connection = this.#connection;
    this.#codec = new ClientCodec((bytes) => connection.write(bytes));
  }

  get id(): number {
    return this.#connection.id;
  }

  /** One request at a time. */
  get capacity(): number {
    return this.#stream === null ? 1 : 0;
  }

  get activeStreams(): number {
    return this.#stream === null ? 0 : 1;
  }

  connect(): void {
    this.#connection.connect();
  }

  /** Gives the connection a request. */
  newStream(onDone: () => void): UpstreamStream {
    const stream = new StreamWrapper(this, this.#codec, onDone, this.#connection.localAddress);
    this.#stream = stream;
    this.#codec.newStream(stream);
    return stream;
  }

  close(): void {
    this.#connection.close();
  }

  abort(): void {
    this.#connection.abort();
  }

  /** The response is complete. @see envoy:source/common/http/http1/conn_pool.cc#ActiveClient::StreamWrapper::onDecodeComplete */
  streamComplete(stream: StreamWrapper, reusable: boolean): void {
    if (this.#stream !== stream) {
      return;
    }
    this.#stream = null;
    stream.done();
    if (this.#connection.closed) {
      return;
    }
    if (reusable) {
      this.#pool.onIdle(this);
    } else {
      this.close();
    }
  }

  #onData(bytes: Uint8Array): void {
    const error = this.#codec.dispatch(bytes);
    if (error !== null) {
      this.#protocolError = true;
      this.#pool.onProtocolError();
      this.close();
    }
  }

  /** The end of the connection may be the end of the response. */
  #onRemoteClose(): void {
    if (this.#stream !== null) {
      this.#protocolError = this.#codec.finish() !== null;
    }
  }

  #onGone(connected: boolean, transportFailure: string): void {
    const stream = this.#stream;
    this.#stream = null;
    if (stream !== null) {
      stream.done();
      stream.fail(this.#protocolError ? 'protocol error' : 'connection termination');
    }
    this.#pool.onClientClosed(this, connected ? null : { reason: 'connection failure', transportFailure });
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

  /** Trailers are not written: `enable_trailers` is off. */
  encodeTrailers(): void {
    this.encodeData(NO_BYTES, true);
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
