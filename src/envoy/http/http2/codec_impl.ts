/**
 * The HTTP/2 codec of a connection, either end: an nghttp2 session with Envoy's options, limits and judgements around it.
 * @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl
 * @remarks Not modelled: METADATA frames, keepalive PINGs (off in Cilium's configuration), the codec's own statistics, back pressure between streams.
 */
import { ERROR, FRAME, type FrameHeader, SETTING, type Setting } from '../../../net/http2/frame.ts';
import { CONNECTION_WINDOW, Http2Session } from '../../../net/http2/session.ts';
import type { BlockKind, FrameFault, SessionCallbacks } from '../../../net/http2/session_callbacks.ts';
import type { HeaderPair } from '../header_map.ts';
import { CodecStream, type StreamResetReason } from './codec_stream.ts';
import { ProtocolConstraints } from './protocol_constraints.ts';

/** Options nobody sets. @see envoy:source/common/http/http2/utility.h#OptionsLimits */
const HPACK_TABLE_SIZE = 4096;
const MAX_CONCURRENT_STREAMS = 0x7fff_ffff;
const INITIAL_STREAM_WINDOW = 256 * 1024 * 1024;
const INITIAL_CONNECTION_WINDOW = 256 * 1024 * 1024;

/** What the codec needs of its connection. */
export interface CodecConnection {
  write(bytes: Uint8Array): void;
  readonly open: boolean;
  /** Closes after the current event: what the codec wants to say cannot be said. */
  scheduleClose(): void;
}

/** What the codec's user hears. */
export interface CodecCallbacks {
  /** A client began a request. */
  onNewStream?(stream: CodecStream): void;
  onGoaway?(): void;
  /** The peer says how many streams it takes. */
  onMaxConcurrentStreams?(limit: number): void;
}

/** Which end, and what it accepts. */
export interface CodecOptions {
  readonly server: boolean;
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
}

/** Why dispatching ended. @see envoy:source/common/http/status.h#StatusCode */
export interface CodecError {
  readonly kind: 'flood' | 'protocol';
  readonly text: string;
}

/** The codec. */
export class Http2Codec implements SessionCallbacks {
  readonly server: boolean;
  readonly session: Http2Session;
  readonly #options: CodecOptions;
  readonly #connection: CodecConnection;
  readonly #callbacks: CodecCallbacks;
  readonly #constraints = new ProtocolConstraints();
  readonly #streams = new Map<number, CodecStream>();
  #dispatching = false;
  #raisedGoaway = false;
  #fault: string | null = null;

  constructor(options: CodecOptions, connection: CodecConnection, callbacks: CodecCallbacks) {
    this.server = options.server;
    this.#options = options;
    this.#connection = connection;
    this.#callbacks = callbacks;
    this.session = new Http2Session({ server: options.server, autoConsume: true }, this);
    this.session.submitSettings([
      ...(options.server ? [] : [[SETTING.ENABLE_PUSH, 0] as const]),
      [SETTING.HEADER_TABLE_SIZE, HPACK_TABLE_SIZE],
      [SETTING.ENABLE_CONNECT_PROTOCOL, 0],
      [SETTING.MAX_CONCURRENT_STREAMS, MAX_CONCURRENT_STREAMS],
      [SETTING.INITIAL_WINDOW_SIZE, INITIAL_STREAM_WINDOW],
    ]);
    this.session.submitWindowUpdate(INITIAL_CONNECTION_WINDOW - CONNECTION_WINDOW);
  }

  /** Bytes of the peer are being worked on. */
  get dispatching(): boolean {
    return this.#dispatching;
  }

