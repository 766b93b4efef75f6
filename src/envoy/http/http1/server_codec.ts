/**
 * The HTTP/1 codec of downstream connections: bytes to requests, responses to bytes, one request at a time.
 * @see envoy:source/common/http/http1/codec_impl.cc#ServerConnectionImpl
 */
import { latin1 } from '../../../net/bytes.ts';
import type { RequestDecoder, ResponseEncoder } from '../codec.ts';
import { reasonPhrase } from '../codes.ts';
import { HeaderMap } from '../header_map.ts';
import { authorityIsValid, isUpgrade, type Protocol, sanitizeConnectionHeader } from '../header_utility.ts';
import { isHostWithPort, parseAbsoluteUrl } from '../url.ts';
import { encodeChunk, encodeHead, type Framing, LAST_CHUNK } from './encoder.ts';
import { HttpParser } from './parser.ts';
import type { BodyMode, MessageHead, ParseError, ParserCallbacks } from './parser_callbacks.ts';

/** What the codec needs of the connection manager. */
export interface ServerCodecCallbacks {
  /** The first byte of a request arrived. */
  newStream(encoder: ResponseEncoder): RequestDecoder;
  write(bytes: Uint8Array): void;
  /** Whether the connection is still open, asked after each callback. */
  readonly open: boolean;
}

/** Limits of the connection manager. @see envoy:api/envoy/config/core/v3/protocol.proto#HttpProtocolOptions */
export const MAX_REQUEST_HEADERS_BYTES = 60 * 1024;
export const MAX_HEADERS_COUNT = 100;

/** Requests that get no content-length when they have no body. @see envoy:source/common/http/http1/codec_impl.cc#RequestEncoderImpl::encodeHeaders */
export const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

const CONTINUE = latin1('HTTP/1.1 100 Continue\r\n\r\n');
const NOTHING = new Uint8Array(0);

/** Writes the response of one request. */
export class Http1ResponseEncoder implements ResponseEncoder {
  readonly #write: (bytes: Uint8Array) => void;
  #framing: Framing = 'plain';
  /** The request was HEAD or CONNECT. */
  headRequest = false;
  started = false;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** Writes `100 Continue`. */
  encodeContinue(): void {
    this.#write(CONTINUE);
  }

  /** Writes the head of the response. */
  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.started = true;
    const status = Number(headers.get(':status'));
    const head = encodeHead(`HTTP/1.1 ${status} ${reasonPhrase(status)}`, headers, {
      endStream,
      status,
      headResponse: this.headRequest,
      bodiless: false,
    });
    this.#framing = head.framing;
    this.#write(head.bytes);
  }

  /** Writes a part of the body. */
  encodeData(bytes: Uint8Array, endStream: boolean): void {
    if (bytes.length > 0 && !this.headRequest) {
      this.#write(this.#framing === 'chunked' ? encodeChunk(bytes) : bytes);
    }
    if (endStream && this.#framing === 'chunked') {
      this.#write(LAST_CHUNK);
    }
  }

  /** Trailers are not written: `enable_trailers` is off. */
  encodeTrailers(): void {
    this.encodeData(NOTHING, true);
  }

  resetStream(): void {
    // One request at a time: the connection ends with it.
  }
}

interface ActiveRequest {
  readonly decoder: RequestDecoder;
  readonly encoder: Http1ResponseEncoder;
}

/** Outcome of a dispatch: bytes used, and the protocol error that ended parsing. */
export interface DispatchResult {
  readonly used: number;
  readonly error: string | null;
}

/** The codec. */
export class ServerCodec implements ParserCallbacks {
  readonly #callbacks: ServerCodecCallbacks;
  readonly #parser: HttpParser;
  #request: ActiveRequest | null = null;
  #headers = new HeaderMap();
  /** Headers of a request without body wait for the end of the message. */
  #deferred: HeaderMap | null = null;
  /** Version of the latest request. */
  protocol: Protocol = 'HTTP/1.1';

  constructor(callbacks: ServerCodecCallbacks) {
    this.#callbacks = callbacks;
    this.#parser = new HttpParser('request', this, MAX_REQUEST_HEADERS_BYTES);
  }

  /** Parses bytes until the end of a request. */
  dispatch(bytes: Uint8Array, from: number): DispatchResult {
    const used = this.#parser.execute(bytes, from);
    if (typeof used === 'number') {
      return { used, error: null };
    }
    this.#sendProtocolError(used);
    return { used: bytes.length, error: used.error };
  }

