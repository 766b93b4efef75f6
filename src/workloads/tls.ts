/**
 * TLS between processes: the shape of a TLS 1.3 conversation over a TCP socket.
 *
 * ```
 *  client                                server
 *  ClientHello                ---------> ServerHello, certificate and Finished
 *  Finished, application data <--------> application data
 *  close_notify               <--------> close_notify
 * ```
 * @see https://www.rfc-editor.org/rfc/rfc8446#section-2
 * @remarks Simplified: nothing is encrypted and no certificate is checked: records have the types and lengths of real ones, their contents are
 * the plain bytes and padding. Whoever stands in between sees a ClientHello with its server name and then opaque records.
 */
import type { SocketErrno, TcpHandlers, TcpSocket } from '../kernel/socket.ts';
import { concatBytes, latin1, NO_BYTES } from '../net/bytes.ts';
import {
  clientHello,
  encodeRecord,
  fragments,
  TLS_ALERT,
  TLS_APPLICATION_DATA,
  TLS_CHANGE_CIPHER_SPEC,
  TLS_HANDSHAKE,
  type TlsRecord,
  takeRecords,
} from '../net/tls.ts';
import type { Rng } from '../sim/rng.ts';

/** What an encrypted record has beside its content: the inner content type and the tag. */
const OVERHEAD = 17;
/** ServerHello; encrypted extensions, a chain of two certificates, its proof and Finished; the client's Finished. */
const SERVER_HELLO = 122;
const SERVER_FLIGHT = 2600;
const CLIENT_FINISHED = 53;
const ALERT_CLOSE_NOTIFY = Uint8Array.from([1, 0]);
const ONE = Uint8Array.from([1]);

/** What a Go server says to plain HTTP. @see go:src/net/http/server.go#conn.serve */
const PLAIN_HTTP = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';

/** Why a handshake came to nothing. */
export type TlsFailure = 'reset' | 'closed' | 'not-tls';

/** A client's side; handlers hear of plain bytes, `onConnected` once the handshake is done. */
export function tlsClient(rng: Rng, serverName: string, inner: TcpHandlers, failed: (why: TlsFailure) => void): TcpHandlers {
  let session: TlsSocket | null = null;
  return {
    onConnected: (socket) => {
      session = new TlsSocket(socket, inner, failed);
      const random = Uint8Array.from({ length: 32 }, () => rng.below(256));
      socket.write(encodeRecord(TLS_HANDSHAKE, clientHello(random, serverName)));
    },
    onData: (_socket, bytes) => session?.receive(bytes, 'client'),
    onEnd: () => session?.ended(),
    onError: (socket, errno) => (session === null ? inner.onError?.(socket, errno) : session.error(errno)),
    onClose: () => (session === null ? undefined : inner.onClose?.(session)),
  };
}

/** A server's side of an accepted connection. */
export function tlsServer(socket: TcpSocket, accept: (socket: TcpSocket) => TcpHandlers): TcpHandlers {
  const session = new TlsSocket(socket, {}, (why) => {
    if (why === 'not-tls') {
      socket.write(latin1(PLAIN_HTTP));
    }
    socket.close();
  });
  session.setHandlers(accept(session));
  return {
    onData: (_socket, bytes) => session.receive(bytes, 'server'),
    onEnd: () => session.ended(),
    onError: (_socket, errno) => session.error(errno),
    onClose: () => session.closed(),
  };
}

/** A TCP socket that speaks TLS. */
class TlsSocket implements TcpSocket {
  readonly #raw: TcpSocket;
  readonly #failed: (why: TlsFailure) => void;
  #handlers: TcpHandlers;
  #buffered: Uint8Array = NO_BYTES;
  #established = false;
  #over = false;

  constructor(raw: TcpSocket, handlers: TcpHandlers, failed: (why: TlsFailure) => void) {
    this.#raw = raw;
    this.#handlers = handlers;
    this.#failed = failed;
  }

  get local(): TcpSocket['local'] {
    return this.#raw.local;
  }

  get remote(): TcpSocket['remote'] {
    return this.#raw.remote;
  }