  /** Bytes of the peer. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::dispatch */
  dispatch(bytes: Uint8Array): CodecError | null {
    this.#constraints.drained();
    this.#dispatching = true;
    const error = this.session.receive(bytes);
    this.#dispatching = false;
    if (this.#constraints.status !== null) {
      return { kind: 'flood', text: this.#constraints.status };
    }
    if (error !== null) {
      return { kind: 'protocol', text: this.#fault ?? error };
    }
    return this.sendPending();
  }

  /** A new request of a client; it gets its number with its headers. */
  newStream(): CodecStream {
    this.#constraints.openedStream();
    return new CodecStream(this, -1);
  }

  /** Queues the headers of a stream's message. */
  submitHeaders(stream: CodecStream, headers: readonly HeaderPair[], endStream: boolean): void {
    if (this.server) {
      this.session.submitResponse(stream.id, headers, endStream);
    } else {
      stream.id = this.session.submitRequest(headers, endStream);
      this.#streams.set(stream.id, stream);
    }
  }

  /** No new streams, after what was seen. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::goAway */
  goAway(): void {
    this.session.submitGoaway(this.session.lastReceivedStreamId, ERROR.NO_ERROR);
    this.sendPendingAndHandleError();
  }

  /** Warns of the GOAWAY to come. */
  shutdownNotice(): void {
    this.session.submitShutdownNotice();
    this.sendPendingAndHandleError();
  }

  /** Writes what waits; during a dispatch this is left to its end. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::sendPendingFrames */
  sendPending(): CodecError | null {
    if (this.#dispatching || !this.#connection.open) {
      return null;
    }
    const error = this.session.send();
    if (error !== null) {
      return { kind: 'protocol', text: this.#fault ?? error };
    }
    const deferred = [...this.#streams.values()].filter((stream) => stream.deferredReset);
    if (deferred.length > 0) {
      for (const stream of deferred) {
        stream.deferredReset = false;
        this.session.submitReset(stream.id, ERROR.NO_ERROR);
      }
      return this.sendPending();
    }
    return this.#constraints.status === null ? null : { kind: 'flood', text: this.#constraints.status };
  }

  /** The same outside of a dispatch, where nobody takes an error. */
  sendPendingAndHandleError(): void {
    if (this.sendPending() !== null) {
      this.#connection.scheduleClose();
    }
  }

  write(bytes: Uint8Array): void {
    this.#connection.write(bytes);
  }

  onBeginFrame(header: FrameHeader): boolean {
    const later = header.type === FRAME.HEADERS || header.type === FRAME.DATA;
    return this.#connection.open && (later || this.#constraints.trackInbound(header, 0));
  }

  onBeginHeaders(streamId: number, kind: BlockKind, header: FrameHeader, padding: number): boolean {
    if (!this.#constraints.trackInbound(header, padding)) {
      return false;
    }
    if (kind === 'request') {
      const stream = new CodecStream(this, streamId);
      this.#streams.set(streamId, stream);
      this.#constraints.openedStream();
      this.#callbacks.onNewStream?.(stream);
    }
    return this.#connection.open;
  }

  /** @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::saveHeader */
  onHeader(streamId: number, name: string, value: string): boolean {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      return true;
    }
    stream.saveHeader(name, value);
    return stream.headerBytes <= this.#options.maxHeadersBytes && stream.headerCount <= this.#options.maxHeadersCount;
  }

  onHeaders(streamId: number, kind: BlockKind, endStream: boolean): boolean {
    this.#streams.get(streamId)?.onHeaders(kind === 'trailers' ? 'trailers' : 'headers', endStream);
    return this.#connection.open;
  }

  onData(streamId: number, bytes: Uint8Array): void {
    this.#streams.get(streamId)?.onData(bytes);
  }

  onDataFrame(streamId: number, endStream: boolean, header: FrameHeader, padding: number): boolean {
    if (!this.#constraints.trackInbound(header, padding)) {
      return false;
    }
    this.#streams.get(streamId)?.onDataFrame(endStream);
    return this.#connection.open;
  }

  /** @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::onStreamClose */
  onStreamClose(streamId: number, code: number): boolean {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      return true;
    }
    this.#streams.delete(streamId);
    if (!stream.remoteEnd || !stream.localEnd) {
      stream.runResetCallbacks(resetReason(code));
    }
    return this.#connection.open;
  }

  /** What is not HTTP ends the connection, since `override_stream_error_on_invalid_http_message` is off. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::onInvalidFrame */
  onInvalidFrame(streamId: number, fault: FrameFault): boolean {
    if (fault === 'refused-stream') {
      return true;
    }
    this.#fault = `invalid frame: ${fault} on stream ${streamId}`;
    return false;
  }

  onGoaway(): boolean {
    if (!this.#raisedGoaway) {
      this.#raisedGoaway = true;
      this.#callbacks.onGoaway?.();
    }
    return this.#connection.open;
  }

  onSettings(settings: readonly Setting[]): boolean {
    const limit = settings.find(([id]) => id === SETTING.MAX_CONCURRENT_STREAMS);
    if (limit !== undefined) {
      this.#callbacks.onMaxConcurrentStreams?.(limit[1]);
    }
    return this.#connection.open;
  }

  /** A GOAWAY for an error is the last that is said. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::onFrameSend */
  onFrameSent(type: number, flags: number, streamId: number, code: number): boolean {
    this.#constraints.trackOutbound(type, flags);
    if (type === FRAME.GOAWAY && code !== ERROR.NO_ERROR) {
      return false;
    }
    const stream = this.#streams.get(streamId);
    if (stream !== undefined && (type === FRAME.HEADERS || type === FRAME.DATA)) {
      stream.localEndSent = (flags & 1) !== 0;
    }
    return true;
  }
}

function resetReason(code: number): StreamResetReason {
  if (code === ERROR.REFUSED_STREAM) {
    return 'remote refused stream reset';
  }
  return code === ERROR.CONNECT_ERROR ? 'connect error' : 'remote reset';
}
