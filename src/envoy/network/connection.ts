/**
 * A TCP connection of the proxy: buffered writes, the three ways to close, and the events users hear.
 * @see envoy:source/common/network/connection_impl.cc#ConnectionImpl
 * @remarks Not modelled: watermarks and the back pressure they give; buffers grow instead.
 */
import type { SocketErrno, TcpHandlers, TcpSocket } from '../../kernel/socket.ts';
import { concatBytes } from '../../net/bytes.ts';
import type { TlsEvent, TlsFailure, TlsSession } from '../../net/tls_session.ts';
import { assertNever } from '../../sim/assert.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { Dispatcher, Flushable } from '../event/dispatcher.ts';

/** How long a connection lingers after its last bytes for the peer to close first. @see envoy:api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto (delayed_close_timeout) */
const DELAYED_CLOSE = SECOND;

/** Ways to close. @see envoy:envoy/network/connection.h#ConnectionCloseType */
export type CloseType = 'no-flush' | 'flush-write' | 'flush-write-and-delay';

/** How a connection came to its end. */
export type CloseEvent = 'remote-close' | 'local-close';

/** What users of a connection hear. */
export interface ConnectionCallbacks {
  onData(bytes: Uint8Array): void;
  onConnected?(): void;
  /** The connection is gone; `errno` if the peer or the network broke it. */
  onClosed(event: CloseEvent, errno: SocketErrno | null): void;
}

/** TLS of a connection. */
interface TlsLayer {
  readonly session: TlsSession;
  secure: boolean;
  /** Written before the handshake was complete. */
  readonly waiting: Uint8Array[];
  failure: TlsFailure | null;
}

/** One connection. */
export class Connection implements Flushable {
  readonly id: number;
  readonly socket: TcpSocket;
  readonly #dispatcher: Dispatcher;
  #callbacks: ConnectionCallbacks | null = null;
  #output: Uint8Array[] = [];
  #dirty = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #timer: Timer | null = null;
  #onGone: (() => void) | null = null;
  #onHalfClose: (() => void) | null = null;
  #readEnded = false;
  #tls: TlsLayer | null = null;
  #writeEnded = false;

  constructor(dispatcher: Dispatcher, socket: TcpSocket, id: number) {
    this.#dispatcher = dispatcher;
    this.socket = socket;
    this.id = id;
  }

  /** Handlers for the kernel's socket. */
  handlers(): TcpHandlers {
    return {
      onConnected: () => this.#dispatcher.run(() => this.#onConnected()),
      onData: (_socket, bytes) => this.#dispatcher.run(() => this.receive(bytes)),
      onEnd: () => this.#dispatcher.run(() => this.#onEnd()),
      onError: (_socket, errno) => this.#dispatcher.run(() => this.#remoteClose(errno)),
    };
  }

  /** Puts TLS between the socket and the users, who hear of nothing before the handshake is complete. */
  secure(session: TlsSession): void {
    this.#tls = { session, secure: false, waiting: [], failure: null };
  }

  /** Whether TLS ends or begins here. */
  get secured(): boolean {
    return this.#tls !== null;
  }

  /** Why TLS failed, or `null`. */
  get tlsFailure(): TlsFailure | null {
    return this.#tls?.failure ?? null;
  }

  /** Bytes from the peer. */
  receive(bytes: Uint8Array): void {
    if (this.#state !== 'open') {
      return;
    }
    if (this.#tls === null) {
      this.#callbacks?.onData(bytes);
      return;
    }
    for (const event of this.#tls.session.push(bytes)) {
      if (this.#state === 'open') {
        this.#onTlsEvent(this.#tls, event);
      }
    }
  }

  /** Sets who hears of the connection. */
  setCallbacks(callbacks: ConnectionCallbacks): void {
    this.#callbacks = callbacks;
  }

  /** The peer's FIN no longer ends the connection: `onEnd` hears of it, and each side ends its own direction. @see envoy:envoy/network/connection.h#Connection.enableHalfClose */
  enableHalfClose(onEnd: () => void): void {
    this.#onHalfClose = onEnd;
  }

