/**
 * Which headers make an HTTP message, as nghttp2 judges them while they come in.
 * @see nghttp2:lib/nghttp2_http.c
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-8
 */

/** What is said of a header: kept, passed over in silence, or the end of its message. */
export type HeaderVerdict = 'accept' | 'ignore' | 'reject';

const NAME = /^:?[!#$%&'*+\-.0-9^_`a-z|~]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const METHOD = /^[!#$%&'*+\-.0-9A-Z^_`a-z|~]+$/;
const PATH = /^[\x21-\x7e\x80-\xff]*$/;
const AUTHORITY = /^[!$%&'()*+,\-.0-9:;=@A-Z[\]_a-z~]*$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
const BLANK = /^[ \t]*$/;
const DIGITS = /^[0-9]+$/;

/** Headers of a connection, which HTTP/2 does not have. @see https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** What a message is so far. One for each stream and direction of receiving. */
export class MessageRules {
  readonly #server: boolean;
  /** Pseudo headers seen, and `host`. */
  readonly #seen = new Set<string>();
  #pseudoAllowed = true;
  #method = '';
  #path = '';
  #webScheme = false;
  #status = -1;
  #contentLength = -1;
  #received = 0;
  /** A 1xx was received. */
  #expectFinal = false;

  /** @param server whether the messages are requests */
  constructor(server: boolean) {
    this.#server = server;
  }

  /** Whether the final response has not begun. */
  get expectsFinalResponse(): boolean {
    return this.#expectFinal;
  }

  /** What was asked with: a response to HEAD has no body. @see nghttp2:lib/nghttp2_http.c#nghttp2_http_record_request_method */
  setRequestMethod(method: string): void {
    this.#method = method;
  }

  /** A header block begins. */
  beginBlock(): void {
    this.#pseudoAllowed = true;
  }

  /** @see nghttp2:lib/nghttp2_http.c#nghttp2_http_on_header */
  header(name: string, value: string, trailer: boolean): HeaderVerdict {
    const pseudo = name.charCodeAt(0) === 0x3a;
    if (!NAME.test(name)) {
      if (pseudo || /[A-Z]/.test(name)) {
        return 'reject';
      }
      this.#pseudoAllowed = false;
      return 'ignore';
    }
    if (!valueIsValid(name, value)) {
      if (pseudo) {
        return 'reject';
      }
      this.#pseudoAllowed = false;
      return 'ignore';
    }
    if (pseudo && (trailer || !this.#pseudoAllowed)) {
      return 'reject';
    }
    const verdict = this.#server ? this.#requestHeader(name, value) : this.#responseHeader(name, value);
    if (!pseudo) {
      this.#pseudoAllowed = false;
    }
    return verdict;
  }

  /** Whether a block of headers is a message. @see nghttp2:lib/nghttp2_session.c#session_after_header_block_received */
  headersComplete(trailer: boolean, endStream: boolean): boolean {
    const good = trailer ? endStream : this.#server ? this.#requestComplete() : this.#responseComplete();
    return good && (!endStream || this.remoteEnd());
  }

  /** @see nghttp2:lib/nghttp2_http.c#nghttp2_http_on_data_chunk */
  data(length: number): boolean {
    this.#received += length;
    return !this.#expectFinal && (this.#contentLength < 0 || this.#received <= this.#contentLength);
  }

  /** The message ended: its length is what it said. @see nghttp2:lib/nghttp2_http.c#nghttp2_http_on_remote_end_stream */
  remoteEnd(): boolean {
    return !this.#expectFinal && (this.#contentLength < 0 || this.#received === this.#contentLength);
  }

  #requestHeader(name: string, value: string): HeaderVerdict {
    switch (name) {
      case ':method':
        this.#method = value;
        return this.#once(name, value);
      case ':path':
        this.#path = value;
        return this.#once(name, value);
      case ':scheme':
        this.#webScheme = /^https?$/i.test(value);
        return this.#once(name, value);
      case ':authority':
      case 'host':
        return this.#once(name, value);
      case 'content-length':
        return this.#length(value);
      default:
        return name.startsWith(':') ? 'reject' : connectionHeader(name, value);
    }
  }

  #responseHeader(name: string, value: string): HeaderVerdict {
    switch (name) {
      case ':status':
        if (this.#once(name, value) === 'reject' || value.length !== 3 || !DIGITS.test(value) || value === '101') {
          return 'reject';
        }
        this.#status = Number(value);
        return 'accept';
      case 'content-length':
        return this.#responseLength(value);
      default:
        return name.startsWith(':') ? 'reject' : connectionHeader(name, value);
    }
  }

  #responseLength(value: string): HeaderVerdict {
    if (this.#status === 204) {
      if (this.#contentLength !== -1 || value !== '0') {
        return 'reject';
      }
      this.#contentLength = 0;
      return 'ignore';
    }
    if (this.#status >= 100 && this.#status < 200) {
      return 'reject';
    }
    if (this.#method === 'CONNECT' && this.#status >= 200 && this.#status < 300) {
      return 'ignore';
    }
    return this.#length(value);
  }

  #length(value: string): HeaderVerdict {
    if (this.#contentLength !== -1 || !DIGITS.test(value) || value.length > 18) {
      return 'reject';
    }
    this.#contentLength = Number(value);
    return 'accept';
  }

  /** @see nghttp2:lib/nghttp2_http.c#check_pseudo_header */
  #once(name: string, value: string): HeaderVerdict {
    if (this.#seen.has(name) || BLANK.test(value)) {
      return 'reject';
    }
    this.#seen.add(name);
    return 'accept';
  }

  /** @see nghttp2:lib/nghttp2_http.c#nghttp2_http_on_request_headers */
  #requestComplete(): boolean {
    const seen = this.#seen;
    if (this.#method === 'CONNECT') {
      this.#contentLength = -1;
      return !seen.has(':scheme') && !seen.has(':path') && seen.has(':authority');
    }
    if (!seen.has(':method') || !seen.has(':path') || !seen.has(':scheme') || !(seen.has(':authority') || seen.has('host'))) {
      return false;
    }
    return !this.#webScheme || this.#path.startsWith('/') || (this.#path === '*' && this.#method === 'OPTIONS');
  }

  /** @see nghttp2:lib/nghttp2_http.c#nghttp2_http_on_response_headers */
  #responseComplete(): boolean {
    if (this.#status < 0) {
      return false;
    }
    if (this.#status < 200) {
      this.#expectFinal = true;
      this.#contentLength = -1;
      this.#status = -1;
      this.#seen.clear();
      return true;
    }
    this.#expectFinal = false;
    if (this.#method === 'HEAD' || this.#status === 304 || this.#status === 204) {
      this.#contentLength = 0;
    } else if (this.#method === 'CONNECT') {
      this.#contentLength = -1;
    }
    return true;
  }
}

/** `te` may only say that trailers are welcome. */
function connectionHeader(name: string, value: string): HeaderVerdict {
  if (CONNECTION_SPECIFIC.has(name)) {
    return 'reject';
  }
  return name === 'te' && value.toLowerCase() !== 'trailers' ? 'reject' : 'accept';
}

function valueIsValid(name: string, value: string): boolean {
  switch (name) {
    case ':method':
      return METHOD.test(value);
    case ':path':
      return PATH.test(value);
    case ':authority':
    case 'host':
      return AUTHORITY.test(value);
    case ':scheme':
      return SCHEME.test(value);
    default:
      return VALUE.test(value);
  }
}