  get state(): TcpSocket['state'] {
    return this.#raw.state;
  }

  get mark(): number {
    return this.#raw.mark;
  }

  setHandlers(handlers: TcpHandlers): void {
    this.#handlers = handlers;
  }

  setOption(name: Parameters<TcpSocket['setOption']>[0], value: number): void {
    this.#raw.setOption(name, value);
  }

  write(bytes: Uint8Array): void {
    for (const piece of fragments(bytes)) {
      this.#raw.write(encodeRecord(TLS_APPLICATION_DATA, sealed(piece, TLS_APPLICATION_DATA)));
    }
  }

  end(): void {
    this.#notify();
    this.#raw.end();
  }

  close(): void {
    this.#notify();
    this.#raw.close();
  }

  abort(): void {
    this.#raw.abort();
  }

  /** Bytes of the peer. */
  receive(bytes: Uint8Array, role: 'client' | 'server'): void {
    const taken = takeRecords(this.#buffered.length === 0 ? bytes : concatBytes([this.#buffered, bytes]));
    if (taken === null) {
      this.#fail('not-tls');
      return;
    }
    this.#buffered = taken.rest;
    for (const record of taken.records) {
      this.#record(record, role);
    }
  }

  /** A FIN: whoever sent it reads no close_notify any more, so none is sent. */
  ended(): void {
    this.#over = this.#established;
    if (this.#established) {
      this.#handlers.onEnd?.(this);
    } else {
      this.#fail('closed');
    }
  }

  error(errno: SocketErrno): void {
    if (this.#established) {
      this.#handlers.onError?.(this, errno);
    } else {
      this.#fail('reset');
    }
  }

  closed(): void {
    this.#handlers.onClose?.(this);
  }

  #record({ type, fragment }: TlsRecord, role: 'client' | 'server'): void {
    if (type === TLS_HANDSHAKE && role === 'server' && fragment[0] === 1) {
      const hello = new Uint8Array(SERVER_HELLO);
      hello[0] = 2;
      this.#raw.write(
        concatBytes([
          encodeRecord(TLS_HANDSHAKE, hello),
          encodeRecord(TLS_CHANGE_CIPHER_SPEC, ONE),
          encodeRecord(TLS_APPLICATION_DATA, sealed(new Uint8Array(SERVER_FLIGHT), TLS_HANDSHAKE)),
        ]),
      );
      return;
    }
    if (type !== TLS_APPLICATION_DATA || fragment.length < OVERHEAD) {
      return;
    }
    const content = fragment.subarray(0, fragment.length - OVERHEAD);
    switch (fragment[content.length]) {
      case TLS_HANDSHAKE:
        this.#finished(role);
        break;
      case TLS_APPLICATION_DATA:
        this.#handlers.onData?.(this, content);
        break;
      default:
        // close_notify: the FIN that follows says the same.
        break;
    }
  }

  #finished(role: 'client' | 'server'): void {
    if (this.#established) {
      return;
    }
    this.#established = true;
    if (role === 'client') {
      const finished = encodeRecord(TLS_APPLICATION_DATA, sealed(new Uint8Array(CLIENT_FINISHED - OVERHEAD), TLS_HANDSHAKE));
      this.#raw.write(concatBytes([encodeRecord(TLS_CHANGE_CIPHER_SPEC, ONE), finished]));
    }
    this.#handlers.onConnected?.(this);
  }

  #notify(): void {
    if (this.#established && !this.#over) {
      this.#over = true;
      this.#raw.write(encodeRecord(TLS_APPLICATION_DATA, sealed(ALERT_CLOSE_NOTIFY, TLS_ALERT)));
    }
  }

  #fail(why: TlsFailure): void {
    if (!this.#over) {
      this.#over = true;
      this.#failed(why);
    }
  }
}

/** Content, its type, and room for the tag. */
function sealed(content: Uint8Array, type: number): Uint8Array {
  const out = new Uint8Array(content.length + OVERHEAD);
  out.set(content);
  out[content.length] = type;
  return out;
}
