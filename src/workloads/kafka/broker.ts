/**
 * A Kafka broker alone in its cluster: topics of one partition in memory, consumer groups of one member each.
 * @see https://kafka.apache.org/protocol
 * @remarks Simplified: no replication, no ZooKeeper (a real broker waits for one), no retention; versions of requests are those its clients use.
 */
import type { TcpHandlers, TcpSocket } from '../../kernel/socket.ts';
import { concatBytes, NO_BYTES } from '../../net/bytes.ts';
import { MILLISECOND } from '../../sim/clock.ts';
import type { ProcessEnv, Server } from '../process.ts';
import { TcpServer } from '../tcp_server.ts';
import { atOffset } from './record_batch.ts';
import { API, Frames, framed, Reader, Writer } from './wire.ts';

/** Requests it knows with the versions it takes. */
const VERSIONS: readonly (readonly [number, number, number])[] = [
  [API.PRODUCE, 3, 3],
  [API.FETCH, 5, 5],
  [API.LIST_OFFSETS, 2, 2],
  [API.METADATA, 4, 4],
  [API.OFFSET_COMMIT, 3, 3],
  [API.OFFSET_FETCH, 3, 3],
  [API.FIND_COORDINATOR, 1, 1],
  [API.JOIN_GROUP, 2, 2],
  [API.HEARTBEAT, 1, 1],
  [API.LEAVE_GROUP, 1, 1],
  [API.SYNC_GROUP, 1, 1],
  [API.API_VERSIONS, 1, 1],
];

const NODE_ID = 1;
const UNKNOWN_TOPIC = 3;
const LEADER_NOT_AVAILABLE = 5;
const UNSUPPORTED_VERSION = 35;

/** What a broker is told. */
export interface BrokerSpec {
  readonly port: number;
  /** The name clients are sent to; `null`: the pod's own. */
  readonly advertisedHost: string | null;
  readonly topics: readonly string[];
}

/** A fetch that waits for records. */
interface Waiting {
  readonly ready: () => boolean;
  readonly answer: () => void;
}

/** Answers a request; it may do so later. */
type Handler = (request: Reader, answer: (body: Writer) => void, env: ProcessEnv) => void;

/** The broker. */
export class KafkaBroker implements Server {
  readonly #spec: BrokerSpec;
  readonly #topics = new Map<string, Uint8Array[]>();
  /** Committed offsets by group, topic and partition. */
  readonly #offsets = new Map<string, number>();
  readonly #tcp = new TcpServer();
  readonly #handlers: ReadonlyMap<number, Handler>;
  #waiting: Waiting[] = [];
  #members = 0;

