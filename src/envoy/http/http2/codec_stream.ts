/**
 * A stream of the HTTP/2 codec: headers as they are collected, data of the current frame, and what was sent.
 * @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::StreamImpl
 */
import { concatBytes, NO_BYTES } from '../../../net/bytes.ts';
import { ERROR } from '../../../net/http2/frame.ts';
import { HeaderMap, type HeaderPair } from '../header_map.ts';
import type { Http2Codec } from './codec_impl.ts';

/** Why a stream ended before its time. @see envoy:envoy/http/codec.h#StreamResetReason */
export type StreamResetReason = 'local reset' | 'remote reset' | 'remote refused stream reset' | 'protocol error' | 'connect error';

/** What the user of a stream hears. */
export interface CodecStreamDecoder {
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeData(bytes: Uint8Array, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
  onReset(reason: StreamResetReason): void;
}

/** The stream. */
export class CodecStream {
  /** Number on the wire; -1 before the request was sent. */
  id: number;
  readonly #codec: Http2Codec;
  #decoder: CodecStreamDecoder | null = null;
  #headers = new HeaderMap();
  #headerBytes = 0;
  #cookies = '';
  #data: Uint8Array[] = [];
  /** The peer's, and the own, message is complete. */
  remoteEnd = false;
  localEnd = false;
  /** The own end has been written. */
  localEndSent = false;
  /** Reset when the own end has been written. */
  deferredReset = false;

  constructor(codec: Http2Codec, id: number) {
    this.#codec = codec;
    this.id = id;
  }

  /** Bytes and number of the headers collected. */
  get headerBytes(): number {
    return this.#headerBytes;
  }

  get headerCount(): number {
    return this.#headers.size;
  }

  setDecoder(decoder: CodecStreamDecoder | null): void {
    this.#decoder = decoder;
  }

  /** Crumbs of cookies become one header, at the end. @see envoy:source/common/http/http2/codec_impl.cc#Utility::reconstituteCrumbledCookies */
  saveHeader(name: string, value: string): void {
    if (name === 'cookie') {
      this.#cookies += this.#cookies === '' ? value : `; ${value}`;
      return;
    }
    this.#headers.add(name, value);
    this.#headerBytes += name.length + value.length;
  }

  /** The block of headers is complete. */
  onHeaders(kind: 'headers' | 'trailers', endStream: boolean): void {
    this.remoteEnd ||= endStream;
    if (this.#cookies !== '') {
      this.#headers.add('cookie', this.#cookies);
      this.#cookies = '';
    }
    const headers = this.#headers;
    this.#headers = new HeaderMap();
    this.#headerBytes = 0;
    if (this.deferredReset) {
      return;
    }
    if (kind === 'trailers') {
      this.#decoder?.decodeTrailers(headers);
    } else {
      this.#decoder?.decodeHeaders(headers, endStream);
    }
  }

  /** Data of a frame. */
  onData(bytes: Uint8Array): void {
    this.#data.push(bytes);
  }

  /** The frame is complete. */
  onDataFrame(endStream: boolean): void {
    this.remoteEnd ||= endStream;
    const bytes = this.#data.length === 0 ? NO_BYTES : concatBytes(this.#data);
    this.#data = [];
    if (!this.deferredReset) {
      this.#decoder?.decodeData(bytes, endStream);
    }
  }

  /** The stream ended before its time. */
  runResetCallbacks(reason: StreamResetReason): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    decoder?.onReset(reason);
  }

  encodeHeaders(headers: readonly HeaderPair[], endStream: boolean): void {
    this.localEnd = endStream;
    this.#codec.submitHeaders(this, headers, endStream);
    this.#codec.sendPendingAndHandleError();
  }

  /** Headers before the headers. */
  encodeInformational(headers: readonly HeaderPair[]): void {
    this.#codec.submitHeaders(this, headers, false);
    this.#codec.sendPendingAndHandleError();
  }

  encodeData(bytes: Uint8Array, endStream: boolean): void {
    this.localEnd = endStream;
    this.#codec.session.submitData(this.id, bytes, endStream);
    this.#codec.sendPendingAndHandleError();
  }

  encodeTrailers(trailers: readonly HeaderPair[]): void {
    this.localEnd = true;
    this.#codec.session.submitTrailers(this.id, trailers);
    this.#codec.sendPendingAndHandleError();
  }

  /**
   * Gives the stream up without telling its user. A server first sends what it has.
   * @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::StreamImpl::resetStream
   */
  reset(reason: StreamResetReason): void {
    this.#decoder = null;
    if (this.id >= 0) {
      if (this.#codec.server && this.localEnd && !this.localEndSent) {
        this.deferredReset = true;
      } else {
        this.#codec.session.submitReset(this.id, reason === 'connect error' ? ERROR.CONNECT_ERROR : ERROR.NO_ERROR);
      }
    }
    this.#codec.sendPendingAndHandleError();
  }
}
