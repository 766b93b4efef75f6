/**
 * A client that keeps its connection: requests go one after the other over the same socket. What no single curl command can show.
 */
import { isErrno, type SocketErrno, type TcpSocket } from '../kernel/socket.ts';
import { concatBytes, fromUtf8, latin1, utf8 } from '../net/bytes.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { CURL_INTRODUCTION } from './curl_http2.ts';
import { CurlResponse } from './curl_response.ts';
import { fieldValue, Http2Peer } from './http2_peer.ts';
import type { ProcessEnv } from './process.ts';
import { resolve } from './resolver.ts';

/** Why there is no answer. */
export type ClientError = SocketErrno | 'closed' | 'unresolved';

/** What came of a request. */
export interface ClientResult {
  /** 0 when none came. */
  readonly status: number;
  readonly body: string;
  readonly error: ClientError | null;
}

/** A request. */
export interface ClientRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Sent in place of all that, one byte a character. */
  readonly raw?: string;
}

/** One kept connection. */
export class HttpClient {
  readonly #env: ProcessEnv;
  /** Speaks HTTP/2: each request is a stream. */
  readonly #http2: boolean;
  #socket: TcpSocket | null = null;
  #peer: Http2Peer | null = null;
  #response: CurlResponse | null = null;
  #onConnected: ((error: ClientError | null) => void) | null = null;
  #done: ((result: ClientResult) => void) | null = null;

  constructor(env: ProcessEnv, http2 = false) {
    this.#env = env;
    this.#http2 = http2;
  }

  /** The client's end as `ip:port`; empty without a connection. */
  get local(): string {
    return this.#socket === null ? '' : `${formatIpv4(this.#socket.local.address)}:${this.#socket.local.port}`;
  }

  /** Connects; `done` hears the error, or `null`. */
  connect(host: string, port: number, done: (error: ClientError | null) => void): void {
    this.#onConnected = done;
    resolve(this.#env, host, (result) => {
      if (result.ok) {
        this.#connect(result.addresses[0] as Ipv4, port);
      } else {
        this.#ended('unresolved');
      }
    });
  }

  /** Sends a request; `done` hears of the answer, later. */
  send(request: ClientRequest, done: (result: ClientResult) => void): void {
    this.#done = done;
    const socket = this.#socket;
    if (socket === null) {
      this.#env.scheduler.after(0, 'http client', () => this.#finish({ status: 0, body: '', error: 'closed' }));
      return;
    }
    this.#response = new CurlResponse(request.method === 'HEAD');
    if (request.raw !== undefined) {
      socket.write(latin1(request.raw));
      return;
    }
    if (this.#peer !== null) {
      this.#sendStream(this.#peer, request);
      return;
    }
    const body = utf8(request.body);
    const headers: Record<string, string> = { 'User-Agent': `curl/${this.#env.curlVersion}`, Accept: '*/*', ...request.headers };
    let head = `${request.method} ${request.path} HTTP/1.1\r\n`;
    for (const name in headers) {
      head += `${name}: ${headers[name] ?? ''}\r\n`;
    }
    head += body.length > 0 ? `Content-Length: ${body.length}\r\n\r\n` : '\r\n';
    socket.write(body.length > 0 ? concatBytes([latin1(head), body]) : latin1(head));
  }

  /** Closes the connection. */
  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #connect(address: Ipv4, port: number): void {
    const socket = this.#env.sockets.connect({
      remote: { address, port },
      handlers: {
        onConnected: (one) => {
          this.#peer = this.#http2 ? this.#newPeer(one) : null;
          this.#connected(null);
        },
        onData: (_socket, bytes) => this.#onData(bytes),
        onEnd: () => this.#ended('closed'),
        onError: (_socket, errno) => this.#ended(errno),
      },
    });
    if (isErrno(socket)) {
      this.#env.scheduler.after(0, 'http client', () => this.#ended(socket));
    } else {
      this.#socket = socket;
    }
  }

  #newPeer(socket: TcpSocket): Http2Peer {
    return new Http2Peer(false, CURL_INTRODUCTION, (bytes) => socket.write(bytes), {
      onMessage: (_stream, { headers, body }) =>
        this.#finish({ status: Number(fieldValue(headers, ':status') ?? '0'), body: fromUtf8(body), error: null }),
      onReset: () => this.#finish({ status: 0, body: '', error: 'ECONNRESET' }),
    });
  }

  #sendStream(peer: Http2Peer, request: ClientRequest): void {
    const headers: Record<string, string> = { 'user-agent': `curl/${this.#env.curlVersion}`, accept: '*/*' };
    for (const name in request.headers) {
      headers[name.toLowerCase()] = request.headers[name] ?? '';
    }
    const { host = '', ...others } = headers;
    const body = utf8(request.body);
    peer.request(
      [
        [':method', request.method],
        [':path', request.path],
        [':scheme', 'http'],
        [':authority', host],
        ...Object.entries(others),
        ...(body.length > 0 ? [['content-length', String(body.length)] as const] : []),
      ],
      body.length > 0 ? body : null,
    );
  }

  #onData(bytes: Uint8Array): void {
    if (this.#peer !== null) {
      if (!this.#peer.receive(bytes)) {
        this.#ended('closed');
      }
      return;
    }
    const response = this.#response;
    if (response !== null && response.add(bytes) === null && response.complete) {
      this.#response = null;
      if ((response.header('connection') ?? '').toLowerCase() === 'close') {
        this.close();
      }
      this.#finish({ status: response.status, body: fromUtf8(response.body()), error: null });
    }
  }

  #ended(error: ClientError): void {
    this.close();
    this.#connected(error);
    this.#finish({ status: 0, body: '', error });
  }

  #connected(error: ClientError | null): void {
    const done = this.#onConnected;
    this.#onConnected = null;
    done?.(error);
  }

  #finish(result: ClientResult): void {
    const done = this.#done;
    this.#done = null;
    done?.(result);
  }
}
