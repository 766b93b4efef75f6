/**
 * The incremental HTTP/1.x parser under both codecs: any cut of the same bytes gives the same events.
 * @see https://github.com/nodejs/http-parser (http_parser.c), which Envoy 1.23 uses
 * @remarks Simplified: the strict token set; blanks before the request target are skipped like http-parser does, other oddities are errors.
 */
import { fromLatin1 } from '../../../net/bytes.ts';
import { Memo } from '../../../net/memo.ts';

/** Why parsing ended. */
export interface ParseError {
  /** Name of the error, http-parser's or the codec's. */
  readonly error: string;
  /** Status of the local reply. */
  readonly status: 400 | 431 | 501;
}

/** How the body of a message is framed, as the user of the parser decides at the end of the headers. */
export type BodyMode = 'default' | 'none' | 'raw';

/** What the parser reports. Returning an error ends parsing for good. */
export interface ParserCallbacks {
  onMessageBegin(): void;
  /** A whole header line, in the message head. */
  onHeader(name: string, value: string): ParseError | null;
  onHeadersComplete(head: MessageHead): BodyMode | ParseError;
  onBody(bytes: Uint8Array): void;
  /** Returns whether parsing pauses before the next message. */
  onMessageComplete(): boolean;
}

/** What the start line and the framing headers said. */
export interface MessageHead {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly major: number;
  readonly minor: number;
  readonly contentLength: number | null;
  /** The last transfer coding is chunked. */
  readonly chunked: boolean;
  readonly hasTransferEncoding: boolean;
}

const METHODS: ReadonlySet<string> = new Set(
  (
    'DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT ' +
    'MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE'
  ).split(' '),
);
const LONGEST_METHOD = 11;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters http-parser refuses in values. */
const BAD_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const BAD_TARGET = /[\u0000-\u0020\u007f]/;

const START = 0;
const START_LINE = 1;
const HEADER_LINE = 2;
const BODY_LENGTH = 3;
const BODY_EOF = 4;
const CHUNK_SIZE = 5;
const CHUNK_DATA = 6;
const CHUNK_END = 7;
const TRAILER_LINE = 8;
const RAW = 9;
const DEAD = 10;

/** Bytes a start line or header line may hold while it is not complete; the codec's own limit is smaller and counts exactly. */
const LF = 10;
const CR = 13;

/** The parser of one direction of one connection. */
export class HttpParser {
  readonly #type: 'request' | 'response';
  readonly #callbacks: ParserCallbacks;
  /** Limit on the bytes of a message head. */
  readonly #maxHeadBytes: number;
  #state = START;
  /** The incomplete line so far. */
  #line = '';
  /** A header waiting for a possible continuation line. */
  #header: HeaderLine | null = null;
  #headBytes = 0;
  #left = 0;
  #method = '';
  #target = '';
  #status = 0;
  #major = 0;
  #minor = 0;
  #contentLength: number | null = null;
  #transferEncoding = '';
  #hasTransferEncoding = false;
  #error: ParseError | null = null;

