/**
 * One upstream connection of HTTP/2 with the requests that share it.
 * @see envoy:source/common/http/conn_pool_base.cc#MultiplexedActiveClientBase
 * @see envoy:source/common/http/codec_client.cc#CodecClient
 */
import type { HeaderMap } from '../http/header_map.ts';
import { Http2Codec } from '../http/http2/codec_impl.ts';
import type { CodecStream, CodecStreamDecoder, StreamResetReason } from '../http/http2/codec_stream.ts';
import type { ServerContext } from '../server_context.ts';
import type { ConnPool } from './conn_pool.ts';
import type { PoolClient, ResetReason, UpstreamStream, UpstreamStreamCallbacks } from './pool_client.ts';
import { PoolConnection } from './pool_connection.ts';

/** Streams of one connection. @see envoy:source/common/http/conn_pool_base.cc#DEFAULT_MAX_STREAMS */
const MAX_STREAMS = 1 << 29;
const MAX_CONCURRENT_STREAMS = 0x7fff_ffff;

/** Limits on the headers of a response. @see envoy:source/common/upstream/upstream_impl.cc#ClusterInfoImpl */
const MAX_RESPONSE_HEADERS_BYTES = 60 * 1024;
const MAX_RESPONSE_HEADERS_COUNT = 100;

/** The connection. */
export class Http2Client implements PoolClient {
  readonly #context: ServerContext;
  readonly #pool: ConnPool;
  readonly #connection: PoolConnection;
  readonly #codec: Http2Codec;
  readonly #streams = new Set<Http2UpstreamStream>();
  #concurrent = MAX_CONCURRENT_STREAMS;
  #left = MAX_STREAMS;
  #protocolError = false;

  constructor(context: ServerContext, pool: ConnPool) {
    this.#context = context;
    this.#pool = pool;
    const connection = new PoolConnection(context, pool.host, pool.key, {
      onConnected: () => pool.onConnected(this),
      onData: (bytes) => this.#onData(bytes),
      onRemoteClose: () => undefined,
      onGone: (connected, transportFailure) => this.#onGone(connected, transportFailure),
    });
    this.#connection = connection;
    this.#codec = new Http2Codec(
      { server: false, maxHeadersBytes: MAX_RESPONSE_HEADERS_BYTES, maxHeadersCount: MAX_RESPONSE_HEADERS_COUNT },
      {
        write: (bytes) => connection.write(bytes),
        get open() {
          return connection.open;
        },
        scheduleClose: () => context.dispatcher.defer(() => connection.close()),
      },
      {
        onGoaway: () => pool.retire(this),
        onMaxConcurrentStreams: (limit) => this.#onMaxConcurrentStreams(limit),
      },
    );
  }

  get id(): number {
    return this.#connection.id;
  }

  get localAddress(): string {
    return this.#connection.localAddress;
  }

  get capacity(): number {
    return Math.max(0, Math.min(this.#left, this.#concurrent - this.#streams.size));
  }

  get activeStreams(): number {
    return this.#streams.size;
  }

  connect(): void {
    this.#connection.connect();
  }

  newStream(onDone: () => void): UpstreamStream {
    this.#left -= 1;
    const stream = new Http2UpstreamStream(this, this.#codec.newStream(), onDone);
    this.#streams.add(stream);
    return stream;
  }

  close(): void {
    this.#connection.close();
  }

  abort(): void {
    this.#connection.abort();
  }

  /** A stream is complete, or was given up. @see envoy:source/common/http/conn_pool_base.cc#MultiplexedActiveClientBase::onStreamDestroy */
  streamDone(stream: Http2UpstreamStream): void {
    if (this.#streams.delete(stream)) {
      stream.done();
      if (!this.#connection.closed) {
        this.#pool.onIdle(this);
      }
    }
  }

  #onData(bytes: Uint8Array): void {
    const error = this.#codec.dispatch(bytes);
    if (error !== null) {
      this.#protocolError = true;
      this.#pool.onProtocolError();
      this.#record(error.text);
      this.close();
    }
  }

  /** @see envoy:source/common/http/conn_pool_base.cc#MultiplexedActiveClientBase::onSettings */
  #onMaxConcurrentStreams(limit: number): void {
    this.#concurrent = Math.min(limit, MAX_CONCURRENT_STREAMS);
    this.#pool.onCapacityChanged(this);
  }

  #onGone(connected: boolean, transportFailure: string): void {
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const stream of streams) {
      stream.done();
      stream.fail(this.#protocolError ? 'protocol error' : 'connection termination');
    }
    this.#pool.onClientClosed(this, connected ? null : { reason: 'connection failure', transportFailure });
  }

  #record(why: string): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'CodecClient::onData',
        see: 'envoy:source/common/http/codec_client.cc#CodecClient::onData',
        verdict: 'close',
        why: `upstream connection ${this.id}: codec error: ${why}`,
      });
    }
  }
}

