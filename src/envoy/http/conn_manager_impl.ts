/**
 * The HTTP connection manager: the terminal network filter of HTTP chains.
 * @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl
 */
import { fromLatin1 } from '../../net/bytes.ts';
import { Timeout } from '../event/timeout_queue.ts';
import type { ReadFilter, ServerConnection } from '../network/filter.ts';
import type { ServerContext } from '../server_context.ts';
import type { Stat } from '../stats.ts';
import { ActiveStream } from './active_stream.ts';
import type { RequestDecoder, ResponseEncoder } from './codec.ts';
import type { Protocol } from './header_utility.ts';
import { ServerCodec, type ServerCodecCallbacks } from './http1/server_codec.ts';
import { Http2Downstream, type Http2Host } from './http2/downstream.ts';
import type { PathOptions } from './path_utility.ts';
import type { StreamCallbacks, StreamFilter } from './stream_filter.ts';

/** Counters of a connection manager. */
export interface HcmStats {
  readonly connections: Stat;
  readonly requests: Stat;
  readonly protocolErrors: Stat;
  /** By the first digit of the status, from 1. */
  readonly responses: readonly Stat[];
}

/** A connection manager's configuration with its filters resolved. */
export interface HcmFactory {
  readonly stats: HcmStats;
  readonly pathOptions: PathOptions;
  createFilters(callbacks: StreamCallbacks): readonly StreamFilter[];
}

const HTTP2_PREFACE = 'PRI * HTTP/2';

/** The manager of one connection. */
export class HttpConnectionManager implements ReadFilter, ServerCodecCallbacks, Http2Host {
  readonly #context: ServerContext;
  readonly #factory: HcmFactory;
  readonly #connection: ServerConnection;
  readonly #codec: ServerCodec;
  readonly #idle: Timeout;
  #stream: ActiveStream | null = null;
  /** In place of the codec, if the connection begins with the preface of HTTP/2. */
  #http2: Http2Downstream | null = null;
  /** Bytes not parsed yet: the next request waits until the current one is answered. */
  #input: Uint8Array[] = [];
  #at = 0;
  #processing = false;
  #first = true;
  /** The connection ends with the current response. */
  closing = false;

  constructor(context: ServerContext, factory: HcmFactory, connection: ServerConnection) {
    this.#context = context;
    this.#factory = factory;
    this.#connection = connection;
    this.#codec = new ServerCodec(this);
    this.#idle = new Timeout(() => this.#onIdleTimeout());
  }

  get protocol(): Protocol {
    return this.#http2 === null ? this.#codec.protocol : 'HTTP/2';
  }

  /** Whether requests share the connection, so that one may end without the others. */
  get multiplexed(): boolean {
    return this.#http2 !== null;
  }

  get pathOptions(): PathOptions {
    return this.#factory.pathOptions;
  }

  get open(): boolean {
    return this.#connection.connection.open;
  }

  onNewConnection(): 'continue' | 'stop' {
    this.#factory.stats.connections.value += 1;
    this.#context.idleTimeouts.arm(this.#idle);
    return 'continue';
  }

  onData(bytes: Uint8Array): Uint8Array | null {
    if (this.#first) {
      this.#first = false;
      if (fromLatin1(bytes, 0, Math.min(bytes.length, HTTP2_PREFACE.length)) === HTTP2_PREFACE) {
        this.#http2 = new Http2Downstream(this.#context, this, this.#connection);
      }
    }
    if (this.#http2 !== null) {
      this.#http2.dispatch(bytes);
      return null;
    }
    this.#input.push(bytes);
    this.#process();
    return null;
  }

  onClosed(): void {
    this.#context.idleTimeouts.cancel(this.#idle);
    this.#input = [];
    const stream = this.#stream;
    this.#stream = null;
    stream?.destroy();
    this.#http2?.closed();
  }

  newStream(encoder: ResponseEncoder): RequestDecoder {
    const stream = this.createStream(encoder);
    this.#stream = stream;
    return stream;
  }

  /** A stream of either protocol. */
  createStream(encoder: ResponseEncoder): ActiveStream {
    this.#context.idleTimeouts.cancel(this.#idle);
    this.#factory.stats.requests.value += 1;
    return new ActiveStream(this.#context, this, this.#connection, encoder);
  }

  onIdle(): void {
    if (this.open) {
      this.#context.idleTimeouts.arm(this.#idle);
    }
  }

  onProtocolError(): void {
    this.#factory.stats.protocolErrors.value += 1;
  }

  /** The connection shall end, gently. */
  startDrain(): void {
    this.#http2?.startDrain();
  }

  write(bytes: Uint8Array): void {
    this.#connection.connection.write(bytes);
  }

  /** The filters of a stream. */
  createFilters(callbacks: StreamCallbacks): readonly StreamFilter[] {
    return this.#factory.createFilters(callbacks);
  }

  /** Counts a response by its class. */
  countResponse(status: number): void {
    const stat = this.#factory.stats.responses[Math.floor(status / 100) - 1];
    if (stat !== undefined) {
      stat.value += 1;
    }
  }

  /** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::doEndStream */
  streamEnded(stream: ActiveStream, reset: boolean): void {
    if (this.#http2 !== null) {
      if (reset) {
        stream.encoder.resetStream();
      }
      this.#http2.streamEnded(stream);
      return;
    }
    if (this.#stream !== stream) {
      return;
    }
    this.#stream = null;
    if (reset) {
      this.closing = true;
    }
    if (this.closing) {
      const read = stream.sawConnectionClose && stream.remoteComplete;
      this.#connection.connection.close(read ? 'flush-write' : 'flush-write-and-delay');
      return;
    }
    this.#context.idleTimeouts.arm(this.#idle);
    if (this.#input.length > 0 && !this.#processing) {
      this.#context.dispatcher.defer(() => this.#process());
    }
  }

  /** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::onData */
  #process(): void {
    if (this.#processing) {
      return;
    }
    this.#processing = true;
    while (this.open && this.#input.length > 0 && !(this.#stream?.remoteComplete ?? false)) {
      const bytes = this.#input[0] as Uint8Array;
      const result = this.#codec.dispatch(bytes, this.#at);
      if (result.error !== null) {
        this.onProtocolError();
        this.#connection.connection.close('flush-write-and-delay');
        break;
      }
      this.#at = result.used;
      if (result.used >= bytes.length) {
        this.#input.shift();
        this.#at = 0;
      }
    }
    this.#processing = false;
  }

  /** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::onIdleTimeout */
  #onIdleTimeout(): void {
    if (this.#http2 === null) {
      this.#connection.connection.close('flush-write-and-delay');
    } else {
      this.#http2.startDrain();
    }
  }
}
