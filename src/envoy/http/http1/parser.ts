/**
 * The incremental HTTP/1.x parser under both codecs: any cut of the same bytes gives the same events.
 * @see https://github.com/nodejs/http-parser (http_parser.c), which Envoy 1.23 uses
 * @remarks Simplified: blanks and line ends count against the limit of a message head, which Envoy applies to names, values and target alone; and an
 * incomplete request line is refused early for its method only.
 */
import { fromLatin1 } from '../../../net/bytes.ts';
import {
  foldLine,
  HEADER_LINES,
  type HeaderLine,
  hasConnectionToken,
  headerLineIsPossible,
  hexDigit,
  LONGEST_METHOD,
  parseContentLength,
  parseStatusLine,
  REQUEST_LINES,
  saysChunked,
  startLineIsPossible,
  withoutBody,
} from './head_lines.ts';
import type { ParseError, ParserCallbacks } from './parser_callbacks.ts';

const START = 0;
const START_LINE = 1;
const HEADER_LINE = 2;
const BODY_LENGTH = 3;
const BODY_EOF = 4;
const CHUNK_SIZE = 5;
const CHUNK_EXTENSION = 6;
const CHUNK_SIZE_LF = 7;
const CHUNK_DATA = 8;
const CHUNK_END_CR = 9;
const CHUNK_END_LF = 10;
const TRAILER_LINE = 11;
const RAW = 12;
/** The last message said that nothing follows it. */
const CLOSED = 13;
const DEAD = 14;

const LF = 10;
const CR = 13;
const SPACE = 32;
const SEMICOLON = 59;

