/**
 * The HTTP/2 half of the connection manager: many streams on one connection, and its end in steps.
 * @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl
 */
import { SECOND } from '../../../sim/clock.ts';
import type { Timer } from '../../../sim/scheduler.ts';
import type { ServerConnection } from '../../network/filter.ts';
import type { ServerContext } from '../../server_context.ts';
import type { ActiveStream } from '../active_stream.ts';
import type { ResponseEncoder } from '../codec.ts';
import type { HeaderMap } from '../header_map.ts';
import { MAX_HEADERS_COUNT, MAX_REQUEST_HEADERS_BYTES } from '../http1/server_codec.ts';
import { type CodecError, Http2Codec } from './codec_impl.ts';
import type { CodecStream } from './codec_stream.ts';

/** Between the warning and the GOAWAY. @see envoy:api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto (drain_timeout) */
const DRAIN_TIMEOUT = 5 * SECOND;

/** The connection manager, as far as it is needed here. */
export interface Http2Host {
  createStream(encoder: ResponseEncoder): ActiveStream;
  /** The last stream ended. */
  onIdle(): void;
  onProtocolError(): void;
}

/** The connection. */
export class Http2Downstream {
  readonly #context: ServerContext;
  readonly #host: Http2Host;
  readonly #connection: ServerConnection;
  readonly #codec: Http2Codec;
  readonly #streams = new Set<ActiveStream>();
  #drain: 'none' | 'draining' | 'closing' = 'none';
  #timer: Timer | null = null;

  constructor(context: ServerContext, host: Http2Host, server: ServerConnection) {
    this.#context = context;
    this.#host = host;
    this.#connection = server;
    const { connection } = server;
    this.#codec = new Http2Codec(
      { server: true, maxHeadersBytes: MAX_REQUEST_HEADERS_BYTES, maxHeadersCount: MAX_HEADERS_COUNT },
      {
        write: (bytes) => connection.write(bytes),
        get open() {
          return connection.open;
        },
        scheduleClose: () => context.dispatcher.defer(() => connection.close('no-flush')),
      },
      { onNewStream: (stream) => this.#onNewStream(stream) },
    );
  }

  /** Bytes of the client. */
  dispatch(bytes: Uint8Array): void {
    const error = this.#codec.dispatch(bytes);
    if (error !== null) {
      this.#onCodecError(error);
    } else {
      this.#closeIfDrained();
    }
  }

  /** A stream has ended; one whose request is not complete is reset. @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::doEndStream */
  streamEnded(stream: ActiveStream): void {
    if (!this.#streams.delete(stream)) {
      return;
    }
    if (this.#streams.size === 0) {
      this.#host.onIdle();
    }
    if (!this.#codec.dispatching) {
      this.#closeIfDrained();
    }
  }

  /** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::startDrainSequence */
  startDrain(): void {
    if (this.#drain !== 'none') {
      return;
    }
    this.#drain = 'draining';
    this.#codec.shutdownNotice();
    this.#timer = this.#context.dispatcher.timer(DRAIN_TIMEOUT, 'envoy connection drain', () => {
      this.#codec.goAway();
      this.#drain = 'closing';
      this.#closeIfDrained();
    });
  }

  /** The connection is gone. */
  closed(): void {
    this.#timer?.cancel();
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const stream of streams) {
      stream.destroy();
    }
  }

  #onNewStream(stream: CodecStream): void {
    const active = this.#host.createStream(new ServerStream(stream));
    this.#streams.add(active);
    stream.setDecoder(active);
  }

  /** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::handleCodecError */
  #onCodecError(error: CodecError): void {
    if (error.kind === 'protocol') {
      this.#host.onProtocolError();
    }
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'ConnectionManagerImpl::handleCodecError',
        see: 'envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::handleCodecError',
        verdict: 'close',
        why: `codec error: ${error.text}`,
        data: { connection: this.#connection.connection.id, streams: this.#streams.size },
      });
    }
    this.#connection.connection.close('flush-write-and-delay');
  }

  /** @see envoy:source/common/http/conn_manager_impl.cc#ConnectionManagerImpl::checkForDeferredClose */
  #closeIfDrained(): void {
    if (this.#drain === 'closing' && this.#streams.size === 0) {
      this.#connection.connection.close('flush-write-and-delay');
    }
  }
}

/** The response of a stream. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::ServerStreamImpl */
class ServerStream implements ResponseEncoder {
  readonly #stream: CodecStream;

  constructor(stream: CodecStream) {
    this.#stream = stream;
  }

  encodeContinue(): void {
    this.#stream.encodeInformational([[':status', '100']]);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#stream.encodeHeaders(headers.pairs(), endStream);
  }

  encodeData(bytes: Uint8Array, endStream: boolean): void {
    this.#stream.encodeData(bytes, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.#stream.encodeTrailers(trailers.pairs());
  }

  resetStream(): void {
    this.#stream.reset('local reset');
  }
}
