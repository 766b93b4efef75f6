/** Node's own HTTP/2 (nghttp2) as an oracle: its ends of connections that exist in memory only. */
import { type ClientHttp2Session, connect, createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import { Duplex } from 'node:stream';

/** An end of a connection on Node's side. */
export class NodeEnd {
  readonly duplex: Duplex;
  #out: Buffer[] = [];
  ended = false;

  constructor() {
    this.duplex = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        this.#out.push(Buffer.from(chunk));
        done();
      },
      final: (done) => {
        this.ended = true;
        done();
      },
      destroy: (_error, done) => {
        this.ended = true;
        done(null);
      },
    });
    this.duplex.on('error', () => undefined);
  }

  /** What Node has written since the last time. */
  take(): Uint8Array {
    const all = Buffer.concat(this.#out);
    this.#out = [];
    return new Uint8Array(all);
  }

  /** Bytes for Node. */
  give(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.ended) {
      this.duplex.push(Buffer.from(bytes));
    }
  }
}

/** A client of Node's. */
export function nodeClient(): { readonly end: NodeEnd; readonly session: ClientHttp2Session; readonly errors: string[] } {
  const end = new NodeEnd();
  const errors: string[] = [];
  const session = connect('http://pod', { createConnection: () => end.duplex });
  session.on('error', (error: Error & { code?: string }) => errors.push(error.code ?? error.message));
  session.on('goaway', (code: number) => errors.push(`goaway ${code}`));
  return { end, session, errors };
}

/** A server of Node's; `end` is for one connection. */
export function nodeServer(): { readonly server: Http2Server; accept(): NodeEnd } {
  const server = createServer();
  server.on('sessionError', () => undefined);
  return {
    server,
    accept: () => {
      const end = new NodeEnd();
      server.emit('connection', end.duplex);
      return end;
    },
  };
}

/** What came back on a stream of Node's client. */
export interface NodeResponse {
  headers: IncomingHttpHeaders | null;
  trailers: IncomingHttpHeaders | null;
  body: string;
  ended: boolean;
  /** Code of a RST_STREAM. */
  reset: number | null;
}

/** Sends a request with Node's client and gathers the response. */
export function nodeRequest(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body: string | null = null,
  trailers: Record<string, string> | null = null,
): NodeResponse {
  const response: NodeResponse = { headers: null, trailers: null, body: '', ended: false, reset: null };
  const stream = session.request(headers, { endStream: body === null && trailers === null, waitForTrailers: trailers !== null });
  stream.on('response', (got) => {
    response.headers = got;
  });
  stream.on('trailers', (got) => {
    response.trailers = got;
  });
  stream.setEncoding('latin1');
  stream.on('data', (chunk: string) => {
    response.body += chunk;
  });
  stream.on('end', () => {
    response.ended = true;
  });
  stream.on('close', () => {
    response.reset = stream.rstCode;
  });
  stream.on('error', () => undefined);
  if (trailers !== null) {
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  }
  if (body !== null || trailers !== null) {
    stream.end(body ?? '');
  }
  return response;
}

/** Lets Node's streams turn. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