  constructor(spec: BrokerSpec) {
    this.#spec = spec;
    for (const topic of spec.topics) {
      this.#topics.set(topic, []);
    }
    this.#handlers = new Map<number, Handler>([
      [API.API_VERSIONS, (_request, answer) => answer(versionsAnswer())],
      [API.METADATA, (request, answer, env) => answer(this.#metadata(request, env))],
      [API.PRODUCE, (request, answer) => this.#produce(request, answer)],
      [API.FETCH, (request, answer, env) => this.#fetchRecords(request, answer, env)],
      [API.LIST_OFFSETS, (request, answer) => answer(this.#listOffsets(request))],
      [API.FIND_COORDINATOR, (_request, answer, env) => answer(this.#coordinator(env))],
      [API.JOIN_GROUP, (request, answer) => answer(this.#join(request))],
      [API.SYNC_GROUP, (request, answer) => answer(syncGroup(request))],
      [API.HEARTBEAT, (_request, answer) => answer(new Writer().int32(0).int16(0))],
      [API.LEAVE_GROUP, (_request, answer) => answer(new Writer().int32(0).int16(0))],
      [API.OFFSET_FETCH, (request, answer) => answer(this.#offsetFetch(request))],
      [API.OFFSET_COMMIT, (request, answer) => answer(this.#offsetCommit(request))],
    ]);
  }

  start(env: ProcessEnv): void {
    this.#tcp.open(env, this.#spec.port, (socket) => this.#accept(env, socket));
  }

  stop(): void {
    this.#tcp.close();
    this.#waiting = [];
  }

  /** Requests of a connection are answered one after the other. */
  #accept(env: ProcessEnv, socket: TcpSocket): TcpHandlers {
    const frames = new Frames();
    const queue: Uint8Array[] = [];
    let busy = false;
    const forget = (): void => this.#tcp.forget(socket);
    const close = (): void => {
      forget();
      socket.close();
    };
    const next = (): void => {
      const message = busy ? undefined : queue.shift();
      if (message !== undefined) {
        busy = true;
        const known = this.#handle(message, env, (answer) => {
          busy = false;
          if (answer !== null) {
            socket.write(framed(answer));
          }
          next();
        });
        if (!known) {
          close();
        }
      }
    };
    return {
      onData: (_socket, bytes) => {
        queue.push(...frames.push(bytes));
        next();
      },
      onEnd: close,
      onError: forget,
      onClose: forget,
    };
  }

  /** Whether it was a request one can answer; otherwise the connection is closed. */
  #handle(message: Uint8Array, env: ProcessEnv, done: (answer: Uint8Array | null) => void): boolean {
    const request = new Reader(message);
    const kind = request.int16();
    const version = request.int16();
    const correlation = request.int32();
    request.string();
    if (request.short) {
      return false;
    }
    const supported = VERSIONS.some(([key, min, max]) => key === kind && version >= min && version <= max);
    const answer = (body: Writer): void => done(new Writer().int32(correlation).raw(body.bytes).bytes);
    if (!supported) {
      if (kind === API.API_VERSIONS) {
        answer(new Writer().int16(UNSUPPORTED_VERSION).int32(0));
      }
      return kind === API.API_VERSIONS;
    }
    if (env.journey.recording) {
      record(env, kind, version);
    }
    this.#handlers.get(kind)?.(request, (body) => (body === NO_ANSWER ? done(null) : answer(body)), env);
    return true;
  }

  /** Topics nobody knows are made, and have a leader the next time. */
  #metadata(request: Reader, env: ProcessEnv): Writer {
    const asked = request.array(() => request.string());
    const create = request.int8() !== 0;
    const names = asked.length === 0 ? [...this.#topics.keys()] : asked;
    const answer = new Writer().int32(0);
    answer.array([this.#host(env)], (host) => answer.int32(NODE_ID).string(host).int32(this.#spec.port).string(null));
    answer.string('kafka-cluster').int32(NODE_ID);
    return answer.array(names, (name) => {
      const known = this.#topics.has(name);
      if (!known && create) {
        this.#topics.set(name, []);
      }
      answer
        .int16(known ? 0 : create ? LEADER_NOT_AVAILABLE : UNKNOWN_TOPIC)
        .string(name)
        .int8(0);
      answer.array(known ? [0] : [], (partition) => {
        answer.int16(0).int32(partition).int32(NODE_ID);
        answer.array([NODE_ID], (id) => answer.int32(id)).array([NODE_ID], (id) => answer.int32(id));
      });
    });
  }

  #host(env: ProcessEnv): string {
    return this.#spec.advertisedHost ?? env.hostname;
  }

  #produce(request: Reader, done: (body: Writer) => void): void {
    request.string();
    const acks = request.int16();
    request.int32();
    const answer = new Writer();
    const topics = readTopics(request, () => ({ partition: request.int32(), records: request.blob() }));
    answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, ({ partition, records }) => {
        const log = partition === 0 ? this.#topics.get(name) : undefined;
        const offset = log === undefined ? -1 : log.push(atOffset(records, log.length)) - 1;
        answer
          .int32(partition)
          .int16(log === undefined ? UNKNOWN_TOPIC : 0)
          .int64(offset)
          .int64(-1);
      });
    });
    done(acks === 0 ? NO_ANSWER : answer.int32(0));
    this.#wake();
  }

  /** Waits for a record if there is none. */
  #fetchRecords(request: Reader, done: (body: Writer) => void, env: ProcessEnv): void {
    request.int32();
    const wait = request.int32();
    request.int32();
    request.int32();
    request.int8();
    const topics = readTopics(request, () => {
      const partition = request.int32();
      const offset = request.int64();
      request.int64();
      request.int32();
      return { partition, offset };
    });
    let open = true;
    const answer = (): void => {
      if (open) {
        open = false;
        done(this.#fetched(topics));
      }
    };
    const ready = (): boolean =>
      topics.some(({ name, partitions }) =>
        partitions.some(({ offset }) => (this.#topics.get(name)?.length ?? Number.POSITIVE_INFINITY) > offset),
      );
    if (ready()) {
      answer();
      return;
    }
    this.#waiting.push({ ready, answer });
    env.scheduler.after(wait * MILLISECOND, 'periodic:kafka fetch', answer);
  }

  #fetched(topics: readonly Topic<{ readonly partition: number; readonly offset: number }>[]): Writer {
    const answer = new Writer().int32(0);
    return answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, ({ partition, offset }) => {
        const log = this.#topics.get(name);
        const end = log?.length ?? 0;
        const records = concatBytes([NO_BYTES, ...(log?.slice(offset) ?? [])]);
        answer
          .int32(partition)
          .int16(log === undefined ? UNKNOWN_TOPIC : 0)
          .int64(end)
          .int64(end)
          .int64(0)
          .int32(-1)
          .blob(records);
      });
    });
  }

  #wake(): void {
    const ready = this.#waiting.filter((one) => one.ready());
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one));
    for (const one of ready) {
      one.answer();
    }
  }

