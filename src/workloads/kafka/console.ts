/**
 * What Kafka's console clients have in common: their options, their log, and the search for a topic's broker.
 * @see kafka:config/tools-log4j.properties
 * @remarks Simplified: clients are those of Kafka 0.11, the last whose produce requests the proxy can answer in a form they understand: later ones
 * expect a number more in each partition.
 */
import { formatRfc3339 } from '../../net/rfc3339.ts';
import { MILLISECOND } from '../../sim/clock.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from '../process.ts';
import { type KafkaNode, NetworkClient } from './network_client.ts';
import { API, ERRORS, type Reader, Writer } from './wire.ts';

/** Where the scripts of the guide's image send everything. */
export const GUIDE_BROKER = 'kafka-service:9092';
const RETRY_BACKOFF = 100 * MILLISECOND;

/** Options by name, without their dashes; a flag is `true`. */
export type ConsoleOptions = ReadonlyMap<string, string>;

/** Reads `--name value`, `--name=value` and the flags; a text is what the tool says of a word it does not know. */
export function consoleOptions(args: readonly string[], valued: readonly string[], flags: readonly string[]): ConsoleOptions | string {
  const options = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [, name = '', value] = /^--([a-z-]+)(?:=(.*))?$/.exec(args[i] as string) ?? [];
    if (flags.includes(name)) {
      options.set(name, 'true');
    } else if (valued.includes(name)) {
      i += value === undefined ? 1 : 0;
      const given = value ?? args[i];
      if (given === undefined) {
        return `Option ${name} requires an argument`;
      }
      options.set(name, given);
    } else {
      return `${(args[i] as string).replace(/^--/, '')} is not a recognized option`;
    }
  }
  return options;
}

/** Topic and broker of the options; a text is what is wrong. */
export function consoleTarget(options: ConsoleOptions, broker: string): { readonly topic: string; readonly node: KafkaNode } | string {
  const topic = options.get('topic');
  const [, host = '', port = ''] = /^([^:,]+):(\d+)/.exec(options.get(broker) ?? '') ?? [];
  if (topic === undefined) {
    return 'Missing required argument "[topic]"';
  }
  return host === '' ? `Missing required argument "[${broker}]"` : { topic, node: { id: -1, host, port: Number(port) } };
}

/** A client with what it prints. */
export class ConsoleClient implements RunningProcess {
  readonly env: ProcessEnv;
  readonly network: NetworkClient;
  #stdout = '';
  #stderr = '';
  #done: ((result: ProcessResult) => void) | null;

  constructor(env: ProcessEnv, clientId: string, done: (result: ProcessResult) => void) {
    this.env = env;
    this.#done = done;
    this.network = new NetworkClient(env, clientId, {
      warn: (text, logger) => this.log('WARN', text, logger),
      unresolved: () => {
        this.err('org.apache.kafka.common.KafkaException: No resolvable bootstrap urls given in bootstrap.servers\n');
        this.finish(1);
      },
    });
  }

  /** Whether it has ended. */
  get ended(): boolean {
    return this.#done === null;
  }

  printed(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#stdout, stderr: this.#stderr };
  }

  out(text: string): void {
    this.#stdout += text;
  }

  err(text: string): void {
    this.#stderr += text;
  }

  /** A line of log4j: `[2023-06-20 10:00:00,000] WARN text (logger)`. */
  log(level: 'WARN' | 'ERROR', text: string, logger: string): void {
    this.err(`[${timeText(this.env.scheduler.clock.wallMillis())}] ${level} ${text} (${logger})\n`);
  }

  finish(exitCode: number): void {
    const done = this.#done;
    this.#done = null;
    this.network.close();
    done?.({ exitCode, stdout: this.#stdout, stderr: this.#stderr });
  }

  kill(): void {
    this.#done = null;
    this.network.close();
  }

  /**
   * Asks for a topic's broker until there is one.
   * @see kafka:clients/src/main/java/org/apache/kafka/clients/NetworkClient.java#DefaultMetadataUpdater.handleCompletedMetadataResponse
   */
  findLeader(bootstrap: KafkaNode, topic: string, found: (leader: KafkaNode) => void): void {
    const id = this.network.newId();
    const body = new Writer();
    body.array([topic], (name) => body.string(name)).int8(1);
    const again = (): void => this.network.after(RETRY_BACKOFF, () => this.findLeader(bootstrap, topic, found));
    const done = (answer: Reader): void => {
      const { brokers, topics } = readMetadata(answer);
      const errors = topics.filter(({ error }) => error !== 0).map(({ name, error }) => `${name}=${ERRORS[error] ?? error}`);
      if (errors.length > 0) {
        const text = `Error while fetching metadata with correlation id ${id} : {${errors.join(', ')}}`;
        this.log('WARN', text, 'org.apache.kafka.clients.NetworkClient');
      }
      const leader = topics.find(({ name, error }) => name === topic && error === 0)?.leader;
      const broker = brokers.find((one) => one.id === leader);
      if (broker === undefined) {
        again();
      } else {
        found(broker);
      }
    };
    this.network.send(bootstrap, { kind: API.METADATA, version: 4, body, done, id });
  }
}

function readMetadata(answer: Reader): {
  readonly brokers: readonly KafkaNode[];
  readonly topics: readonly { readonly name: string; readonly error: number; readonly leader: number | null }[];
} {
  answer.int32();
  const brokers = answer.array(() => {
    const broker = { id: answer.int32(), host: answer.string(), port: answer.int32() };
    answer.string();
    return broker;
  });
  answer.string();
  answer.int32();
  const topics = answer.array(() => {
    const error = answer.int16();
    const name = answer.string();
    answer.int8();
    const leaders = answer.array(() => {
      answer.int16();
      answer.int32();
      const leader = answer.int32();
      answer.array(() => answer.int32());
      answer.array(() => answer.int32());
      return leader;
    });
    return { name, error, leader: leaders[0] ?? null };
  });
  return { brokers, topics };
}

/** `2023-06-20 10:00:00,000`, in UTC. */
function timeText(wallMillis: number): string {
  const seconds = formatRfc3339(wallMillis).slice(0, 'YYYY-MM-DDThh:mm:ss'.length).replace('T', ' ');
  return `${seconds},${String(wallMillis % 1000).padStart(3, '0')}`;
}
