/**
 * A TCP connection of the proxy: buffered writes, the three ways to close, and the events users hear.
 * @see envoy:source/common/network/connection_impl.cc#ConnectionImpl
 * @remarks Not modelled: watermarks and the back pressure they give; buffers grow instead.
 */
import type { SocketErrno, TcpHandlers, TcpSocket } from '../../kernel/socket.ts';
import { concatBytes } from '../../net/bytes.ts';
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
  #writeEnded = false;

  constructor(dispatcher: Dispatcher, socket: TcpSocket, id: number) {
    this.#dispatcher = dispatcher;
    this.socket = socket;
    this.id = id;
  }

  /** Handlers for the kernel's socket. */
  handlers(): TcpHandlers {
    return {
      onConnected: () => this.#dispatcher.run(() => this.#state === 'open' && this.#callbacks?.onConnected?.()),
      onData: (_socket, bytes) =>
        this.#dispatcher.run(() => {
          if (this.#state === 'open') {
            this.#callbacks?.onData(bytes);
          }
        }),
      onEnd: () => this.#dispatcher.run(() => this.#onEnd()),
      onError: (_socket, errno) => this.#dispatcher.run(() => this.#remoteClose(errno)),
    };
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
    this.#output.push(bytes);
    if (!this.#dirty) {
      this.#dirty = true;
      this.#dispatcher.dirty(this);
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

  #closeSocket(): void {
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
