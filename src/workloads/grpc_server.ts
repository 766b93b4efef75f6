/**
 * A gRPC server in the manner of the Python library: unary methods by their path.
 * @see grpc:src/python/grpcio/grpc/_server.py
 */
import type { TcpHandlers, TcpSocket } from '../kernel/socket.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import { type GrpcStatus, grpcFrame, grpcIntroduction, grpcMessage, percentEncode } from './grpc.ts';
import { fieldValue, type Http2Message, Http2Peer } from './http2_peer.ts';
import type { ProcessEnv, Server } from './process.ts';
import { TcpServer } from './tcp_server.ts';

/** A method: the reply's bytes for the request's, or why there is none. */
export type GrpcMethod = (request: Uint8Array) => Uint8Array | GrpcStatus;

/** A server on one port. */
export class GrpcServer implements Server {
  readonly #port: number;
  /** By path: `/cloudcity.DoorManager/GetName`. */
  readonly #methods: ReadonlyMap<string, GrpcMethod>;
  readonly #tcp = new TcpServer();

  constructor(port: number, methods: ReadonlyMap<string, GrpcMethod>) {
    this.#port = port;
    this.#methods = methods;
  }

  start(env: ProcessEnv): void {
    this.#tcp.open(env, this.#port, (socket) => this.#accept(env, socket));
  }

  stop(): void {
    this.#tcp.close();
  }

  #accept(env: ProcessEnv, socket: TcpSocket): TcpHandlers {
    const forget = (): void => this.#tcp.forget(socket);
    const end = (): void => {
      forget();
      socket.close();
    };
    const peer = new Http2Peer(true, grpcIntroduction(true), (bytes) => socket.write(bytes), {
      onMessage: (streamId, message) => this.#answer(env, socket, peer, streamId, message),
    });
    // The server speaks first, as soon as the connection stands.
    env.scheduler.after(0, 'grpc server', () => {
      if (this.#tcp.has(socket)) {
        peer.flush();
      }
    });
    return {
      onData: (_socket, bytes) => {
        if (!peer.receive(bytes)) {
          end();
        }
      },
      onEnd: end,
      onError: forget,
      onClose: forget,
    };
  }

  #answer(env: ProcessEnv, socket: TcpSocket, peer: Http2Peer, streamId: number, message: Http2Message): void {
    const path = fieldValue(message.headers, ':path') ?? '';
    if (env.journey.recording) {
      env.journey.add({
        kind: 'enter',
        actor: 'workload',
        fn: 'grpc.Server',
        where: env.hostname,
        what: `${path} from ${formatIpv4(socket.remote.address)}:${socket.remote.port}, stream ${streamId}`,
      });
    }
    const reply = this.#reply(path, message);
    const headers = [
      [':status', '200'],
      ['content-type', 'application/grpc'],
    ] as const;
    if (reply instanceof Uint8Array) {
      peer.respond(
        streamId,
        [...headers, ['grpc-accept-encoding', 'identity, deflate, gzip'], ['accept-encoding', 'identity, gzip']],
        grpcFrame(reply),
        [['grpc-status', '0']],
      );
      return;
    }
    peer.respond(streamId, [...headers, ['grpc-status', String(reply.code)], ['grpc-message', percentEncode(reply.details)]], null);
  }

  #reply(path: string, message: Http2Message): Uint8Array | GrpcStatus {
    const method = this.#methods.get(path);
    if (method === undefined) {
      return { code: 12, details: 'Method not found!' };
    }
    const request = grpcMessage(message.body);
    return request === null ? { code: 13, details: 'Exception deserializing request!' } : method(request);
  }
}
