/**
 * `nc host port`: sends its standard input, and prints what comes until the other side ends.
 * @see busybox:networking/nc.c#nc_main
 */
import { isErrno, type SocketErrno, type TcpSocket } from '../kernel/socket.ts';
import { concatBytes, fromUtf8, utf8 } from '../net/bytes.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { SECOND } from '../sim/clock.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from './process.ts';
import { resolve } from './resolver.ts';

const ERRNO_TEXTS: Readonly<Partial<Record<SocketErrno, string>>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Operation timed out',
  EHOSTUNREACH: 'Host is unreachable',
  ENETUNREACH: 'Network unreachable',
};

/** Runs it. */
export function nc(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const positional: string[] = [];
  let wait: number | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '-w') {
      i += 1;
      wait = Number(args[i] ?? 0);
    } else if (!arg.startsWith('-')) {
      positional.push(arg);
    }
  }
  const [host = '', port = ''] = positional;
  return new Netcat(env, host, Number(port), wait, done);
}

class Netcat implements RunningProcess {
  readonly #env: ProcessEnv;
  readonly #port: number;
  readonly #received: Uint8Array[] = [];
  #done: ((result: ProcessResult) => void) | null;
  #socket: TcpSocket | null = null;

  constructor(env: ProcessEnv, host: string, port: number, wait: number | null, done: (result: ProcessResult) => void) {
    this.#env = env;
    this.#port = port;
    this.#done = done;
    if (!(port > 0)) {
      env.scheduler.after(0, 'process', () => this.#finish(1, 'Usage: nc [OPTIONS] HOST PORT\n'));
      return;
    }
    if (wait !== null) {
      env.scheduler.after(wait * SECOND, 'idle:nc', () => this.#finish(1, 'nc: timed out\n'));
    }
    resolve(env, host, (result) =>
      result.ok ? this.#connect(result.addresses[0] as Ipv4) : this.#finish(1, `nc: bad address '${host}'\n`),
    );
  }

  kill(): void {
    this.#done = null;
    this.#socket?.close();
  }

  printed(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: fromUtf8(concatBytes([new Uint8Array(), ...this.#received])), stderr: '' };
  }

  #finish(exitCode: number, stderr = ''): void {
    const done = this.#done;
    const { stdout } = this.printed();
    this.kill();
    done?.({ exitCode, stdout, stderr });
  }

  #connect(address: Ipv4): void {
    const failed = (errno: SocketErrno): void =>
      this.#finish(1, `nc: can't connect to remote host (${formatIpv4(address)}): ${ERRNO_TEXTS[errno] ?? errno}\n`);
    let connected = false;
    const socket = this.#env.sockets.connect({
      remote: { address, port: this.#port },
      handlers: {
        onConnected: (one) => {
          connected = true;
          one.write(utf8(this.#env.stdin ?? ''));
          one.end();
        },
        onData: (_socket, bytes) => void this.#received.push(bytes),
        onEnd: () => this.#finish(0),
        onError: (_socket, errno) => (connected ? this.#finish(1, 'nc: read: Connection reset by peer\n') : failed(errno)),
      },
    });
    if (isErrno(socket)) {
      failed(socket);
    } else {
      this.#socket = socket;
    }
  }
}
