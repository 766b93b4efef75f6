/**
 * A memcached server: the first byte of a connection tells its protocol.
 * @see https://github.com/memcached/memcached/blob/master/memcached.c#try_read_command_negotiate
 */
import type { TcpHandlers, TcpSocket } from '../../kernel/socket.ts';
import { concatBytes, NO_BYTES } from '../../net/bytes.ts';
import type { ProcessEnv, Server } from '../process.ts';
import { TcpServer } from '../tcp_server.ts';
import { answerBinary } from './binary.ts';
import { MemcachedStore } from './store.ts';
import { answerText } from './text.ts';

/** What a protocol makes of bytes: what to answer, how many were read, and whether to hang up. */
export interface Answered {
  readonly answer: Uint8Array;
  /** 0: the request is not whole. */
  readonly used: number;
  readonly quit: boolean;
}

/** The server. */
export class MemcachedServer implements Server {
  readonly #port: number;
  readonly #tcp = new TcpServer();

  constructor(port: number) {
    this.#port = port;
  }

  start(env: ProcessEnv): void {
    const store = new MemcachedStore(env.scheduler.clock);
    this.#tcp.open(env, this.#port, (socket) => this.#accept(store, socket));
  }

  stop(): void {
    this.#tcp.close();
  }

  #accept(store: MemcachedStore, socket: TcpSocket): TcpHandlers {
    let buffered: Uint8Array = NO_BYTES;
    let binary: boolean | null = null;
    const forget = (): void => this.#tcp.forget(socket);
    const close = (): void => {
      forget();
      socket.close();
    };
    return {
      onData: (_socket, bytes) => {
        buffered = buffered.length === 0 ? bytes : concatBytes([buffered, bytes]);
        binary ??= buffered[0] === 0x80;
        for (;;) {
          const { answer, used, quit } = binary ? answerBinary(store, buffered) : answerText(store, buffered);
          buffered = buffered.subarray(used);
          if (answer.length > 0) {
            socket.write(answer);
          }
          if (quit) {
            close();
          }
          if (quit || used === 0) {
            return;
          }
        }
      },
      onEnd: close,
      onError: forget,
      onClose: forget,
    };
  }
}
