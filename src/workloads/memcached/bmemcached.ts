/**
 * The client of python-binary-memcached: one request at a time on a connection that is kept.
 * @see https://github.com/jaysonsantos/python-binary-memcached/blob/master/bmemcached/protocol.py
 */
import { isErrno, type TcpSocket } from '../../kernel/socket.ts';
import { concatBytes, fromLatin1, fromUtf8, latin1, NO_BYTES, utf8 } from '../../net/bytes.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { ProcessEnv } from '../process.ts';
import { resolve } from '../resolver.ts';
import { type BinaryMessage, decodeBinary, encodeBinary, number32, OP, STATUS } from './binary.ts';

const SOCKET_TIMEOUT = 3 * SECOND;
/** Flags of values that are text: none. @see https://github.com/jaysonsantos/python-binary-memcached/blob/master/bmemcached/protocol.py (FLAGS) */
const FLAGS_TEXT = 0;

/** What a call gives, or what it raises. */
export type CallResult = { readonly value: string | boolean | null } | { readonly exception: string };

/** The client. */
export class BmemcachedClient {
  readonly #env: ProcessEnv;
  readonly #host: string;
  readonly #port: number;
  #socket: TcpSocket | null = null;
  #received: Uint8Array = NO_BYTES;
  #timer: Timer | null = null;
  #waiting: ((answer: BinaryMessage | null) => void) | null = null;

  constructor(env: ProcessEnv, host: string, port: number) {
    this.#env = env;
    this.#host = host;
    this.#port = port;
  }

  get(key: string, done: (result: CallResult) => void): void {
    this.#ask({ opcode: OP.GET, key, extras: NO_BYTES, value: '' }, (answer) => {
      if (answer === null || answer.status === STATUS.NOT_FOUND) {
        done({ value: null });
      } else {
        done(answer.status === STATUS.OK ? { value: fromUtf8(latin1(answer.value)) } : raised(answer));
      }
    });
  }

  /** @see https://github.com/jaysonsantos/python-binary-memcached/blob/master/bmemcached/protocol.py (_set_add_replace) */
  store(command: 'set' | 'add' | 'replace', key: string, value: string, time: number, done: (result: CallResult) => void): void {
    const opcode = command === 'set' ? OP.SET : command === 'add' ? OP.ADD : OP.REPLACE;
    const extras = concatBytes([number32(FLAGS_TEXT), number32(time)]);
    this.#ask({ opcode, key, extras, value: fromLatin1(utf8(value)) }, (answer) => {
      const known = answer === null || answer.status === STATUS.OK || answer.status === STATUS.NOT_FOUND || answer.status === STATUS.EXISTS;
      done(known ? { value: answer?.status === STATUS.OK } : raised(answer));
    });
  }

  delete(key: string, done: (result: CallResult) => void): void {
    this.#ask({ opcode: OP.DELETE, key, extras: NO_BYTES, value: '' }, (answer) => {
      const known = answer === null || answer.status === STATUS.OK || answer.status === STATUS.NOT_FOUND;
      done(known ? { value: answer?.status !== undefined && answer.status !== STATUS.NOT_FOUND } : raised(answer));
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#socket?.close();
    this.#socket = null;
    this.#waiting = null;
  }

  /** `null`: there is no server that answers; the client takes that for an empty answer. */
  #ask(request: Omit<BinaryMessage, 'magic' | 'status'>, done: (answer: BinaryMessage | null) => void): void {
    const bytes = encodeBinary({ ...request, magic: 0x80, status: 0 });
    this.#waiting = (answer) => {
      this.#timer?.cancel();
      this.#waiting = null;
      done(answer);
    };
    this.#timer = this.#env.scheduler.after(SOCKET_TIMEOUT, 'bmemcached', () => this.#broken());
    if (this.#socket === null) {
      this.#open(() => this.#socket?.write(bytes));
    } else {
      this.#socket.write(bytes);
    }
  }

  #open(connected: () => void): void {
    resolve(this.#env, this.#host, (result) => {
      if (!result.ok || this.#waiting === null) {
        this.#broken();
        return;
      }
      this.#received = NO_BYTES;
      const socket = this.#env.sockets.connect({
        remote: { address: result.addresses[0] as Ipv4, port: this.#port },
        handlers: {
          onConnected: connected,
          onData: (_socket, bytes) => this.#onData(bytes),
          onEnd: () => this.#broken(),
          onError: () => this.#broken(),
        },
      });
      if (isErrno(socket)) {
        this.#broken();
      } else {
        this.#socket = socket;
      }
    });
  }

  #onData(bytes: Uint8Array): void {
    this.#received = concatBytes([this.#received, bytes]);
    const first = decodeBinary(this.#received);
    if (first !== null) {
      this.#received = this.#received.subarray(first.length);
      this.#waiting?.(first.message);
    }
  }

  #broken(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#waiting?.(null);
  }
}

function raised(answer: BinaryMessage | null): CallResult {
  const { status = 0, value = '' } = answer ?? {};
  return { exception: `bmemcached.exceptions.MemcachedException: ("Code: ${status} Message: b'${value}'", ${status})` };
}
