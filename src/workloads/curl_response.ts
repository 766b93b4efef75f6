/**
 * An HTTP/1 response as curl reads it: by length, by chunks, or to the end of the connection.
 * @see curl:lib/http.c#Curl_http_readwrite_headers
 */
import { concatBytes, fromLatin1, NO_BYTES } from '../net/bytes.ts';
import { type HttpHead, header, readHead } from './http_message.ts';
import { readChunks } from './http_server.ts';

/** Collects a response. */
export class CurlResponse {
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

  /** Takes bytes; `false` if this is no HTTP. */
  add(bytes: Uint8Array): boolean {
    this.#buffered = this.#buffered.length === 0 ? bytes : concatBytes([this.#buffered, bytes]);
    while (this.#head === null) {
      const head = readHead(this.#buffered);
      if (head === 'partial') {
        return this.#buffered.length < 5 || fromLatin1(this.#buffered, 0, 5) === 'HTTP/';
      }
      if (head === 'malformed' || !head.startLine.startsWith('HTTP/')) {
        return false;
      }
      this.#heads.push(this.#buffered.subarray(0, head.end));
      this.status = Number(head.startLine.split(' ')[1]);
      this.#buffered = this.#buffered.subarray(head.end);
      if (this.status >= 200 || this.status === 101) {
        this.#head = head;
      }
    }
    this.#readBody();
    return true;
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
