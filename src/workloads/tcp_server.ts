/** What servers over TCP share: a listener on all addresses, and the connections that end with the process. */
import { isErrno, type TcpHandlers, type TcpListener, type TcpSocket } from '../kernel/socket.ts';
import { IPV4_ANY } from '../net/ipv4.ts';
import type { ProcessEnv } from './process.ts';

/** A listener with its connections. */
export class TcpServer {
  #listener: TcpListener | null = null;
  readonly #connections = new Set<TcpSocket>();

  /** Listens; a port that is taken leaves it closed. */
  open(env: ProcessEnv, port: number, accept: (socket: TcpSocket) => TcpHandlers): void {
    const onAccept = (socket: TcpSocket): TcpHandlers => {
      this.#connections.add(socket);
      return accept(socket);
    };
    const listener = env.sockets.listen({ local: { address: IPV4_ANY, port }, onAccept });
    this.#listener = isErrno(listener) ? null : listener;
  }

  /** Whether a connection is still there. */
  has(socket: TcpSocket): boolean {
    return this.#connections.has(socket);
  }

  /** A connection has ended. */
  forget(socket: TcpSocket): void {
    this.#connections.delete(socket);
  }

  /** The process ends: its connections are reset. */
  close(): void {
    this.#listener?.close();
    this.#listener = null;
    for (const socket of this.#connections) {
      socket.abort();
    }
    this.#connections.clear();
  }
}
