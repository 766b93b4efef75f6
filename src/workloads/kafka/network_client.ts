/**
 * The network side of Kafka's Java clients: a connection for each purpose, versions asked first, ids counted over all of them.
 * @see kafka:clients/src/main/java/org/apache/kafka/clients/NetworkClient.java#NetworkClient
 * @remarks Simplified: of the versions that the broker tells nothing is taken; a request whose connection breaks is sent again on the next one.
 */
import { isErrno, type TcpSocket } from '../../kernel/socket.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { MILLISECOND, type Nanos, SECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { ProcessEnv } from '../process.ts';
import { resolve } from '../resolver.ts';
import { API, Frames, framed, Reader, Writer } from './wire.ts';

const FIRST_BACKOFF: Nanos = 50 * MILLISECOND;
const LAST_BACKOFF: Nanos = SECOND;

/** Where a request goes: -1 stands for the broker one begins with, great numbers for coordinators. */
export interface KafkaNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** A request. */
export interface ClientRequest {
  readonly kind: number;
  readonly version: number;
  readonly body: Writer;
  readonly done: (answer: Reader) => void;
  /** Its correlation id, where it was drawn before. */
  readonly id?: number;
}

interface Sent extends ClientRequest {
  readonly id: number;
}

interface NodeConnection {
  readonly node: KafkaNode;
  socket: TcpSocket | null;
  ready: boolean;
  backoff: Nanos;
  /** Not answered yet, in order. */
  readonly waiting: Sent[];
  /** Called once, when it can be used. */
  readonly onReady: (() => void)[];
}

/** What the client's owner hears. */
export interface ClientEvents {
  /** A line for the log. */
  warn(text: string, logger: string): void;
  /** The name of the first broker means nothing. */
  unresolved(): void;
}

/** The client. */
export class NetworkClient {
  readonly #env: ProcessEnv;
  readonly #clientId: string;
  readonly #events: ClientEvents;
  readonly #connections = new Map<number, NodeConnection>();
  readonly #timers = new Set<Timer>();
  #nextId = 0;
  #closed = false;

  constructor(env: ProcessEnv, clientId: string, events: ClientEvents) {
    this.#env = env;
    this.#clientId = clientId;
    this.#events = events;
  }

  /** The id of the next request. */
  newId(): number {
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  /** Sends a request once the connection stands. */
  send(node: KafkaNode, request: ClientRequest): void {
    const connection = this.#connection(node);
    const sent = { ...request, id: request.id ?? this.newId() };
    connection.waiting.push(sent);
    if (connection.ready) {
      this.#write(connection, sent);
    }
  }

  /** Calls back once the connection can be used. */
  whenReady(node: KafkaNode, callback: () => void): void {
    const connection = this.#connection(node);
    if (connection.ready) {
      callback();
    } else {
      connection.onReady.push(callback);
    }
  }

  /** Calls back later, unless the client is closed by then. */
  after(delay: Nanos, callback: () => void, label = 'kafka client'): void {
    const timer = this.#env.scheduler.after(delay, label, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }

  close(): void {
    this.#closed = true;
    for (const { socket } of this.#connections.values()) {
      socket?.close();
    }
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#connections.clear();
  }

  #connection(node: KafkaNode): NodeConnection {
    let connection = this.#connections.get(node.id);
    if (connection === undefined) {
      connection = { node, socket: null, ready: false, backoff: FIRST_BACKOFF, waiting: [], onReady: [] };
      this.#connections.set(node.id, connection);
      this.#open(connection);
    }
    return connection;
  }

  #open(connection: NodeConnection): void {
    resolve(this.#env, connection.node.host, (result) => {
      if (this.#closed) {
        return;
      }
      if (!result.ok) {
        this.#events.unresolved();
        return;
      }
      this.#connect(connection, result.addresses[0] as Ipv4);
    });
  }

  #connect(connection: NodeConnection, address: Ipv4): void {
    const frames = new Frames();
    const lost = (): void => this.#lost(connection);
    const socket = this.#env.sockets.connect({
      remote: { address, port: connection.node.port },
      handlers: {
        onConnected: () => this.#connected(connection),
        onData: (_socket, bytes) => {
          for (const message of frames.push(bytes)) {
            this.#onMessage(connection, new Reader(message));
          }
        },
        onEnd: (one) => {
          one.close();
          lost();
        },
        onError: lost,
      },
    });
    if (isErrno(socket)) {
      lost();
    } else {
      connection.socket = socket;
    }
  }

  /** Asks for versions before anything else. */
  #connected(connection: NodeConnection): void {
    connection.backoff = FIRST_BACKOFF;
    const ready = (): void => {
      connection.ready = true;
      for (const request of [...connection.waiting]) {
        this.#write(connection, request);
      }
      for (const callback of connection.onReady.splice(0)) {
        callback();
      }
    };
    const versions = { kind: API.API_VERSIONS, version: 1, body: new Writer(), done: ready, id: this.newId() };
    connection.waiting.unshift(versions);
    this.#write(connection, versions);
  }

  #write({ socket }: NodeConnection, { kind, version, id, body }: Sent): void {
    const head = new Writer().int16(kind).int16(version).int32(id).string(this.#clientId);
    socket?.write(framed(head.raw(body.bytes).bytes));
  }

  #onMessage(connection: NodeConnection, answer: Reader): void {
    const id = answer.int32();
    const at = connection.waiting.findIndex((request) => request.id === id);
    const [request] = at < 0 ? [] : connection.waiting.splice(at, 1);
    if (!this.#closed) {
      request?.done(answer);
    }
  }

  #lost(connection: NodeConnection): void {
    if (this.#closed) {
      return;
    }
    if (!connection.ready) {
      const text = `Connection to node ${connection.node.id} could not be established. Broker may not be available.`;
      this.#events.warn(text, 'org.apache.kafka.clients.NetworkClient');
    }
    connection.ready = false;
    connection.socket = null;
    const versions = connection.waiting.findIndex(({ kind }) => kind === API.API_VERSIONS);
    if (versions >= 0) {
      connection.waiting.splice(versions, 1);
    }
    this.after(connection.backoff, () => this.#open(connection));
    connection.backoff = Math.min(2 * connection.backoff, LAST_BACKOFF);
  }
}