  /** -2 asks for the earliest offset, -1 for the next one. */
  #listOffsets(request: Reader): Writer {
    request.int32();
    request.int8();
    const topics = readTopics(request, () => ({ partition: request.int32(), time: request.int64() }));
    const answer = new Writer().int32(0);
    return answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, ({ partition, time }) => {
        const end = this.#topics.get(name)?.length ?? 0;
        answer
          .int32(partition)
          .int16(this.#topics.has(name) ? 0 : UNKNOWN_TOPIC)
          .int64(-1)
          .int64(time === -2 ? 0 : end);
      });
    });
  }

  #coordinator(env: ProcessEnv): Writer {
    return new Writer().int32(0).int16(0).string(null).int32(NODE_ID).string(this.#host(env)).int32(this.#spec.port);
  }

  /** Every member is the leader of a group of its own. */
  #join(request: Reader): Writer {
    request.string();
    request.int32();
    request.int32();
    const known = request.string();
    request.string();
    const protocols = request.array(() => ({ name: request.string(), metadata: request.blob() }));
    this.#members += 1;
    const member = known === '' ? `consumer-1-${String(this.#members).padStart(8, '0')}` : known;
    const [protocol] = protocols;
    const answer = new Writer()
      .int32(0)
      .int16(0)
      .int32(1)
      .string(protocol?.name ?? '')
      .string(member)
      .string(member);
    return answer.array([member], (id) => answer.string(id).blob(protocol?.metadata ?? NO_BYTES));
  }

  #offsetFetch(request: Reader): Writer {
    const group = request.string();
    const topics = readTopics(request, () => request.int32());
    const answer = new Writer().int32(0);
    answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, (partition) => {
        answer
          .int32(partition)
          .int64(this.#offsets.get(`${group} ${name} ${partition}`) ?? -1)
          .string('')
          .int16(0);
      });
    });
    return answer.int16(0);
  }

  #offsetCommit(request: Reader): Writer {
    const group = request.string();
    request.int32();
    request.string();
    request.int64();
    const topics = readTopics(request, () => {
      const partition = request.int32();
      const offset = request.int64();
      request.string();
      return { partition, offset };
    });
    const answer = new Writer().int32(0);
    return answer.array(topics, ({ name, partitions }) => {
      answer.string(name).array(partitions, ({ partition, offset }) => {
        this.#offsets.set(`${group} ${name} ${partition}`, offset);
        answer.int32(partition).int16(0);
      });
    });
  }
}

/** What a producer that wants no answer gets. */
const NO_ANSWER = new Writer();

/** A topic of a request with its partitions. */
interface Topic<T> {
  readonly name: string;
  readonly partitions: readonly T[];
}

function readTopics<T>(request: Reader, partition: () => T): Topic<T>[] {
  return request.array(() => ({ name: request.string(), partitions: request.array(partition) }));
}

function versionsAnswer(): Writer {
  const answer = new Writer().int16(0);
  return answer.array(VERSIONS, ([key, min, max]) => answer.int16(key).int16(min).int16(max)).int32(0);
}

/** The leader's assignment of itself comes back. */
function syncGroup(request: Reader): Writer {
  request.string();
  request.int32();
  request.string();
  const [own] = request.array(() => ({ member: request.string(), assignment: request.blob() }));
  return new Writer()
    .int32(0)
    .int16(0)
    .blob(own?.assignment ?? NO_BYTES);
}

function record(env: ProcessEnv, kind: number, version: number): void {
  const name = Object.entries(API).find(([, key]) => key === kind)?.[0] ?? String(kind);
  env.journey.add({
    kind: 'message',
    actor: 'workload',
    fn: 'KafkaApis.handle',
    see: 'kafka:core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handle',
    from: 'client',
    to: env.hostname,
    what: `${name.toLowerCase()} version ${version}`,
  });
}