  /** Ends the sending direction after what is buffered; with both directions ended the connection is gone. */
  end(): void {
    if (this.#state !== 'open' || this.#writeEnded) {
      return;
    }
    this.#writeEnded = true;
    this.#sendCloseNotify();
    this.flush();
    if (this.#readEnded) {
      this.#closeSocket();
      this.#notify('remote-close', null);
    } else {
      this.socket.end();
    }
  }

  /** Hears when the socket itself is gone, which for a delayed close is later than `onClosed`. */
  onSocketGone(callback: () => void): void {
    this.#onGone = callback;
  }

  /** Whether the connection takes part in anything still. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** Buffers bytes; the socket gets them after the current event. */
  write(bytes: Uint8Array): void {
    if (this.#state !== 'open' || bytes.length === 0) {
      return;
    }
    if (this.#tls === null) {
      this.#send(bytes);
    } else if (this.#tls.secure) {
      this.#send(this.#tls.session.seal(bytes));
    } else {
      this.#tls.waiting.push(bytes);
    }
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0) {
      return;
    }
    this.#output.push(bytes);
    if (!this.#dirty) {
      this.#dirty = true;
      this.#dispatcher.dirty(this);
    }
  }

  #onConnected(): void {
    if (this.#state !== 'open') {
      return;
    }
    if (this.#tls === null) {
      this.#callbacks?.onConnected?.();
    } else {
      this.#send(this.#tls.session.start());
    }
  }

  #onTlsEvent(tls: TlsLayer, event: TlsEvent): void {
    switch (event.kind) {
      case 'send':
        this.#send(event.bytes);
        return;
      case 'secure':
        tls.secure = true;
        this.#callbacks?.onConnected?.();
        for (const bytes of tls.waiting.splice(0)) {
          this.write(bytes);
        }
        return;
      case 'data':
        this.#callbacks?.onData(event.bytes);
        return;
      case 'end':
        this.#onEnd();
        return;
      case 'failed':
        tls.failure = event.failure;
        this.#closeSocket();
        this.#notify('local-close', null);
        return;
      default:
        assertNever(event);
    }
  }

  flush(): void {
    this.#dirty = false;
    if (this.#output.length > 0 && this.#state !== 'closed') {
      const bytes = concatBytes(this.#output);
      this.#output = [];
      this.socket.write(bytes);
    }
  }

  /** Closes. @see envoy:source/common/network/connection_impl.cc#ConnectionImpl::close */
  close(type: CloseType): void {
    if (this.#state !== 'open') {
      return;
    }
    if (type === 'flush-write-and-delay') {
      // The peer gets a second to read the answer and close first.
      this.#state = 'closing';
      this.#timer = this.#dispatcher.timer(DELAYED_CLOSE, 'envoy delayed close', () => this.#closeSocket());
      this.#notify('local-close', null);
      return;
    }
    this.#closeSocket();
    this.#notify('local-close', null);
  }

  /** Resets the connection without telling anybody: the process dies. */
  abort(): void {
    if (this.#state !== 'closed') {
      this.#state = 'closed';
      this.#timer?.cancel();
      this.socket.abort();
    }
  }

  #onEnd(): void {
    if (this.#onHalfClose === null || this.#writeEnded || this.#state !== 'open') {
      this.#remoteClose(null);
      return;
    }
    this.#readEnded = true;
    this.#onHalfClose();
  }

  #remoteClose(errno: SocketErrno | null): void {
    if (this.#state === 'closed') {
      return;
    }
    const wasOpen = this.#state === 'open';
    if (errno === null) {
      this.#closeSocket();
    } else {
      this.#state = 'closed';
      this.#timer?.cancel();
      this.#onGone?.();
    }
    if (wasOpen) {
      this.#notify('remote-close', errno);
    }
  }

  #sendCloseNotify(): void {
    if (this.#tls?.secure === true) {
      this.#send(this.#tls.session.end());
    }
  }

  #closeSocket(): void {
    if (!this.#writeEnded) {
      this.#sendCloseNotify();
    }
    this.flush();
    this.#state = 'closed';
    this.#timer?.cancel();
    this.socket.close();
    this.#onGone?.();
  }

  #notify(event: CloseEvent, errno: SocketErrno | null): void {
    this.#callbacks?.onClosed(event, errno);
  }
}