  onMessageBegin(): void {
    this.#headers = new HeaderMap();
    this.#deferred = null;
    const encoder = new Http1ResponseEncoder((bytes) => this.#callbacks.write(bytes));
    this.#request = { encoder, decoder: this.#callbacks.newStream(encoder) };
  }

  onHeader(name: string, value: string): ParseError | null {
    this.#headers.add(name, value);
    return this.#headers.size > MAX_HEADERS_COUNT ? { error: 'headers count exceeds limit', status: 431 } : null;
  }

  onHeadersComplete(head: MessageHead): BodyMode | ParseError {
    const headers = this.#headers;
    const request = this.#request as ActiveRequest;
    this.protocol = head.major === 1 && head.minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
    let upgrade = head.method === 'CONNECT';
    if (isUpgrade(headers)) {
      if (headers.get('upgrade')?.toLowerCase() === 'h2c') {
        dropH2c(headers);
      } else {
        upgrade = true;
      }
    }
    const bad =
      (head.method === 'CONNECT' ? connectError(headers) : null) ??
      framingError(head, headers) ??
      (upgrade ? null : connectionError(headers)) ??
      this.#setTarget(head);
    if (bad !== null) {
      return bad;
    }
    request.encoder.headRequest = head.method === 'HEAD';
    if (head.chunked || (head.contentLength !== null && head.contentLength > 0) || upgrade) {
      request.decoder.decodeHeaders(headers, false);
      return upgrade ? 'raw' : 'default';
    }
    this.#deferred = headers;
    return 'default';
  }

  onBody(bytes: Uint8Array): void {
    this.#request?.decoder.decodeData(bytes, false);
  }

  onMessageComplete(): boolean {
    const request = this.#request as ActiveRequest;
    const deferred = this.#deferred;
    this.#deferred = null;
    if (deferred !== null) {
      request.decoder.decodeHeaders(deferred, true);
    } else {
      request.decoder.decodeData(NOTHING, true);
    }
    return true;
  }

  /** Method and target become pseudo headers. @see envoy:source/common/http/http1/codec_impl.cc#ServerConnectionImpl::handlePath */
  #setTarget(head: MessageHead): ParseError | null {
    const headers = this.#headers;
    const target = head.target;
    if (head.method === 'CONNECT') {
      if (!isHostWithPort(target)) {
        return { error: 'invalid url in request line', status: 400 };
      }
      headers.set(':authority', target);
    } else if (target.startsWith('/') || (head.method === 'OPTIONS' && target.startsWith('*'))) {
      headers.set(':path', target);
    } else {
      const url = parseAbsoluteUrl(target);
      if (url === null) {
        return { error: 'invalid url in request line', status: 400 };
      }
      // Case-sensitive before 1.23.12.
      if (url.scheme !== 'http' && url.scheme !== 'https') {
        return { error: 'invalid scheme', status: 400 };
      }
      headers.set(':authority', url.hostAndPort);
      headers.set(':scheme', url.scheme);
      headers.set(':path', url.path);
    }
    headers.set(':method', head.method);
    const authority = headers.get(':authority');
    return authority !== null && !authorityIsValid(authority)
      ? { error: 'request headers failed spec compliance checks', status: 400 }
      : null;
  }

  /** @see envoy:source/common/http/http1/codec_impl.cc#ServerConnectionImpl::sendProtocolError */
  #sendProtocolError(error: ParseError): void {
    if (!this.#callbacks.open) {
      return;
    }
    if (this.#request === null || this.#request.encoder.started) {
      if (this.#request !== null) {
        return;
      }
      this.onMessageBegin();
    }
    this.#request?.decoder.protocolError(error.status, error.error);
  }
}

/** `Upgrade: h2c` is dropped as if it had not been sent. */
function dropH2c(headers: HeaderMap): void {
  headers.remove('upgrade');
  const left = (headers.get('connection') ?? '')
    .split(',')
    .map((token) => token.trim())
    .filter((token) => !/^(upgrade|http2-settings)$/i.test(token));
  if (left.length === 0) {
    headers.remove('connection');
  } else {
    headers.set('connection', left.join(','));
  }
  headers.remove('http2-settings');
}

/** Transfer-encoding rules of both directions. @see envoy:source/common/http/http1/codec_impl.cc#ConnectionImpl::onHeadersCompleteImpl */
export function framingError(head: MessageHead, headers: HeaderMap): ParseError | null {
  if (!head.hasTransferEncoding) {
    return null;
  }
  if (head.contentLength !== null) {
    return { error: "both 'Content-Length' and 'Transfer-Encoding' are set.", status: 400 };
  }
  const encoding = (headers.get('transfer-encoding') ?? '').toLowerCase();
  return encoding === 'chunked' ? null : { error: 'unsupported transfer encoding', status: 501 };
}

/** A CONNECT request has no body. @see envoy:source/common/http/http1/codec_impl.cc#ConnectionImpl::onHeadersCompleteImpl */
function connectError(headers: HeaderMap): ParseError | null {
  const length = headers.get('content-length');
  if (length !== null && length !== '0') {
    return { error: 'unsupported content length', status: 400 };
  }
  headers.remove('content-length');
  return headers.has('transfer-encoding') ? { error: 'unsupported transfer encoding', status: 501 } : null;
}

function connectionError(headers: HeaderMap): ParseError | null {
  if (!headers.has('connection') || sanitizeConnectionHeader(headers)) {
    return null;
  }
  return { error: 'Invalid nominated headers in Connection.', status: 400 };
}

/** Whether a request expects `100 Continue`, and nothing else. */
export function expectsContinue(headers: HeaderMap): boolean {
  return headers.get('expect')?.toLowerCase() === '100-continue';
}
