/**
 * An HTTP/1 response as curl reads it: by length, by chunks, or to the end of the connection.
 * @see curl:lib/http.c#Curl_http_readwrite_headers
 */
import { concatBytes, fromLatin1, NO_BYTES } from '../net/bytes.ts';
import { type HttpHead, header, readHead } from './http_message.ts';
import { readChunks } from './http_server.ts';

/** Why curl gives up. */
export interface CurlFailure {
  readonly exitCode: number;
  readonly message: string;
}

/** A response that comes in, whatever the protocol. */
export interface CurlExchange {
  /** All heads received (1xx ones too), with their blank lines. */
  readonly headText: string;
  readonly status: number;
  readonly complete: boolean;
  /** Whether any byte has come. */
  readonly started: boolean;
  /** Body bytes received. */
  readonly received: number;
  /** Announced length, or `null`. */
  readonly expected: number | null;
  /** What `%{http_version}` says. */
  readonly version: string;
  /** A header of the final response. */
  header(name: string): string | null;
  body(): Uint8Array;
  /** Takes bytes; the failure if they are not what was expected. */
  add(bytes: Uint8Array): CurlFailure | null;
  /** The connection ended; whether the response is whole. */
  endOfStream(): boolean;
}

const NOT_HTTP: CurlFailure = { exitCode: 1, message: 'Received HTTP/0.9 when not allowed' };

/** Collects a response. */
export class CurlResponse implements CurlExchange {
  readonly version = '1.1';
  readonly #headOnly: boolean;
  #buffered: Uint8Array = NO_BYTES;
  #head: HttpHead | null = null;
  #body: Uint8Array = NO_BYTES;
  readonly #heads: Uint8Array[] = [];
  status = 0;
  complete = false;

  constructor(headOnly: boolean) {
    this.#headOnly = headOnly;
  }

  /** All heads received (1xx ones too), with their blank lines. */
  get headText(): string {
    return this.#heads.map((head) => fromLatin1(head)).join('');
  }

  /** Whether any byte has come. */
  get started(): boolean {
    return this.#heads.length > 0 || this.#buffered.length > 0;
  }

  /** Body bytes received. */
  get received(): number {
    return this.#body.length > 0 ? this.#body.length : this.#head === null ? 0 : this.#buffered.length;
  }

  /** Announced length, or `null`. */
  get expected(): number | null {
    const length = this.header('content-length');
    return length === null ? null : Number(length);
  }

  /** A header of the final response. */
  header(name: string): string | null {
    return this.#head === null ? null : header(this.#head, name);
  }

  /** The body so far. */
  body(): Uint8Array {
    return this.complete || this.#head === null ? this.#body : this.#chunked ? NO_BYTES : this.#buffered;
  }

  add(bytes: Uint8Array): CurlFailure | null {
    this.#buffered = this.#buffered.length === 0 ? bytes : concatBytes([this.#buffered, bytes]);
    while (this.#head === null) {
      const head = readHead(this.#buffered);
      if (head === 'partial') {
        return this.#buffered.length < 5 || fromLatin1(this.#buffered, 0, 5) === 'HTTP/' ? null : NOT_HTTP;
      }
      if (head === 'malformed' || !head.startLine.startsWith('HTTP/')) {
        return NOT_HTTP;
      }
      this.#heads.push(this.#buffered.subarray(0, head.end));
      this.status = Number(head.startLine.split(' ')[1]);
      this.#buffered = this.#buffered.subarray(head.end);
      if (this.status >= 200 || this.status === 101) {
        this.#head = head;
      }
    }
    this.#readBody();
    return null;
  }

  /** The connection ended; whether the response is whole. */
  endOfStream(): boolean {
    if (this.#head !== null && !this.complete && this.expected === null && !this.#chunked) {
      this.#finish(this.#buffered);
    }
    return this.complete;
  }

  get #chunked(): boolean {
    return (this.header('transfer-encoding') ?? '').toLowerCase() === 'chunked';
  }

  #readBody(): void {
    const { expected } = this;
    if (this.#headOnly || this.status === 204 || this.status === 304) {
      this.#finish(NO_BYTES);
    } else if (this.#chunked) {
      const chunks = readChunks(this.#buffered);
      if (chunks !== null) {
        this.#finish(chunks.bytes);
      }
    } else if (expected !== null && this.#buffered.length >= expected) {
      this.#finish(this.#buffered.subarray(0, expected));
    }
  }

  #finish(body: Uint8Array): void {
    this.#body = body;
    this.complete = true;
  }
}
