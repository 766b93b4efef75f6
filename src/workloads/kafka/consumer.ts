/**
 * `kafka-console-consumer.sh`: prints what a topic holds and what comes, as the only member of a group of its own.
 * @see kafka:core/src/main/scala/kafka/tools/ConsoleConsumer.scala
 * @see kafka:clients/src/main/java/org/apache/kafka/clients/consumer/KafkaConsumer.java
 */
import { latin1 } from '../../net/bytes.ts';
import { MILLISECOND, SECOND } from '../../sim/clock.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from '../process.ts';
import { ConsoleClient, type ConsoleOptions, consoleOptions, consoleTarget } from './console.ts';
import type { KafkaNode } from './network_client.ts';
import { recordValues } from './record_batch.ts';
import { API, ERRORS, type Reader, Writer } from './wire.ts';

const HEARTBEAT_INTERVAL = 3 * SECOND;
const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 300_000;
const FETCH_WAIT_MS = 500;
const FETCH_BYTES = 52_428_800;
const PARTITION_BYTES = 1_048_576;
const RETENTION = -1;
/** Coordinators have connections of their own, under this number less their id. */
const COORDINATOR_IDS = 2_147_483_647;

/** Runs it. */
export function kafkaConsume(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const client = new ConsoleClient(env, 'consumer-1', done);
  const options = consoleOptions(
    args,
    ['bootstrap-server', 'topic', 'max-messages', 'timeout-ms', 'group'],
    ['from-beginning', 'new-consumer'],
  );
  const target = typeof options === 'string' ? options : consoleTarget(options, 'bootstrap-server');
  if (typeof options === 'string' || typeof target === 'string') {
    env.scheduler.after(0, 'process', () => {
      client.err(`${String(target)}\n`);
      client.finish(1);
    });
    return client;
  }
  new Consumption(client, target.topic, options).start(target.node);
  return client;
}

class Consumption {
  readonly #client: ConsoleClient;
  readonly #topic: string;
  readonly #group: string;
  readonly #fromBeginning: boolean;
  /** Infinite without a limit. */
  readonly #maxMessages: number;
  readonly #timeout: number | null;
  #printed = 0;
  #member = '';
  #leader: KafkaNode | null = null;
  #coordinator: KafkaNode | null = null;
  /** Moves with each message: who waited for the one before waits no more. */
  #patience = 0;

  constructor(client: ConsoleClient, topic: string, options: ConsoleOptions) {
    const number = (name: string): number | null => (options.has(name) ? Number(options.get(name)) : null);
    this.#client = client;
    this.#topic = topic;
    this.#group = options.get('group') ?? `console-consumer-${client.env.rng.below(100_000)}`;
    this.#fromBeginning = options.has('from-beginning');
    this.#maxMessages = number('max-messages') ?? Number.POSITIVE_INFINITY;
    this.#timeout = number('timeout-ms');
  }