/** A request on the connection. */
class Http2UpstreamStream implements UpstreamStream, CodecStreamDecoder {
  readonly #client: Http2Client;
  readonly #stream: CodecStream;
  readonly #onDone: () => void;
  #callbacks: UpstreamStreamCallbacks | null = null;
  #encodeComplete = false;
  #decodeComplete = false;
  #done = false;

  constructor(client: Http2Client, stream: CodecStream, onDone: () => void) {
    this.#client = client;
    this.#stream = stream;
    this.#onDone = onDone;
    stream.setDecoder(this);
  }

  get connectionId(): number {
    return this.#client.id;
  }

  get localAddress(): string {
    return this.#client.localAddress;
  }

  setCallbacks(callbacks: UpstreamStreamCallbacks): void {
    this.#callbacks = callbacks;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#stream.encodeHeaders(headers.pairs(), endStream);
    this.#encoded(endStream);
  }

  encodeData(bytes: Uint8Array, endStream: boolean): void {
    this.#stream.encodeData(bytes, endStream);
    this.#encoded(endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.#stream.encodeTrailers(trailers.pairs());
    this.#encoded(true);
  }

  /** Only this stream ends; a request whose headers were not sent leaves no trace of itself. */
  reset(): void {
    this.#callbacks = null;
    if (!this.#done) {
      this.#stream.reset('local reset');
      this.#client.streamDone(this);
    }
  }

  /** Informational responses end here: `proxy_100_continue` is off. */
  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (!(headers.get(':status') ?? '').startsWith('1')) {
      this.#callbacks?.decodeHeaders(headers, endStream);
      this.#decoded(endStream);
    }
  }

  decodeData(bytes: Uint8Array, endStream: boolean): void {
    this.#callbacks?.decodeData(bytes, endStream);
    this.#decoded(endStream);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.#callbacks?.decodeTrailers(trailers);
    this.#decoded(true);
  }

  onReset(reason: StreamResetReason): void {
    this.#client.streamDone(this);
    this.fail(reason === 'local reset' ? 'connection termination' : reason);
  }

  /** The request no longer counts against the circuit breaker. */
  done(): void {
    if (!this.#done) {
      this.#done = true;
      this.#onDone();
    }
  }

  /** The stream broke. */
  fail(reason: ResetReason): void {
    const callbacks = this.#callbacks;
    this.#callbacks = null;
    callbacks?.onReset(reason);
  }

  #encoded(endStream: boolean): void {
    this.#encodeComplete ||= endStream;
    this.#completeIfBoth();
  }

  /** A response that is complete before its request ends the request. @see envoy:source/common/router/router.cc#Filter::onUpstreamComplete */
  #decoded(endStream: boolean): void {
    this.#decodeComplete ||= endStream;
    if (endStream && !this.#encodeComplete) {
      this.reset();
    }
    this.#completeIfBoth();
  }

  #completeIfBoth(): void {
    if (this.#encodeComplete && this.#decodeComplete) {
      this.#callbacks = null;
      this.#client.streamDone(this);
    }
  }
}