/** Bytes of chunk extensions and trailers of one message. @see envoy:bazel/external/http_parser/BUILD (HTTP_MAX_HEADER_SIZE) */
const MAX_DROPPED_BYTES = 0x200_0000;
/** Of an incomplete trailer line so much is kept. */
const KEPT_TRAILER = 4096;
/** A chunk size that would grow beyond 64 bits is refused. */
const MAX_CHUNK_SIXTEENTH = 2 ** 60 - 2;

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
  /** Bytes of chunk extensions and trailers, which nobody keeps. */
  #dropped = 0;
  #left = 0;
  #digits = 0;
  #method = '';
  #target = '';
  #status = 0;
  #major = 0;
  #minor = 0;
  #contentLength: number | null = null;
  #hasTransferEncoding = false;
  #chunked = false;
  #close = false;
  #keepAlive = false;
  #paused = false;
  #error: ParseError | null = null;

  constructor(type: 'request' | 'response', callbacks: ParserCallbacks, maxHeadBytes: number) {
    this.#type = type;
    this.#callbacks = callbacks;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Whether a message has begun and not ended. */
  get inMessage(): boolean {
    return this.#state !== START && this.#state !== CLOSED && this.#state !== DEAD;
  }

  /** Parses until the bytes are used up, the parser pauses or fails; returns how many bytes were used, or the error. */
  execute(bytes: Uint8Array, from: number): number | ParseError {
    let at = from;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (typeof next !== 'number') {
        return next;
      }
      at = next;
      if (this.#paused) {
        this.#paused = false;
        return at;
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

  /** Acts on what begins at `at`; returns where the rest begins. */
  #step(bytes: Uint8Array, at: number): number | ParseError {
    switch (this.#state) {
      case START:
      case CLOSED:
        if (bytes[at] === LF || bytes[at] === CR) {
          return at + 1;
        }
        if (this.#state === CLOSED) {
          return this.#fail('HPE_CLOSED_CONNECTION');
        }
        this.#begin();
        return at;
      case START_LINE:
      case HEADER_LINE:
      case TRAILER_LINE:
        return this.#readLine(bytes, at);
      case CHUNK_SIZE:
      case CHUNK_EXTENSION:
      case CHUNK_SIZE_LF:
      case CHUNK_END_CR:
      case CHUNK_END_LF:
        return this.#betweenChunks(bytes, at);
      case BODY_LENGTH:
      case CHUNK_DATA: {
        const take = Math.min(this.#left, bytes.length - at);
        this.#callbacks.onBody(bytes.subarray(at, at + take));
        this.#left -= take;
        if (this.#left === 0) {
          if (this.#state === CHUNK_DATA) {
            this.#state = CHUNK_END_CR;
          } else {
            this.#complete();
          }
        }
        return at + take;
      }
      case BODY_EOF:
      case RAW:
        this.#callbacks.onBody(bytes.subarray(at));
        return bytes.length;
      default:
        return this.#fail('HPE_CLOSED_CONNECTION');
    }
  }

  #begin(): void {
    this.#state = START_LINE;
    this.#line = '';
    this.#header = null;
    this.#headBytes = 0;
    this.#dropped = 0;
    this.#method = '';
    this.#target = '';
    this.#status = 0;
    this.#contentLength = null;
    this.#hasTransferEncoding = false;
    this.#chunked = false;
    this.#close = false;
    this.#keepAlive = false;
    this.#callbacks.onMessageBegin();
  }

  /** Takes one line (or a part of one) and acts on it. */
  #readLine(bytes: Uint8Array, from: number): number | ParseError {
    const end = bytes.indexOf(LF, from);
    const stop = end < 0 ? bytes.length : end;
    if (this.#state === TRAILER_LINE) {
      this.#dropped += stop - from;
      if (this.#dropped > MAX_DROPPED_BYTES) {
        return this.#fail('HPE_HEADER_OVERFLOW');
      }
    } else if (this.#line.length + stop - from > this.#maxHeadBytes - this.#headBytes + 2) {
      return this.#headTooLarge(bytes, from);
    }
    if (end < 0) {
      return this.#keepPart(fromLatin1(bytes, from, stop)) ?? stop;
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

  /** Keeps a part of a line, unless nothing good can come of it: garbage is refused as soon as it is seen, as by a parser that goes byte by byte. */
  #keepPart(part: string): ParseError | null {
    const before = this.#line;
    this.#line += part;
    if (this.#state === START_LINE) {
      return startLineIsPossible(this.#type, this.#line)
        ? null
        : this.#fail(this.#type === 'response' ? 'HPE_INVALID_CONSTANT' : 'HPE_INVALID_METHOD');
    }
    const colon = before.indexOf(':');
    const mayFold = this.#header !== null;
    // What was good stays good: behind the colon only the new part has to be looked at, and a CR before it.
    const text = colon < 0 ? this.#line : `x:${before.endsWith('\r') ? '\r' : ''}${part}`;
    if (!headerLineIsPossible(text, mayFold)) {
      return this.#fail('HPE_INVALID_HEADER_TOKEN');
    }
    if (this.#state === TRAILER_LINE && this.#line.length > KEPT_TRAILER) {
      this.#line = this.#line.slice(0, KEPT_TRAILER) + (this.#line.endsWith('\r') ? '\r' : '');
    }
    return null;
  }

  #headTooLarge(bytes: Uint8Array, from: number): ParseError {
    if (this.#state === START_LINE) {
      const error = this.#keepPart(fromLatin1(bytes, from, Math.min(bytes.length, from + LONGEST_METHOD + 1)));
      if (error !== null) {
        return error;
      }
    }
    return this.#fail('headers size exceeds limit', 431);
  }

  #onLine(line: string): ParseError | null {
    if (this.#state === START_LINE) {
      return this.#type === 'request' ? this.#requestLine(line) : this.#statusLine(line);
    }
    if (line !== '') {
      return this.#headerLine(line);
    }
    return this.#state === TRAILER_LINE ? this.#trailersComplete() : this.#headersComplete();
  }

  #requestLine(line: string): ParseError | null {
    const parsed = REQUEST_LINES.get(line);
    if (typeof parsed === 'string') {
      return this.#fail(parsed);
    }
    this.#method = parsed.method;
    this.#target = parsed.target;
    this.#major = parsed.major;
    this.#minor = parsed.minor;
    this.#state = HEADER_LINE;
    return this.#countHead(parsed.target.length);
  }

  #statusLine(line: string): ParseError | null {
    const parsed = parseStatusLine(line);
    if (typeof parsed === 'string') {
      return this.#fail(parsed);
    }
    this.#major = parsed.major;
    this.#minor = parsed.minor;
    this.#status = parsed.status;
    this.#state = HEADER_LINE;
    return null;
  }

  #headerLine(line: string): ParseError | null {
    const first = line.charCodeAt(0);
    if (first === 32 || first === 9) {
      const folded = this.#header === null ? null : foldLine(this.#header, line);
      if (folded === null) {
        return this.#fail('HPE_INVALID_HEADER_TOKEN');
      }
      return this.#keepHeader(folded, line.length);
    }
    const flushed = this.#flushHeader();
    if (flushed !== null) {
      return flushed;
    }
    const header = HEADER_LINES.get(line);
    if (header === null) {
      return this.#fail('HPE_INVALID_HEADER_TOKEN');
    }
    // The slot of the host header is called :authority, which is six characters longer.
    return this.#keepHeader(header, header.name.length + header.value.length + (header.name === 'host' ? 6 : 0));
  }

  /** Keeps a header until it is known that no folded line follows; a length that is none is refused at once. */
  #keepHeader(header: HeaderLine, bytes: number): ParseError | null {
    this.#header = header;
    if (header.name === 'content-length' && header.raw !== '') {
      const bad = this.#lengthError(header);
      if (bad !== null) {
        return this.#fail(bad);
      }
    }
    return this.#countHead(bytes);
  }

  #lengthError(header: HeaderLine): string | null {
    if (parseContentLength(header.raw) === null) {
      return 'HPE_INVALID_CONTENT_LENGTH';
    }
    return this.#contentLength === null ? null : 'HPE_UNEXPECTED_CONTENT_LENGTH';
  }

  /** Names, values and target count against the limit; trailers do not. */
  #countHead(bytes: number): ParseError | null {
    if (this.#state === TRAILER_LINE) {
      return null;
    }
    this.#headBytes += bytes;
    return this.#headBytes > this.#maxHeadBytes ? this.#fail('headers size exceeds limit', 431) : null;
  }

  /** The header before is complete. Trailers are checked and dropped: `enable_trailers` is off. */
  #flushHeader(): ParseError | null {
    const header = this.#header;
    if (header === null) {
      return null;
    }
    this.#header = null;
    const name = header.name;
    if (name === 'content-length') {
      if (header.raw === '') {
        return this.#fail('HPE_INVALID_CONTENT_LENGTH');
      }
      this.#contentLength = parseContentLength(header.raw);
    } else if (name.startsWith('transfer-encoding')) {
      // http-parser takes note of the header before it has seen where the name ends.
      this.#hasTransferEncoding = true;
      this.#chunked ||= name === 'transfer-encoding' && saysChunked(header);
    } else if (name === 'connection' || name === 'proxy-connection') {
      this.#close ||= hasConnectionToken(header.raw, 'close');
      this.#keepAlive ||= hasConnectionToken(header.raw, 'keep-alive');
    }
    if (this.#state === TRAILER_LINE) {
      return null;
    }
    const error = this.#callbacks.onHeader(name, header.value);
    return error === null ? null : this.#fail(error.error, error.status);
  }

  #headersComplete(): ParseError | null {
    const flushed = this.#flushHeader();
    if (flushed !== null) {
      return flushed;
    }
    const chunked = this.#chunked;
    if (this.#hasTransferEncoding && this.#contentLength !== null && !chunked) {
      return this.#fail('HPE_UNEXPECTED_CONTENT_LENGTH');
    }
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
      this.#complete();
    } else if (chunked) {
      this.#beginChunk();
    } else if (this.#hasTransferEncoding && this.#type === 'request') {
      return this.#fail('HPE_INVALID_TRANSFER_ENCODING');
    } else if (this.#contentLength !== null && this.#contentLength > 0) {
      this.#left = this.#contentLength;
      this.#state = BODY_LENGTH;
    } else if (!this.#hasTransferEncoding && (this.#contentLength === 0 || this.#type === 'request' || withoutBody(this.#status))) {
      this.#complete();
    } else {
      this.#state = BODY_EOF;
    }
    return null;
  }

  #beginChunk(): void {
    this.#state = CHUNK_SIZE;
    this.#left = 0;
    this.#digits = 0;
  }

  /** Sizes in hexadecimal, extensions that nobody reads, and line ends, all of which must be CR LF. */
  #betweenChunks(bytes: Uint8Array, from: number): number | ParseError {
    const byte = bytes[from] as number;
    switch (this.#state) {
      case CHUNK_SIZE:
        return this.#chunkSize(byte) ?? from + 1;
      case CHUNK_EXTENSION: {
        const end = bytes.indexOf(CR, from);
        this.#dropped += (end < 0 ? bytes.length : end) - from;
        if (this.#dropped > MAX_DROPPED_BYTES) {
          return this.#fail('HPE_HEADER_OVERFLOW');
        }
        this.#state = end < 0 ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
        return end < 0 ? bytes.length : end + 1;
      }
      case CHUNK_SIZE_LF:
        if (byte !== LF) {
          return this.#fail('HPE_STRICT');
        }
        this.#state = this.#left === 0 ? TRAILER_LINE : CHUNK_DATA;
        return from + 1;
      case CHUNK_END_CR:
        if (byte !== CR) {
          return this.#fail('HPE_STRICT');
        }
        this.#state = CHUNK_END_LF;
        return from + 1;
      default:
        if (byte !== LF) {
          return this.#fail('HPE_STRICT');
        }
        this.#beginChunk();
        return from + 1;
    }
  }

  #chunkSize(byte: number): ParseError | null {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (this.#left > MAX_CHUNK_SIXTEENTH) {
        return this.#fail('HPE_INVALID_CONTENT_LENGTH');
      }
      this.#left = this.#left * 16 + digit;
      this.#digits += 1;
      return null;
    }
    if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON && byte !== SPACE)) {
      return this.#fail('HPE_INVALID_CHUNK_SIZE');
    }
    this.#state = byte === CR ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return null;
  }

  #trailersComplete(): ParseError | null {
    const flushed = this.#flushHeader();
    if (flushed === null) {
      this.#complete();
    }
    return flushed;
  }

  #complete(): void {
    const persistent = this.#major > 0 && this.#minor > 0 ? !this.#close : this.#keepAlive;
    this.#state = persistent ? START : CLOSED;
    this.#paused = this.#callbacks.onMessageComplete();
  }

  #fail(error: string, status: ParseError['status'] = 400): ParseError {
    this.#state = DEAD;
    this.#line = '';
    this.#error ??= { error, status };
    return this.#error;
  }
}
