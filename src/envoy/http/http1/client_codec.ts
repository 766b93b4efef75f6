/**
 * The HTTP/1 codec of upstream connections: requests to bytes, bytes to responses.
 * @see envoy:source/common/http/http1/codec_impl.cc#ClientConnectionImpl
 */
import type { ResponseDecoder } from '../codec.ts';
import { HeaderMap } from '../header_map.ts';
import type { Protocol } from '../header_utility.ts';
import { encodeChunk, encodeHead, type Framing, LAST_CHUNK } from './encoder.ts';
import { HttpParser } from './parser.ts';
import type { BodyMode, MessageHead, ParseError, ParserCallbacks } from './parser_callbacks.ts';
import { BODILESS_METHODS, framingError, MAX_HEADERS_COUNT } from './server_codec.ts';

/** Limit on the head of a response. @see envoy:source/common/http/http1/codec_impl.h#MAX_RESPONSE_HEADERS_KB */
const MAX_RESPONSE_HEADERS_BYTES = 80 * 1024;

const NOTHING = new Uint8Array(0);

/** The codec; one request at a time. */
export class ClientCodec implements ParserCallbacks {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #parser: HttpParser;
  #decoder: ResponseDecoder | null = null;
  #headRequest = false;
  #framing: Framing = 'plain';
  #headers = new HeaderMap();
  #deferred: HeaderMap | null = null;
  #informational = false;
  /** Version of the latest response. */
  protocol: Protocol = 'HTTP/1.1';

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
    this.#parser = new HttpParser('response', this, MAX_RESPONSE_HEADERS_BYTES);
  }

  /** Names who gets the next response. */
  newStream(decoder: ResponseDecoder): void {
    this.#decoder = decoder;
  }

  /** Writes the head of a request. @see envoy:source/common/http/http1/codec_impl.cc#RequestEncoderImpl::encodeHeaders */
  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const method = headers.get(':method') ?? '';
    this.#headRequest = method === 'HEAD';
    const startLine = `${method} ${headers.get(':path') ?? ''} HTTP/1.1`;
    const head = encodeHead(startLine, headers, { endStream, status: null, headResponse: false, bodiless: BODILESS_METHODS.has(method) });
    this.#framing = head.framing;
    this.#write(head.bytes);
  }

  /** Writes a part of the request's body. */
  encodeData(bytes: Uint8Array, endStream: boolean): void {
    if (bytes.length > 0) {
      this.#write(this.#framing === 'chunked' ? encodeChunk(bytes) : bytes);
    }
    if (endStream && this.#framing === 'chunked') {
      this.#write(LAST_CHUNK);
    }
  }

  /** Parses bytes; returns the protocol error, if any. */
  dispatch(bytes: Uint8Array): ParseError | null {
    if (this.#decoder === null && !this.#parser.inMessage) {
      return { error: 'extraneous data before the request', status: 400 };
    }
    let at = 0;
    while (at < bytes.length) {
      const used = this.#parser.execute(bytes, at);
      if (typeof used !== 'number') {
        return used;
      }
      at = used;
      if (this.#decoder === null && at < bytes.length) {
        return { error: 'extraneous data after the response', status: 400 };
      }
    }
    return null;
  }

  /** The upstream closed: a body without length ends here. */
  finish(): ParseError | null {
    return this.#decoder === null ? null : this.#parser.finish();
  }

  onMessageBegin(): void {
    this.#headers = new HeaderMap();
    this.#deferred = null;
    this.#informational = false;
  }

  onHeader(name: string, value: string): ParseError | null {
    this.#headers.add(name, value);
    return this.#headers.size > MAX_HEADERS_COUNT ? { error: 'headers count exceeds limit', status: 431 } : null;
  }

  onHeadersComplete(head: MessageHead): BodyMode | ParseError {
    this.protocol = head.major === 1 && head.minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
    const headers = this.#headers;
    const bad = framingError(head, headers) ?? strictEmpty(head, headers);
    if (bad !== null) {
      return bad;
    }
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      this.#informational = true;
      return 'none';
    }
    headers.set(':status', String(head.status));
    const noBody = this.#headRequest || head.status === 204 || head.status === 304;
    if (noBody || (head.contentLength === 0 && !head.chunked)) {
      this.#deferred = headers;
      return noBody ? 'none' : 'default';
    }
    this.#decoder?.decodeHeaders(headers, false);
    return head.status === 101 ? 'raw' : 'default';
  }

  onBody(bytes: Uint8Array): void {
    this.#decoder?.decodeData(bytes, false);
  }

  onMessageComplete(): boolean {
    if (this.#informational) {
      return false;
    }
    const decoder = this.#decoder;
    const deferred = this.#deferred;
    this.#decoder = null;
    this.#deferred = null;
    if (deferred !== null) {
      decoder?.decodeHeaders(deferred, true);
    } else {
      decoder?.decodeData(NOTHING, true);
    }
    return true;
  }
}

/** 1xx and 204 may not announce a body. @see envoy:source/common/http/http1/codec_impl.cc#ClientConnectionImpl::onHeadersCompleteBase */
function strictEmpty(head: MessageHead, headers: HeaderMap): ParseError | null {
  if (head.status >= 200 && head.status !== 204) {
    return null;
  }
  if (head.hasTransferEncoding) {
    return { error: 'transfer encoding not allowed in 1xx or 204', status: 400 };
  }
  if (head.contentLength !== null && head.contentLength !== 0) {
    return { error: 'content length not allowed in 1xx or 204', status: 400 };
  }
  headers.remove('content-length');
  return null;
}