  constructor(type: 'request' | 'response', callbacks: ParserCallbacks, maxHeadBytes: number) {
    this.#type = type;
    this.#callbacks = callbacks;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Whether a message has begun and not ended. */
  get inMessage(): boolean {
    return this.#state !== START && this.#state !== DEAD;
  }

  /** Parses until the bytes are used up, the parser pauses or fails; returns how many bytes were used, or the error. */
  execute(bytes: Uint8Array, from: number): number | ParseError {
    let at = from;
    while (at < bytes.length) {
      switch (this.#state) {
        case START:
          if (bytes[at] === LF || bytes[at] === CR) {
            at += 1;
            break;
          }
          this.#begin();
          break;
        case START_LINE:
        case HEADER_LINE:
        case TRAILER_LINE:
        case CHUNK_SIZE:
        case CHUNK_END: {
          const next = this.#readLine(bytes, at);
          if (typeof next !== 'number') {
            return next;
          }
          at = next;
          if (this.#paused) {
            this.#paused = false;
            return at;
          }
          break;
        }
        case BODY_LENGTH:
        case CHUNK_DATA: {
          const take = Math.min(this.#left, bytes.length - at);
          this.#callbacks.onBody(bytes.subarray(at, at + take));
          at += take;
          this.#left -= take;
          if (this.#left === 0) {
            if (this.#state === CHUNK_DATA) {
              this.#state = CHUNK_END;
            } else if (this.#complete()) {
              return at;
            }
          }
          break;
        }
        case BODY_EOF:
        case RAW:
          this.#callbacks.onBody(bytes.subarray(at));
          return bytes.length;
        default:
          return this.#fail('HPE_CLOSED_CONNECTION');
      }
    }
    return at;
  }

  /** The peer will send no more: completes a body that ends with the connection, or says that the message was cut. */
  finish(): ParseError | null {
    if (this.#state === BODY_EOF) {
      this.#complete();
      return null;
    }
    return this.inMessage && this.#state !== RAW ? this.#fail('HPE_INVALID_EOF_STATE') : null;
  }

  #paused = false;

  #begin(): void {
    this.#state = START_LINE;
    this.#line = '';
    this.#header = null;
    this.#headBytes = 0;
    this.#method = '';
    this.#target = '';
    this.#status = 0;
    this.#contentLength = null;
    this.#transferEncoding = '';
    this.#hasTransferEncoding = false;
    this.#callbacks.onMessageBegin();
  }

  /** Takes one line (or a part of one) and acts on it. */
  #readLine(bytes: Uint8Array, from: number): number | ParseError {
    const end = bytes.indexOf(LF, from);
    const stop = end < 0 ? bytes.length : end;
    const room = this.#state === TRAILER_LINE || this.#state === CHUNK_SIZE ? MAX_SMALL_LINE : this.#maxHeadBytes - this.#headBytes;
    if (this.#line.length + stop - from > room + 2) {
      return this.#headTooLarge(bytes, from, room);
    }
    if (end < 0) {
      this.#line += fromLatin1(bytes, from, stop);
      const early = this.#state === START_LINE ? this.#checkPartialStart() : null;
      return early ?? stop;
    }
    const line = this.#takeLine(bytes, from, stop);
    const error = this.#onLine(line);
    return error ?? end + 1;
  }

