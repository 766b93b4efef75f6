/** A TCP socket with TLS on it, as programs use one through their library. */
import type { TcpSocket } from '../kernel/socket.ts';
import type { TlsFailure, TlsSession } from '../net/tls_session.ts';

/** What the program hears. */
export interface TlsStreamHandlers {
  /** The handshake is complete. */
  onSecure?(): void;
  onData(bytes: Uint8Array): void;
  onEnd(): void;
  onFailed(failure: TlsFailure): void;
}

/** The stream. */
export class TlsStream {
  readonly #socket: TcpSocket;
  readonly #session: TlsSession;
  readonly #handlers: TlsStreamHandlers;
  #secure = false;

  constructor(socket: TcpSocket, session: TlsSession, handlers: TlsStreamHandlers) {
    this.#socket = socket;
    this.#session = session;
    this.#handlers = handlers;
  }

  /** Whether the handshake is complete. */
  get secure(): boolean {
    return this.#secure;
  }

  /** Begins the handshake. */
  start(): void {
    this.#socket.write(this.#session.start());
  }

  /** Bytes from the socket. */
  receive(bytes: Uint8Array): void {
    for (const event of this.#session.push(bytes)) {
      switch (event.kind) {
        case 'send':
          this.#socket.write(event.bytes);
          break;
        case 'secure':
          this.#secure = true;
          this.#handlers.onSecure?.();
          break;
        case 'data':
          this.#handlers.onData(event.bytes);
          break;
        case 'end':
          this.#handlers.onEnd();
          break;
        case 'failed':
          this.#handlers.onFailed(event.failure);
          break;
      }
    }
  }

  /** Sends application data. */
  write(bytes: Uint8Array): void {
    this.#socket.write(this.#session.seal(bytes));
  }

  /** Says goodbye and closes. */
  close(): void {
    if (this.#secure) {
      this.#socket.write(this.#session.end());
    }
    this.#socket.close();
  }
}
