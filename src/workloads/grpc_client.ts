/**
 * One unary call of a gRPC client: a channel, a stream, and the status it ends with.
 * @see grpc:src/python/grpcio/grpc/_channel.py#_UnaryUnaryMultiCallable
 * @remarks Simplified: one address, one attempt (a real channel tries again later for other calls); no keepalive and bandwidth-probing PINGs.
 */
import { isErrno, type SocketErrno, type TcpSocket } from '../kernel/socket.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { SECOND } from '../sim/clock.ts';
import type { Timer } from '../sim/scheduler.ts';
import { type GrpcStatus, grpcFrame, grpcIntroduction, grpcMessage, percentDecode, statusOfHttp } from './grpc.ts';
import { fieldValue, type Http2Message, Http2Peer } from './http2_peer.ts';
import type { ProcessEnv } from './process.ts';
import { resolve } from './resolver.ts';

/** A connection attempt ends after this. @see grpc:src/core/lib/transport/connectivity (GRPC_ARG_MIN_RECONNECT_BACKOFF_MS) */
const CONNECT_TIMEOUT = 20 * SECOND;

/** How the library names itself. */
const USER_AGENT = 'grpc-python/1.46.3 grpc-c/24.0.0 (linux; chttp2)';

/** A call. */
export interface GrpcCall {
  /** `cc-door-server:50051` */
  readonly target: string;
  /** `/cloudcity.DoorManager/GetName` */
  readonly path: string;
  readonly message: Uint8Array;
  /** Seconds, or `null`: as long as it takes. */
  readonly timeout: number | null;
}

/** What came of it; `peer` is whom the status came from, empty if nobody answered. */
export interface GrpcResult extends GrpcStatus {
  readonly message: Uint8Array | null;
  readonly peer: string;
}

const SYSTEM_ERRORS: Partial<Record<SocketErrno, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ECONNRESET: 'Connection reset by peer',
};

/** Makes a call; returns what gives it up. */
export function grpcCall(env: ProcessEnv, call: GrpcCall, done: (result: GrpcResult) => void): () => void {
  const attempt = new Attempt(env, call, done);
  attempt.start();
  return () => attempt.abandon();
}

class Attempt {
  readonly #env: ProcessEnv;
  readonly #call: GrpcCall;
  readonly #done: (result: GrpcResult) => void;
  #timers: Timer[] = [];
  #cancelResolve: () => void = () => undefined;
  #socket: TcpSocket | null = null;
  #peer: Http2Peer | null = null;
  #address = '';
  #connected = false;
  #over = false;

  constructor(env: ProcessEnv, call: GrpcCall, done: (result: GrpcResult) => void) {
    this.#env = env;
    this.#call = call;
    this.#done = done;
  }

  start(): void {
    const { target, timeout } = this.#call;
    const colon = target.lastIndexOf(':');
    const host = colon < 0 ? target : target.slice(0, colon);
    const port = colon < 0 ? 443 : Number(target.slice(colon + 1));
    if (timeout !== null) {
      this.#after(timeout * SECOND, () => this.#finish({ code: 4, details: 'Deadline Exceeded' }));
    }
    this.#cancelResolve = resolve(this.#env, host, (result) => {
      if (result.ok) {
        this.#connect(result.addresses[0] as Ipv4, port);
      } else {
        const why = `C-ares status is not ARES_SUCCESS qtype=A name=${host} is_balancer=0: Domain name not found`;
        this.#finish({ code: 14, details: `DNS resolution failed for ${target}: ${why}` });
      }
    });
  }

  abandon(): void {
    this.#over = true;
    this.#release();
  }

  #connect(address: Ipv4, port: number): void {
    this.#address = `ipv4:${formatIpv4(address)}:${port}`;
    this.#after(CONNECT_TIMEOUT, () => {
      if (!this.#connected) {
        this.#fail('failed to connect to all addresses');
      }
    });
    const socket = this.#env.sockets.connect({
      remote: { address, port },
      handlers: {
        onConnected: (one) => this.#onConnected(one),
        onData: (_socket, bytes) => {
          if (this.#peer?.receive(bytes) === false) {
            this.#fail('Trying to connect an http1.x server');
          }
        },
        onEnd: () => this.#fail('Socket closed'),
        onError: (_socket, errno) => this.#onError(errno),
      },
    });
    if (isErrno(socket)) {
      this.#after(0, () => this.#onError(socket));
    } else {
      this.#socket = socket;
    }
  }

  #onConnected(socket: TcpSocket): void {
    this.#connected = true;
    const { target, path, message } = this.#call;
    if (this.#env.journey.recording) {
      this.#env.journey.add({ kind: 'enter', actor: 'workload', fn: 'grpc.Channel', where: this.#env.hostname, what: `${target} ${path}` });
    }
    const peer = new Http2Peer(false, grpcIntroduction(false), (bytes) => socket.write(bytes), {
      onMessage: (_stream, answer) => this.#onAnswer(answer),
      onReset: (_stream, code) => this.#fail(`Received RST_STREAM with error code ${code}`),
    });
    this.#peer = peer;
    peer.request(
      [
        [':scheme', 'http'],
        [':method', 'POST'],
        [':authority', target],
        [':path', path],
        ['te', 'trailers'],
        ['content-type', 'application/grpc'],
        ['user-agent', USER_AGENT],
        ['grpc-accept-encoding', 'identity, deflate, gzip'],
        ['accept-encoding', 'identity, gzip'],
      ],
      grpcFrame(message),
    );
  }

  /** @see https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
  #onAnswer(answer: Http2Message): void {
    const from = answer.trailers.length > 0 ? answer.trailers : answer.headers;
    const status = fieldValue(from, 'grpc-status');
    const http = Number(fieldValue(answer.headers, ':status'));
    if (status === null) {
      const code = http === 200 ? 2 : statusOfHttp(http);
      this.#finish({ code, details: http === 200 ? 'Stream removed' : `Received http2 header with status: ${http}` });
      return;
    }
    const code = /^[0-9]+$/.test(status) ? Number(status) : 2;
    const message = code === 0 ? grpcMessage(answer.body) : null;
    if (code === 0 && message === null) {
      this.#finish({ code: 13, details: 'Exception deserializing response!' });
      return;
    }
    this.#finish({ code, details: percentDecode(fieldValue(from, 'grpc-message') ?? '') }, message);
  }

  #onError(errno: SocketErrno): void {
    this.#fail(this.#connected ? (SYSTEM_ERRORS[errno] ?? errno) : 'failed to connect to all addresses');
  }

  #fail(details: string): void {
    this.#finish({ code: 14, details });
  }

  #finish(status: GrpcStatus, message: Uint8Array | null = null): void {
    if (!this.#over) {
      this.#over = true;
      this.#release();
      this.#done({ ...status, message, peer: this.#connected ? this.#address : '' });
    }
  }

  #release(): void {
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#cancelResolve();
    this.#socket?.close();
  }

  #after(nanos: number, callback: () => void): void {
    this.#timers.push(this.#env.scheduler.after(nanos, 'grpc client', callback));
  }
}