  /** The line that ends at `stop`, without its line end. */
  #takeLine(bytes: Uint8Array, from: number, stop: number): string {
    if (this.#line === '') {
      return fromLatin1(bytes, from, stop > from && bytes[stop - 1] === CR ? stop - 1 : stop);
    }
    const line = this.#line + fromLatin1(bytes, from, stop);
    this.#line = '';
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  #headTooLarge(bytes: Uint8Array, from: number, room: number): ParseError {
    if (this.#state === START_LINE) {
      this.#line += fromLatin1(bytes, from, Math.min(bytes.length, from + LONGEST_METHOD + 1));
      const early = this.#checkPartialStart();
      if (early !== null) {
        return early;
      }
    }
    return room === MAX_SMALL_LINE ? this.#fail('HPE_INVALID_CHUNK_SIZE') : this.#fail('headers size exceeds limit', 431);
  }

  #onLine(line: string): ParseError | null {
    switch (this.#state) {
      case START_LINE:
        return this.#type === 'request' ? this.#requestLine(line) : this.#statusLine(line);
      case HEADER_LINE:
        return line === '' ? this.#headersComplete() : this.#headerLine(line);
      case TRAILER_LINE:
        return this.#trailerLine(line);
      case CHUNK_SIZE:
        return this.#chunkSize(line);
      default:
        if (line !== '') {
          return this.#fail('HPE_STRICT');
        }
        this.#state = CHUNK_SIZE;
        return null;
    }
  }

  /** Garbage is refused as soon as it cannot become a start line, as the byte-wise parser does. */
  #checkPartialStart(): ParseError | null {
    const text = this.#line;
    if (this.#type === 'response') {
      const head = text.slice(0, 5);
      return 'HTTP/'.startsWith(head) ? null : this.#fail('HPE_INVALID_CONSTANT');
    }
    const space = text.indexOf(' ');
    const method = space < 0 ? text : text.slice(0, space);
    if (space < 0 ? !isMethodPrefix(method) : !METHODS.has(method)) {
      return this.#fail('HPE_INVALID_METHOD');
    }
    return null;
  }

  #requestLine(line: string): ParseError | null {
    const parsed = REQUEST_LINES.get(line);
    if (typeof parsed === 'string') {
      return this.#fail(parsed);
    }
    this.#method = parsed.method;
    this.#target = parsed.target;
    this.#headBytes += parsed.target.length;
    this.#major = parsed.major;
    this.#minor = parsed.minor;
    this.#state = HEADER_LINE;
    return this.#headBytes > this.#maxHeadBytes ? this.#fail('headers size exceeds limit', 431) : null;
  }

  #statusLine(line: string): ParseError | null {
    const match = /^HTTP\/([0-9])\.([0-9]) +([0-9]{1,3})(?: .*)?$/.exec(line);
    if (match === null) {
      return this.#fail(line.startsWith('HTTP/') ? 'HPE_INVALID_STATUS' : 'HPE_INVALID_CONSTANT');
    }
    this.#major = Number(match[1]);
    this.#minor = Number(match[2]);
    this.#status = Number(match[3]);
    this.#state = HEADER_LINE;
    return null;
  }

  #headerLine(line: string): ParseError | null {
    const first = line.charCodeAt(0);
    if (first === 32 || first === 9) {
      return this.#continuation(line);
    }
    const flushed = this.#flushHeader();
    if (flushed !== null) {
      return flushed;
    }
    const header = HEADER_LINES.get(line);
    if (header === null) {
      return this.#fail('HPE_INVALID_HEADER_TOKEN');
    }
    this.#headBytes += header.name.length + header.value.length;
    this.#header = header;
    return this.#headBytes > this.#maxHeadBytes ? this.#fail('headers size exceeds limit', 431) : null;
  }

  /** A folded line belongs to the header before it, leading blanks included. */
  #continuation(line: string): ParseError | null {
    if (this.#header === null || BAD_VALUE.test(line)) {
      return this.#fail('HPE_INVALID_HEADER_TOKEN');
    }
    this.#headBytes += line.length;
    this.#header = { name: this.#header.name, value: trim(this.#header.value + line, 0) };
    return this.#headBytes > this.#maxHeadBytes ? this.#fail('headers size exceeds limit', 431) : null;
  }

  #flushHeader(): ParseError | null {
    const header = this.#header;
    if (header === null) {
      return null;
    }
    this.#header = null;
    if (header.name === 'content-length') {
      if (this.#contentLength !== null) {
        return this.#fail('HPE_UNEXPECTED_CONTENT_LENGTH');
      }
      if (!/^[0-9]{1,15}$/.test(header.value)) {
        return this.#fail('HPE_INVALID_CONTENT_LENGTH');
      }
      this.#contentLength = Number(header.value);
    } else if (header.name === 'transfer-encoding') {
      this.#hasTransferEncoding = true;
      this.#transferEncoding = header.value;
    }
    const error = this.#callbacks.onHeader(header.name, header.value);
    return error === null ? null : this.#fail(error.error, error.status);
  }

  #headersComplete(): ParseError | null {
    const flushed = this.#flushHeader();
    if (flushed !== null) {
      return flushed;
    }
    const chunked = /(^|,)[ \t]*chunked[ \t]*$/i.test(this.#transferEncoding);
    const mode = this.#callbacks.onHeadersComplete({
      method: this.#method,
      target: this.#target,
      status: this.#status,
      major: this.#major,
      minor: this.#minor,
      contentLength: this.#contentLength,
      chunked,
      hasTransferEncoding: this.#hasTransferEncoding,
    });
    if (typeof mode !== 'string') {
      return this.#fail(mode.error, mode.status);
    }
    if (mode === 'raw') {
      this.#state = RAW;
    } else if (mode === 'none') {
      this.#paused = this.#complete();
    } else if (chunked) {
      this.#state = CHUNK_SIZE;
    } else if (this.#contentLength !== null && this.#contentLength > 0) {
      this.#left = this.#contentLength;
      this.#state = BODY_LENGTH;
    } else if (this.#contentLength === 0 || this.#type === 'request') {
      this.#paused = this.#complete();
    } else {
      this.#state = BODY_EOF;
    }
    return null;
  }

  #chunkSize(line: string): ParseError | null {
    const match = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/.exec(line);
    if (match === null) {
      return this.#fail('HPE_INVALID_CHUNK_SIZE');
    }
    this.#left = Number.parseInt(match[1] as string, 16);
    this.#state = this.#left === 0 ? TRAILER_LINE : CHUNK_DATA;
    return null;
  }

  /** Trailers are checked and dropped: `enable_trailers` is off. */
  #trailerLine(line: string): ParseError | null {
    if (line === '') {
      this.#paused = this.#complete();
      return null;
    }
    this.#headBytes += line.length;
    if (this.#headBytes > this.#maxHeadBytes) {
      return this.#fail('trailers size exceeds limit', 431);
    }
    const first = line.charCodeAt(0);
    const colon = line.indexOf(':');
    return first === 32 || first === 9 || (colon > 0 && TOKEN.test(line.slice(0, colon)) && !BAD_VALUE.test(line))
      ? null
      : this.#fail('HPE_INVALID_HEADER_TOKEN');
  }

  #complete(): boolean {
    this.#state = START;
    return this.#callbacks.onMessageComplete();
  }

  #fail(error: string, status: ParseError['status'] = 400): ParseError {
    this.#state = DEAD;
    this.#line = '';
    this.#error ??= { error, status };
    return this.#error;
  }
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly major: number;
  readonly minor: number;
}