  /** The coordinator is asked for first, but its request waits for the connection; the topic's brokers are asked for beside it. */
  start(bootstrap: KafkaNode): void {
    const body = new Writer().string(this.#group).int8(0);
    const done = (answer: Reader): void => {
      answer.int32();
      const error = answer.int16();
      answer.string();
      const id = COORDINATOR_IDS - answer.int32();
      this.#coordinator = { id, host: answer.string(), port: answer.int32() };
      if (error === 0) {
        this.#join();
      } else {
        this.#fail(coordinatorException(error, this.#group));
      }
    };
    this.#client.network.send(bootstrap, { kind: API.FIND_COORDINATOR, version: 1, body, done });
    this.#afterVersions(bootstrap);
    this.#wait();
  }

  /** The connection's question about versions takes the next id; what is asked about the topic has the one after. */
  #afterVersions(bootstrap: KafkaNode): void {
    this.#client.network.whenReady(bootstrap, () =>
      this.#client.findLeader(bootstrap, this.#topic, (leader) => {
        this.#leader = leader;
        this.#join();
      }),
    );
  }

  /** Ends when nothing has come for the time that `--timeout-ms` gives. */
  #wait(): void {
    this.#patience += 1;
    const patience = this.#patience;
    if (this.#timeout !== null) {
      this.#client.network.after(this.#timeout * MILLISECOND, () => {
        if (patience === this.#patience) {
          this.#fail('kafka.consumer.ConsumerTimeoutException');
        }
      });
    }
  }

  #fail(exception: string): void {
    this.#client.log('ERROR', 'Error processing message, terminating consumer process: ', 'kafka.tools.ConsoleConsumer$');
    this.#client.err(`${exception}\n`);
    this.#end();
  }

  #end(): void {
    this.#client.err(`Processed a total of ${this.#printed} messages\n`);
    this.#client.finish(0);
  }

  #ask(kind: number, version: number, body: Writer, done: (answer: Reader) => void, node = this.#coordinator): void {
    if (node !== null) {
      this.#client.network.send(node, { kind, version, body, done });
    }
  }

  /** Joins when both the coordinator and the topic's broker are known. */
  #join(): void {
    if (this.#leader === null || this.#coordinator === null) {
      return;
    }
    const metadata = new Writer().int16(0);
    metadata.array([this.#topic], (name) => metadata.string(name)).blob(latin1(''));
    const body = new Writer().string(this.#group).int32(SESSION_TIMEOUT_MS).int32(REBALANCE_TIMEOUT_MS).string('').string('consumer');
    body.array(['range'], (name) => body.string(name).blob(metadata.bytes));
    this.#ask(API.JOIN_GROUP, 2, body, (answer) => {
      answer.int32();
      answer.int16();
      const generation = answer.int32();
      answer.string();
      answer.string();
      this.#member = answer.string();
      this.#sync(generation);
    });
  }

  /** The leader of the group, which it is, assigns itself the partition. */
  #sync(generation: number): void {
    const assignment = new Writer().int16(0);
    assignment.array([this.#topic], (name) => assignment.string(name).array([0], (id) => assignment.int32(id))).blob(latin1(''));
    const body = new Writer().string(this.#group).int32(generation).string(this.#member);
    body.array([this.#member], (member) => body.string(member).blob(assignment.bytes));
    this.#ask(API.SYNC_GROUP, 1, body, () => {
      this.#heartbeat(generation);
      this.#committed(generation);
    });
  }

  #heartbeat(generation: number): void {
    const body = new Writer().string(this.#group).int32(generation).string(this.#member);
    this.#client.network.after(
      HEARTBEAT_INTERVAL,
      () => this.#ask(API.HEARTBEAT, 1, body, () => this.#heartbeat(generation)),
      'periodic:kafka heartbeat',
    );
  }

  /** A group without an offset begins where it was told to. */
  #committed(generation: number): void {
    const body = new Writer().string(this.#group);
    body.array([this.#topic], (name) => body.string(name).array([0], (id) => body.int32(id)));
    this.#ask(API.OFFSET_FETCH, 3, body, (answer) => {
      answer.int32();
      const [offset = -1] = perPartition(answer, () => {
        const committed = answer.int64();
        answer.string();
        answer.int16();
        return committed;
      });
      if (offset >= 0) {
        this.#fetchRecords(offset, generation);
      } else {
        this.#firstOffset(generation);
      }
    });
  }

  #firstOffset(generation: number): void {
    const body = new Writer().int32(-1).int8(0);
    const time = this.#fromBeginning ? -2 : -1;
    body.array([this.#topic], (name) => body.string(name).array([0], (id) => body.int32(id).int64(time)));
    const done = (answer: Reader): void => {
      answer.int32();
      const [offset = 0] = perPartition(answer, () => {
        answer.int16();
        answer.int64();
        return answer.int64();
      });
      this.#fetchRecords(offset, generation);
    };
    this.#ask(API.LIST_OFFSETS, 2, body, done, this.#leader);
  }

  #fetchRecords(offset: number, generation: number): void {
    const body = new Writer().int32(-1).int32(FETCH_WAIT_MS).int32(1).int32(FETCH_BYTES).int8(0);
    body.array([this.#topic], (name) =>
      body.string(name).array([0], (id) => body.int32(id).int64(offset).int64(-1).int32(PARTITION_BYTES)),
    );
    const done = (answer: Reader): void => {
      answer.int32();
      const [fetched] = perPartition(answer, () => {
        const error = answer.int16();
        answer.int64();
        answer.int64();
        answer.int64();
        answer.array(() => answer.int64() + answer.int64());
        return { error, records: answer.blob() };
      });
      if (fetched !== undefined && fetched.error !== 0) {
        const name =
          fetched.error === 29
            ? 'TopicAuthorizationException: Not authorized to access topics: '
            : `KafkaException: ${ERRORS[fetched.error] ?? ''} `;
        this.#fail(`org.apache.kafka.common.errors.${name}[${this.#topic}]`);
        return;
      }
      const values = recordValues(fetched?.records ?? latin1('')).slice(0, this.#maxMessages - this.#printed);
      if (values.length === 0 && (fetched?.records.length ?? 0) > 0) {
        this.#fail(
          'org.apache.kafka.common.errors.CorruptRecordException: This message has failed its CRC checksum, exceeds the valid size, or is otherwise corrupt.',
        );
        return;
      }
      this.#print(values.map(({ value }) => value));
      const next = (values.at(-1)?.offset ?? offset - 1) + 1;
      if (this.#printed >= this.#maxMessages) {
        this.#leave(next, generation);
      } else {
        this.#fetchRecords(next, generation);
      }
    };
    this.#ask(API.FETCH, 5, body, done, this.#leader);
  }

  #print(values: readonly string[]): void {
    if (values.length > 0) {
      this.#client.out(values.map((value) => `${value}\n`).join(''));
      this.#printed += values.length;
      this.#wait();
    }
  }

  /** Commits how far it came, and leaves the group. */
  #leave(offset: number, generation: number): void {
    const body = new Writer().string(this.#group).int32(generation).string(this.#member).int64(RETENTION);
    body.array([this.#topic], (name) => body.string(name).array([0], (id) => body.int32(id).int64(offset).string('')));
    this.#ask(API.OFFSET_COMMIT, 3, body, () => {
      const leave = new Writer().string(this.#group).string(this.#member);
      this.#ask(API.LEAVE_GROUP, 1, leave, () => this.#end());
    });
  }
}

/** @see kafka:clients/src/main/java/org/apache/kafka/clients/consumer/internals/AbstractCoordinator.java#GroupCoordinatorResponseHandler */
function coordinatorException(error: number, group: string): string {
  const name = 'org.apache.kafka.common.errors.';
  switch (error) {
    case 29:
      return `${name}TopicAuthorizationException: Topic authorization failed.`;
    case 30:
      return `${name}GroupAuthorizationException: Not authorized to access group: ${group}`;
    default:
      return `${name}UnknownServerException: ${ERRORS[error] ?? error}`;
  }
}

/** What an answer says of each partition, after the partition's number. */
function perPartition<T>(answer: Reader, read: () => T): T[] {
  const topics = answer.array(() => {
    answer.string();
    return answer.array(() => {
      answer.int32();
      return read();
    });
  });
  return topics.flat();
}
