/**
 * A Cassandra server of one node.
 * @see cassandra:src/java/org/apache/cassandra/transport/Message.java
 * @remarks Simplified: queries alone, no prepared statements, batches, authentication or events.
 */
import type { TcpHandlers, TcpSocket } from '../../kernel/socket.ts';
import { concatBytes, NO_BYTES } from '../../net/bytes.ts';
import type { ProcessEnv, Server } from '../process.ts';
import { TcpServer } from '../tcp_server.ts';
import { Database, type StatementResult } from './database.ts';
import { BodyReader, type CqlFrame, encodeFrame, FrameStream, OPCODE, RESULT, shortText, u16, u32, valueBytes } from './frames.ts';
import { encodeValue } from './values.ts';

const PROTOCOL_ERROR = 0x000a;
/** Flag of rows: keyspace and table are told once. */
const GLOBAL_TABLES = 1;

/** The server. */
export class CassandraServer implements Server {
  readonly #port: number;
  readonly #tcp = new TcpServer();
  #database: Database | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  start(env: ProcessEnv): void {
    this.#database ??= new Database(env.rng);
    this.#tcp.open(env, this.#port, (socket) => this.#accept(env, socket));
  }

  stop(): void {
    this.#tcp.close();
  }

  #accept(env: ProcessEnv, socket: TcpSocket): TcpHandlers {
    const frames = new FrameStream();
    const state = { keyspace: '' };
    const forget = (): void => this.#tcp.forget(socket);
    return {
      onData: (_socket, bytes) => {
        for (const frame of frames.push(bytes)) {
          const { opcode, body } = this.#answer(frame, state, env);
          socket.write(encodeFrame({ stream: frame.stream, opcode, body }, true));
        }
      },
      onEnd: () => {
        forget();
        socket.close();
      },
      onError: forget,
      onClose: forget,
    };
  }

  #answer(
    { opcode, body }: CqlFrame,
    state: { keyspace: string },
    env: ProcessEnv,
  ): { readonly opcode: number; readonly body: Uint8Array } {
    switch (opcode) {
      case OPCODE.OPTIONS:
        return { opcode: OPCODE.SUPPORTED, body: u16(0) };
      case OPCODE.STARTUP:
      case OPCODE.REGISTER:
        return { opcode: OPCODE.READY, body: NO_BYTES };
      case OPCODE.QUERY: {
        const text = new BodyReader(body).longString();
        if (env.journey.recording) {
          env.journey.add({ kind: 'enter', actor: 'workload', fn: 'QueryMessage.execute', where: env.hostname, what: text });
        }
        const result = this.#database?.run(text, state.keyspace) ?? { kind: 'void' };
        state.keyspace = result.kind === 'keyspace' ? result.name : state.keyspace;
        return resultBody(result);
      }
      default:
        return errorBody(PROTOCOL_ERROR, `Unknown opcode ${opcode}`);
    }
  }
}

function errorBody(code: number, message: string): { readonly opcode: number; readonly body: Uint8Array } {
  return { opcode: OPCODE.ERROR, body: concatBytes([u32(code), shortText(message)]) };
}

function resultBody(result: StatementResult): { readonly opcode: number; readonly body: Uint8Array } {
  const opcode = OPCODE.RESULT;
  switch (result.kind) {
    case 'error':
      return errorBody(result.code, result.message);
    case 'void':
      return { opcode, body: u32(RESULT.VOID) };
    case 'keyspace':
      return { opcode, body: concatBytes([u32(RESULT.SET_KEYSPACE), shortText(result.name)]) };
    case 'schema':
      return { opcode, body: concatBytes([u32(RESULT.SCHEMA_CHANGE), shortText('CREATED'), shortText('KEYSPACE'), shortText('')]) };
    case 'rows': {
      const { keyspace, table, columns, rows } = result;
      const head = [u32(RESULT.ROWS), u32(GLOBAL_TABLES), u32(columns.length), shortText(keyspace), shortText(table)];
      const specs = columns.flatMap(({ name, type }) => [shortText(name), u16(type)]);
      const cells = rows.flatMap((row) =>
        row.map((value, i) => valueBytes(value === null ? null : encodeValue(columns[i]?.type ?? 0, value))),
      );
      return { opcode, body: concatBytes([...head, ...specs, u32(rows.length), ...cells]) };
    }
  }
}