/** A first line taken apart, or the name of the error. */
const REQUEST_LINES = new Memo((line: string): RequestLine | string => {
  const match = /^([A-Z-]+) +([^ ]*)(?: +(.*))?$/.exec(line);
  const method = match?.[1] ?? line.split(' ', 1)[0] ?? '';
  if (!METHODS.has(method)) {
    return 'HPE_INVALID_METHOD';
  }
  const target = match?.[2] ?? '';
  if (match === null || target === '' || BAD_TARGET.test(target) || (!/^[/*A-Za-z[]/.test(target) && method !== 'CONNECT')) {
    return 'HPE_INVALID_URL';
  }
  const version = match[3];
  if (version === undefined) {
    return { method, target, major: 0, minor: 9 };
  }
  const digits = /^HTTP\/([0-9])\.([0-9])$/.exec(version);
  if (digits === null) {
    return version.startsWith('HTTP/') ? 'HPE_INVALID_VERSION' : 'HPE_INVALID_CONSTANT';
  }
  return { method, target, major: Number(digits[1]), minor: Number(digits[2]) };
});

interface HeaderLine {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

/** A header line taken apart, or `null`. */
const HEADER_LINES = new Memo((line: string): HeaderLine | null => {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const value = trim(line, colon + 1);
  return TOKEN.test(name) && !BAD_VALUE.test(value) ? { name: name.toLowerCase(), value } : null;
});

/** Chunk headers and trailer lines longer than this are refused. */
const MAX_SMALL_LINE = 65_536;

function isMethodPrefix(text: string): boolean {
  if (text.length > LONGEST_METHOD) {
    return false;
  }
  for (const method of METHODS) {
    if (method.startsWith(text)) {
      return true;
    }
  }
  return false;
}

/** The text from `from` on without blanks at both ends. */
function trim(text: string, from: number): string {
  let start = from;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) {
    start += 1;
  }
  while (end > start && isBlank(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
