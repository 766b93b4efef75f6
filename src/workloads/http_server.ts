/**
 * An HTTP/1.1 server in the manner of Go's net/http: the frame for the modelled servers.
 * @see go:src/net/http/server.go#conn.serve
 */
import type { TcpHandlers, TcpSocket } from '../kernel/socket.ts';
import { concatBytes, fromLatin1, latin1, NO_BYTES, utf8 } from '../net/bytes.ts';
import type { Certificate } from '../net/certificate.ts';
import { httpDate } from '../net/http_date.ts';
import { TlsServerSession } from '../net/tls_session.ts';
import { type HttpHead, header, readHead } from './http_message.ts';
import type { ProcessEnv, Server } from './process.ts';
import { TcpServer } from './tcp_server.ts';
import { TlsStream } from './tls_stream.ts';

/** A request as a handler sees it. */
export interface ServerRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: HttpHead['headers'];
  readonly body: Uint8Array;
  /** `10.0.0.1:1024` */
  readonly remote: TcpSocket['remote'];
}

/** What a handler answers. */
export interface ServerResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Answers requests. */
export type RequestHandler = (request: ServerRequest, env: ProcessEnv) => ServerResponse;

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What a Go server says to plain HTTP on its TLS port. @see go:src/net/http/server.go#conn.serve */
const PLAIN_HTTP = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';

/** Where answers go: the socket, or TLS on it. */
interface Wire {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** A server on one port. */
export class HttpServer implements Server {
  readonly #port: number;
  readonly #handler: RequestHandler;
  readonly #tcp = new TcpServer();
  readonly #certificate: Certificate | null;

  /** @param certificate of an HTTPS server */
  constructor(port: number, handler: RequestHandler, certificate: Certificate | null = null) {
    this.#port = port;
    this.#handler = handler;
    this.#certificate = certificate;
  }

  start(env: ProcessEnv): void {
    this.#tcp.open(env, this.#port, (socket) => this.#accept(env, socket));
  }

  stop(): void {
    this.#tcp.close();
  }

  #accept(env: ProcessEnv, socket: TcpSocket): TcpHandlers {
    let buffered: Uint8Array = NO_BYTES;
    const forget = (): void => {
      this.#tcp.forget(socket);
    };
    const end = (): void => {
      forget();
      socket.close();
    };
    let wire: Wire = socket;
    const receive = (bytes: Uint8Array): void => {
      buffered = buffered.length === 0 ? bytes : concatBytes([buffered, bytes]);
      buffered = this.#serve(env, socket, wire, buffered);
    };
    if (this.#certificate === null) {
      return { onData: (_socket, bytes) => receive(bytes), onEnd: end, onError: forget, onClose: forget };
    }
    const tls = new TlsStream(socket, new TlsServerSession(this.#certificate), {
      onData: receive,
      onEnd: end,
      onFailed: ({ kind }) => {
        if (kind === 'not-tls') {
          socket.write(latin1(PLAIN_HTTP));
        }
        end();
      },
    });
    wire = tls;
    return { onData: (_socket, bytes) => tls.receive(bytes), onEnd: end, onError: forget, onClose: forget };
  }

  /** Answers all whole requests; returns what is left. */
  #serve(env: ProcessEnv, socket: TcpSocket, wire: Wire, bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    for (;;) {
      const head = readHead(rest);
      if (head === 'partial') {
        return rest;
      }
      if (head === 'malformed') {
        this.#close(
          socket,
          wire,
          latin1('HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request'),
        );
        return NO_BYTES;
      }
      const body = readBody(head, rest.subarray(head.end));
      if (body === null) {
        return rest;
      }
      const [method, target] = head.startLine.split(' ') as [string, string];
      if (env.journey.recording) {
        record(env, socket, `${method} ${target}`);
      }
      const response = this.#handler({ method, target, headers: head.headers, body: body.bytes, remote: socket.remote }, env);
      const close = (header(head, 'connection') ?? '').toLowerCase() === 'close';
      wire.write(render(env, response, method === 'HEAD', close));
      if (close) {
        this.#tcp.forget(socket);
        wire.close();
        return NO_BYTES;
      }
      rest = rest.subarray(head.end + body.consumed);
    }
  }

  #close(socket: TcpSocket, wire: Wire, bytes: Uint8Array): void {
    wire.write(bytes);
    this.#tcp.forget(socket);
    wire.close();
  }
}

/** Body by length or chunks; `null` while it is not all there. */
function readBody(head: HttpHead, bytes: Uint8Array): { readonly bytes: Uint8Array; readonly consumed: number } | null {
  if ((header(head, 'transfer-encoding') ?? '').toLowerCase() === 'chunked') {
    return readChunks(bytes);
  }
  const length = Number(header(head, 'content-length') ?? '0');
  return bytes.length < length ? null : { bytes: bytes.subarray(0, length), consumed: length };
}

/** A chunked body. */
export function readChunks(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly consumed: number } | null {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const text = fromLatin1(bytes, at, Math.min(at + 20, bytes.length));
    const end = text.indexOf('\r\n');
    if (end < 0) {
      return null;
    }
    const size = Number.parseInt(text, 16);
    at += end + 2;
    if (bytes.length < at + size + 2) {
      return null;
    }
    if (size === 0) {
      return { bytes: concatBytes(parts.length === 0 ? [NO_BYTES] : parts), consumed: at + 2 };
    }
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

/** Headers in Go's order: sorted, with the length last. @see go:src/net/http/server.go#chunkWriter.writeHeader */
function render(env: ProcessEnv, response: ServerResponse, headOnly: boolean, close: boolean): Uint8Array {
  const body = utf8(response.body);
  const status = `HTTP/1.1 ${response.status} ${REASONS[response.status] ?? ''}\r\n`;
  const type = response.contentType === '' ? '' : `Content-Type: ${response.contentType}\r\n`;
  const date = `Date: ${httpDate(env.scheduler.clock.wallMillis())}\r\n`;
  const head = latin1(`${status}${type}${date}Content-Length: ${body.length}\r\n${close ? 'Connection: close\r\n' : ''}\r\n`);
  return headOnly ? head : concatBytes([head, body]);
}

function record(env: ProcessEnv, socket: TcpSocket, what: string): void {
  const { remote } = socket;
  env.journey.add({
    kind: 'enter',
    actor: 'workload',
    fn: 'ServeHTTP',
    where: env.hostname,
    what: `${what} from ${remote.address >>> 24}.${(remote.address >>> 16) & 255}.${(remote.address >>> 8) & 255}.${remote.address & 255}:${remote.port}`,
  });
}
