/**
 * `agnhost connect HOST:PORT [--protocol=tcp|udp|sctp] [--timeout=1s]`: one connection attempt, told by exit code and one word on stderr.
 * @see kubernetes:test/images/agnhost/connect/connect.go
 */
import { isErrno, type SocketAddress, type SocketErrno } from '../kernel/socket.ts';
import { latin1 } from '../net/bytes.ts';
import { IPV4_ANY, type Ipv4 } from '../net/ipv4.ts';
import { MILLISECOND, type Nanos, SECOND } from '../sim/clock.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from './process.ts';
import { resolve } from './resolver.ts';

/** Go's durations as far as anybody writes them here. */
const UNITS: Readonly<Record<string, Nanos>> = { ms: MILLISECOND, s: SECOND, m: 60 * SECOND };

/** Runs the command; `argv` starts after `connect`. */
export function agnhostConnect(env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const target = argv.find((word) => !word.startsWith('-')) ?? '';
  const option = (name: string): string | undefined => argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const colon = target.lastIndexOf(':');
  const timeout = duration(option('timeout') ?? '0');
  const attempt = new Attempt(env, done);
  const cancel = resolve(env, target.slice(0, Math.max(0, colon)), (found) => {
    if (found.ok) {
      attempt.start(option('protocol') ?? 'tcp', { address: found.addresses[0] as Ipv4, port: Number(target.slice(colon + 1)) }, timeout);
    } else {
      attempt.finish(`DNS: ${found.error}`);
    }
  });
  return {
    kill: () => {
      cancel();
      attempt.kill();
    },
  };
}

/** `1s`, `500ms`; 0 waits for as long as the kernel does. */
function duration(text: string): Nanos {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  return match === null ? 0 : Number(match[1]) * (UNITS[match[2] as string] as Nanos);
}

class Attempt {
  readonly #env: ProcessEnv;
  readonly #done: (result: ProcessResult) => void;
  #release: () => void = () => undefined;
  #cancelTimeout: () => void = () => undefined;
  #over = false;

  constructor(env: ProcessEnv, done: (result: ProcessResult) => void) {
    this.#env = env;
    this.#done = done;
  }

  start(protocol: string, remote: SocketAddress, timeout: Nanos): void {
    if (timeout > 0) {
      const timer = this.#env.scheduler.after(timeout, 'agnhost connect time-out', () => this.finish('TIMEOUT'));
      this.#cancelTimeout = () => timer.cancel();
    }
    switch (protocol) {
      case 'tcp':
        this.#tcp(remote);
        break;
      case 'udp':
        this.#udp(remote);
        break;
      case 'sctp':
        this.#sctp(remote);
        break;
      default:
        this.finish(`OTHER: unknown protocol ${protocol}`);
    }
  }

  /** Ends the attempt; an error other than `null` is printed. */
  finish(error: string | null): void {
    if (this.#over) {
      return;
    }
    this.kill();
    this.#done({ exitCode: error === null ? 0 : 1, stdout: '', stderr: error === null ? '' : `${error}\n` });
  }

  kill(): void {
    this.#over = true;
    this.#cancelTimeout();
    this.#release();
  }

  #tcp(remote: SocketAddress): void {
    const socket = this.#env.sockets.connect({
      remote,
      handlers: { onConnected: () => this.finish(null), onError: (_socket, errno) => this.finish(textOf(errno)) },
    });
    if (isErrno(socket)) {
      this.finish(textOf(socket));
    } else {
      this.#release = () => socket.close();
    }
  }

  #udp(remote: SocketAddress): void {
    const socket = this.#env.sockets.udp({
      local: { address: IPV4_ANY, port: 0 },
      remote,
      onMessage: (bytes) => this.finish(bytes.length > 0 ? null : 'OTHER: empty answer'),
      onError: (errno) => this.finish(textOf(errno)),
    });
    if (isErrno(socket)) {
      this.finish(textOf(socket));
    } else {
      this.#release = () => socket.close();
      socket.send(remote, latin1('hostname\n'));
    }
  }

  #sctp(remote: SocketAddress): void {
    const association = this.#env.sockets.sctpConnect({
      remote,
      handlers: { onConnected: () => this.finish(null), onError: (_association, errno) => this.finish(textOf(errno)) },
    });
    if (isErrno(association)) {
      this.finish(textOf(association));
    } else {
      this.#release = () => association.close();
    }
  }
}

function textOf(errno: SocketErrno): string {
  return errno === 'ECONNREFUSED' ? 'REFUSED' : errno === 'ETIMEDOUT' ? 'TIMEOUT' : `OTHER: ${errno}`;
}
