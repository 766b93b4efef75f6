/**
 * curl over HTTP/2 with prior knowledge: one request on stream 1.
 * @see curl:lib/http2.c
 */
import { NO_BYTES } from '../net/bytes.ts';
import { errorName, SETTING } from '../net/http2/frame.ts';
import type { HeaderField } from '../net/http2/hpack_table.ts';
import type { CurlExchange, CurlFailure } from './curl_response.ts';
import { fieldValue, type Http2Introduction, type Http2Message, Http2Peer } from './http2_peer.ts';

/** @see curl:lib/http2.c#HTTP2_HUGE_WINDOW_SIZE */
const HUGE_WINDOW = 1 << 30;

/** What curl says first. @see curl:lib/http2.c#populate_settings */
export const CURL_INTRODUCTION: Http2Introduction = {
  settings: [
    [SETTING.MAX_CONCURRENT_STREAMS, 100],
    [SETTING.INITIAL_WINDOW_SIZE, HUGE_WINDOW],
    [SETTING.ENABLE_PUSH, 0],
  ],
  connectionWindow: HUGE_WINDOW,
};

/** Headers that belong to a connection and are not sent. @see curl:lib/http2.c#Curl_http2_setup */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

const FRAMING: CurlFailure = { exitCode: 16, message: 'Error in the HTTP2 framing layer' };

/** A request and its response. */
export class CurlHttp2 implements CurlExchange {
  readonly version = '2';
  readonly #peer: Http2Peer;
  readonly #scheme: string;
  #stream = 0;
  #headers: readonly HeaderField[] = [];
  #message: Http2Message | null = null;
  #failure: CurlFailure | null = null;
  #head = '';
  started = false;

  constructor(wire: { write(bytes: Uint8Array): void }, scheme: string) {
    this.#scheme = scheme;
    this.#peer = new Http2Peer(false, CURL_INTRODUCTION, (bytes) => wire.write(bytes), {
      onHeaders: (_stream, headers) => {
        this.#headers = headers;
        const fields = headers.filter(([name]) => !name.startsWith(':')).map(([name, value]) => `${name}: ${value}\r\n`);
        this.#head = `HTTP/2 ${fieldValue(headers, ':status') ?? ''} \r\n${fields.join('')}\r\n`;
      },
      onMessage: (_stream, message) => {
        this.#message = message;
      },
      onReset: (stream, code) => {
        this.#failure = {
          exitCode: 92,
          message: `HTTP/2 stream ${stream} was not closed cleanly: ${errorName(code)} (err ${code})`,
        };
      },
    });
  }

  get headText(): string {
    return this.#head;
  }

  get status(): number {
    return Number(fieldValue(this.#headers, ':status') ?? '0');
  }

  get complete(): boolean {
    return this.#message !== null;
  }

  get received(): number {
    return this.#message?.body.length ?? this.#peer.received(this.#stream);
  }

  get expected(): number | null {
    const length = this.header('content-length');
    return length === null ? null : Number(length);
  }

  header(name: string): string | null {
    return fieldValue(this.#headers, name);
  }

  body(): Uint8Array {
    return this.#message?.body ?? NO_BYTES;
  }

  /** Sends a request, given as the text of its head. */
  start(head: string, body: Uint8Array | null): void {
    this.#stream = this.#peer.request(http2Headers(head, this.#scheme), body);
  }

  add(bytes: Uint8Array): CurlFailure | null {
    this.started ||= bytes.length > 0;
    const ok = this.#peer.receive(bytes);
    return this.#message !== null ? null : (this.#failure ?? (ok ? null : FRAMING));
  }

  endOfStream(): boolean {
    return this.complete;
  }
}

/** Headers of a request from the text of its head. */
export function http2Headers(head: string, scheme: string): HeaderField[] {
  const [start = '', ...lines] = head.split('\r\n').filter((line) => line !== '');
  const [method = '', path = ''] = start.split(' ');
  const fields = lines.map((line): HeaderField => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const authority = fields.find(([name]) => name === 'host')?.[1] ?? '';
  return [
    [':method', method],
    [':path', path],
    [':scheme', scheme],
    ...(authority === '' ? [] : [[':authority', authority] as const]),
    ...fields.filter(([name]) => !LEFT_OUT.has(name)),
  ];
}
