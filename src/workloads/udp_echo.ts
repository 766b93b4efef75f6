/** A UDP server that sends back what it gets, or a fixed text. */
import { isErrno, type UdpSocket } from '../kernel/socket.ts';
import { utf8 } from '../net/bytes.ts';
import { IPV4_ANY } from '../net/ipv4.ts';
import type { ProcessEnv, Server } from './process.ts';

/** The server. */
export class UdpEcho implements Server {
  readonly #port: number;
  readonly #text: string | null;
  #socket: UdpSocket | null = null;

  constructor(port: number, text: string | null) {
    this.#port = port;
    this.#text = text;
  }

  start(env: ProcessEnv): void {
    const socket = env.sockets.udp({
      local: { address: IPV4_ANY, port: this.#port },
      onMessage: (bytes, from, to) => this.#socket?.send(from, this.#text === null ? bytes : utf8(this.#text), to),
    });
    this.#socket = isErrno(socket) ? null : socket;
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}
