/**
 * agnhost, the test image of Kubernetes: `serve-hostname`, `porter` and `netexec` as servers, `connect` as the probe.
 * @see kubernetes:test/images/agnhost/README.md
 */
import { isErrno, type SctpListener, type TcpListener, type UdpSocket } from '../kernel/socket.ts';
import { latin1 } from '../net/bytes.ts';
import { IPV4_ANY } from '../net/ipv4.ts';
import { newEchoServer } from './echo_server.ts';
import type { ProcessEnv, Server } from './process.ts';

/** What of its container agnhost looks at. */
export interface AgnhostSpec {
  /** Sub-command and flags. */
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** The servers of a container; none for `pause` and what is not modelled. */
export function agnhostServers(spec: AgnhostSpec): Server[] {
  const [command = 'pause', ...rest] = spec.args;
  const flag = (name: string, fallback: string): string => flagOf(rest, name) ?? fallback;
  switch (command) {
    case 'serve-hostname': {
      const port = Number(flag('port', '9376'));
      return [
        ...(flag('http', 'true') === 'true' ? [newEchoServer(port, null)] : []),
        ...(flag('tcp', 'false') === 'true' ? [new GreetingServer(port)] : []),
        ...(flag('udp', 'false') === 'true' ? [new UdpServer(port)] : []),
      ];
    }
    case 'porter':
      return porterServers(spec.env);
    case 'netexec': {
      const udp = Number(flag('udp-port', '8081'));
      const sctp = Number(flag('sctp-port', '-1'));
      return [
        newEchoServer(Number(flag('http-port', '8080')), null),
        ...(udp < 0 ? [] : [new UdpServer(udp)]),
        ...(sctp < 0 ? [] : [new SctpServer(sctp)]),
      ];
    }
    default:
      return [];
  }
}

/** `SERVE_PORT_80=text`, `SERVE_SCTP_PORT_80=…`. @see kubernetes:test/images/agnhost/porter/porter.go */
function porterServers(env: ReadonlyMap<string, string>): Server[] {
  return [...env].flatMap(([name, value]) => {
    const match = /^SERVE_(SCTP_)?PORT_(\d+)$/.exec(name);
    if (match === null) {
      return [];
    }
    const port = Number(match[2]);
    return [match[1] === undefined ? newEchoServer(port, value) : new SctpServer(port)];
  });
}

function flagOf(args: readonly string[], name: string): string | null {
  for (const [i, arg] of args.entries()) {
    if (arg === `--${name}`) {
      const next = args[i + 1];
      return next === undefined || next.startsWith('--') ? 'true' : next;
    }
    if (arg.startsWith(`--${name}=`)) {
      return arg.slice(name.length + 3);
    }
  }
  return null;
}

/** Writes the host name to whoever connects, and closes. @see kubernetes:test/images/agnhost/serve-hostname/serve_hostname.go */
class GreetingServer implements Server {
  readonly #port: number;
  #listener: TcpListener | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  start(env: ProcessEnv): void {
    const listener = env.sockets.listen({
      local: { address: IPV4_ANY, port: this.#port },
      onAccept: (socket) => ({
        onConnected: () => {
          socket.write(latin1(`${env.hostname}\n`));
          socket.close();
        },
      }),
    });
    this.#listener = isErrno(listener) ? null : listener;
  }

  stop(): void {
    this.#listener?.close();
    this.#listener = null;
  }
}

/** Answers each datagram with the host name. */
class UdpServer implements Server {
  readonly #port: number;
  #socket: UdpSocket | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  start(env: ProcessEnv): void {
    const socket = env.sockets.udp({
      local: { address: IPV4_ANY, port: this.#port },
      onMessage: (_bytes, from, to) => {
        this.#socket?.send(from, latin1(env.hostname), to);
      },
    });
    this.#socket = isErrno(socket) ? null : socket;
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = null;
  }
}

/** Accepts associations; the peer ends them. */
class SctpServer implements Server {
  readonly #port: number;
  #listener: SctpListener | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  start(env: ProcessEnv): void {
    const listener = env.sockets.sctpListen({ local: { address: IPV4_ANY, port: this.#port }, onAccept: () => ({}) });
    this.#listener = isErrno(listener) ? null : listener;
  }

  stop(): void {
    this.#listener?.close();
    this.#listener = null;
  }
}
