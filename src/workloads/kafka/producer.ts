/**
 * `kafka-console-producer.sh`: each line of its input is a message.
 * @see kafka:core/src/main/scala/kafka/tools/ConsoleProducer.scala
 */
import { utf8 } from '../../net/bytes.ts';
import { MILLISECOND, SECOND } from '../../sim/clock.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from '../process.ts';
import { ConsoleClient, consoleOptions, consoleTarget } from './console.ts';
import type { KafkaNode } from './network_client.ts';
import { recordBatch } from './record_batch.ts';
import { API, type Reader, Writer } from './wire.ts';

/** How long `send` waits for a topic's broker. */
const MAX_BLOCK = 60 * SECOND;
const REQUEST_TIMEOUT_MS = 1500;

/** What an error means to a producer. @see kafka:clients/src/main/java/org/apache/kafka/common/protocol/Errors.java#Errors */
const EXCEPTIONS: Readonly<Record<number, (topic: string) => string>> = {
  3: () => 'org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition.',
  29: (topic) => `org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [${topic}]`,
};

/** Runs it. */
export function kafkaProduce(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const client = new ConsoleClient(env, 'console-producer', done);
  const options = consoleOptions(args, ['broker-list', 'topic'], ['sync']);
  const target = typeof options === 'string' ? options : consoleTarget(options, 'broker-list');
  if (typeof target === 'string') {
    env.scheduler.after(0, 'process', () => {
      client.err(`${target}\n`);
      client.finish(1);
    });
    return client;
  }
  const lines = (env.stdin ?? '')
    .split('\n')
    .slice(0, -1)
    .concat(lastLine(env.stdin ?? ''));
  // A prompt before each line, and before the end of the input.
  client.out('>'.repeat(lines.length + 1));
  if (lines.length === 0) {
    env.scheduler.after(0, 'process', () => client.finish(0));
  } else {
    new Production(client, target.topic, lines).start(target.node);
  }
  return client;
}

/** What stands after the last line feed. */
function lastLine(text: string): string[] {
  const last = text.slice(text.lastIndexOf('\n') + 1);
  return last === '' ? [] : [last];
}

class Production {
  readonly #client: ConsoleClient;
  readonly #topic: string;
  readonly #lines: string[];

  constructor(client: ConsoleClient, topic: string, lines: string[]) {
    this.#client = client;
    this.#topic = topic;
    this.#lines = lines;
  }

  start(node: KafkaNode): void {
    let waiting = true;
    this.#client.network.after(MAX_BLOCK, () => {
      if (waiting) {
        this.#lines.forEach((line) => this.#failed(line, timeoutText()));
        this.#client.finish(0);
      }
    });
    this.#client.findLeader(node, this.#topic, (leader) => {
      waiting = false;
      this.#next(leader);
    });
  }

  /** @remarks Simplified: one message a request, each after the answer to the one before. */
  #next(leader: KafkaNode): void {
    const line = this.#lines.shift();
    if (line === undefined) {
      this.#client.finish(0);
      return;
    }
    const batch = recordBatch(line, this.#client.env.scheduler.clock.wallMillis());
    const body = new Writer().string(null).int16(1).int32(REQUEST_TIMEOUT_MS);
    body.array([this.#topic], (name) => body.string(name).array([0], (partition) => body.int32(partition).blob(batch)));
    this.#client.network.send(leader, {
      kind: API.PRODUCE,
      version: 3,
      body,
      done: (answer) => {
        const error = produceError(answer);
        const exception =
          error === 0 ? null : (EXCEPTIONS[error]?.(this.#topic) ?? `org.apache.kafka.common.errors.UnknownServerException: ${error}`);
        if (exception !== null) {
          this.#failed(line, exception);
        }
        this.#next(leader);
      },
    });
  }

  /** @see kafka:clients/src/main/java/org/apache/kafka/clients/producer/internals/ErrorLoggingCallback.java#ErrorLoggingCallback.onCompletion */
  #failed(line: string, exception: string): void {
    const text = `Error when sending message to topic ${this.#topic} with key: null, value: ${utf8(line).length} bytes with error:`;
    this.#client.log('ERROR', text, 'org.apache.kafka.clients.producer.internals.ErrorLoggingCallback');
    this.#client.err(`${exception}\n`);
  }
}

function timeoutText(): string {
  return `org.apache.kafka.common.errors.TimeoutException: Failed to update metadata after ${MAX_BLOCK / MILLISECOND} ms.`;
}

function produceError(answer: Reader): number {
  const topics = answer.array(() => {
    answer.string();
    return answer.array(() => {
      answer.int32();
      const error = answer.int16();
      answer.int64();
      answer.int64();
      return error;
    });
  });
  return topics.flat().find((error) => error !== 0) ?? 0;
}
