/**
 * `cqlsh [host [port]] -e statements`, or statements on standard input.
 * @see cassandra:bin/cqlsh.py
 * @see https://docs.datastax.com/en/developer/python-driver/3.11/ (cluster.py#ControlConnection)
 * @remarks Simplified: one connection, on which the driver's questions about the server and its schema come first; no colours, no paging.
 */
import { isErrno, type TcpSocket } from '../../kernel/socket.ts';
import { concatBytes } from '../../net/bytes.ts';
import { formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import { SECOND } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { ProcessEnv, ProcessResult, RunningProcess } from '../process.ts';
import { resolve } from '../resolver.ts';
import { BodyReader, type CqlFrame, encodeFrame, FrameStream, longText, OPCODE, RESULT, shortText, u16 } from './frames.ts';
import { formatValue } from './values.ts';

const CONNECT_TIMEOUT = 5 * SECOND;
const REQUEST_TIMEOUT = 10 * SECOND;
const ERROR_NAMES: Readonly<Record<number, readonly [string, string]>> = {
  10: ['ProtocolException', 'Protocol error'],
  8192: ['SyntaxException', 'Syntax error in CQL query'],
  8448: ['Unauthorized', 'Unauthorized'],
  8704: ['InvalidRequest', 'Invalid query'],
  9216: ['AlreadyExists', 'Already exists'],
  9472: ['PreparedQueryNotFound', 'Unprepared'],
};

/** What the driver asks before the user does. */
const DRIVER_QUERIES: readonly string[] = [
  'SELECT * FROM system.peers',
  "SELECT * FROM system.local WHERE key='local'",
  ...['keyspaces', 'tables', 'columns', 'types', 'functions', 'aggregates', 'triggers', 'indexes', 'views'].map(
    (name) => `SELECT * FROM system_schema.${name}`,
  ),
];

/** Runs it. */
export function cqlsh(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const positional: string[] = [];
  let statements = env.stdin ?? '';
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '-e') {
      i += 1;
      statements = args[i] ?? '';
    } else {
      positional.push(args[i] as string);
    }
  }
  const [host = '127.0.0.1', port = '9042'] = positional;
  return new Cqlsh(env, host, Number(port), splitStatements(statements), done);
}

/** Statements with their lines. */
function splitStatements(text: string): { readonly text: string; readonly line: number }[] {
  const statements: { readonly text: string; readonly line: number }[] = [];
  let line = 1;
  for (const piece of text.match(/(?:'(?:[^']|'')*'|[^;'])+;?/g) ?? []) {
    const first = line + (/^\s*/.exec(piece)?.[0].split('\n').length ?? 1) - 1;
    line += piece.split('\n').length - 1;
    if (piece.trim().replace(/;$/, '') !== '') {
      statements.push({ text: piece.trim(), line: first });
    }
  }
  return statements;
}

class Cqlsh implements RunningProcess {
  readonly #env: ProcessEnv;
  readonly #host: string;
  readonly #port: number;
  readonly #statements: { readonly text: string; readonly line: number }[];
  readonly #frames = new FrameStream();
  #done: ((result: ProcessResult) => void) | null;
  #socket: TcpSocket | null = null;
  #timer: Timer | null = null;
  #onFrame: (frame: CqlFrame) => void = () => undefined;
  #stdout = '';
  #stderr = '';
  #failed = false;

  constructor(
    env: ProcessEnv,
    host: string,
    port: number,
    statements: { text: string; line: number }[],
    done: (result: ProcessResult) => void,
  ) {
    this.#env = env;
    this.#host = host;
    this.#port = port;
    this.#statements = statements;
    this.#done = done;
    resolve(env, host, (result) => {
      if (result.ok) {
        this.#connect(result.addresses[0] as Ipv4);
      } else {
        this.#finish(1, `Connection error: ('Unable to connect to any servers', {'${host}': gaierror(-2, 'Name or service not known')})\n`);
      }
    });
  }

  kill(): void {
    this.#done = null;
    this.#timer?.cancel();
    this.#socket?.close();
  }

  #connect(address: Ipv4): void {
    const unable = (why: string): void =>
      this.#finish(1, `Connection error: ('Unable to connect to any servers', {'${formatIpv4(address)}': ${why}})\n`);
    const refused = (): void =>
      unable(`error(111, "Tried connecting to [('${formatIpv4(address)}', ${this.#port})]. Last error: Connection refused")`);
    const socket = this.#env.sockets.connect({
      remote: { address, port: this.#port },
      handlers: {
        onConnected: () => this.#connected(),
        onData: (_socket, bytes) => {
          for (const frame of this.#frames.push(bytes)) {
            this.#timer?.cancel();
            this.#onFrame(frame);
          }
        },
        onEnd: () => this.#lost(),
        onError: (_socket, errno) => (errno === 'ECONNREFUSED' ? refused() : this.#lost()),
      },
    });
    if (isErrno(socket)) {
      refused();
      return;
    }
    this.#socket = socket;
    this.#timer = this.#env.scheduler.after(CONNECT_TIMEOUT, 'cqlsh', () => unable("OperationTimedOut('errors=None, last_host=None',)"));
  }

  #lost(): void {
    this.#finish(1, `Connection error: ('Unable to complete the operation against any hosts', {})\n`);
  }

  #finish(exitCode: number, stderr = ''): void {
    const done = this.#done;
    this.kill();
    done?.({ exitCode, stdout: this.#stdout, stderr: this.#stderr + stderr });
  }

  #ask(opcode: number, body: Uint8Array, answer: (frame: CqlFrame) => void): void {
    this.#onFrame = answer;
    this.#timer?.cancel();
    this.#timer = this.#env.scheduler.after(REQUEST_TIMEOUT, 'cqlsh', () =>
      this.#finish(
        1,
        `OperationTimedOut: errors={'${this.#host}': 'Client request timeout. See Session.execute[_async](timeout)'}, last_host=${this.#host}\n`,
      ),
    );
    this.#socket?.write(encodeFrame({ stream: 0, opcode, body }, false));
  }

  #query(text: string, answer: (frame: CqlFrame) => void): void {
    // Consistency ONE, no flags.
    this.#ask(OPCODE.QUERY, concatBytes([longText(text), u16(1), Uint8Array.of(0)]), answer);
  }

  #connected(): void {
    this.#timer?.cancel();
    this.#ask(OPCODE.OPTIONS, new Uint8Array(), () => {
      const options = concatBytes([u16(1), shortText('CQL_VERSION'), shortText('3.0.0')]);
      this.#ask(OPCODE.STARTUP, options, () => {
        const events = ['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE'];
        const body = concatBytes([u16(events.length), ...events.map(shortText)]);
        this.#ask(OPCODE.REGISTER, body, () => this.#driverQuery([...DRIVER_QUERIES]));
      });
    });
  }

  /** A server that does not answer these cannot be used. */
  #driverQuery(left: string[]): void {
    const next = left.shift();
    if (next === undefined) {
      this.#next();
      return;
    }
    this.#query(next, (frame) => {
      const error = errorText(frame);
      if (error === null) {
        this.#driverQuery(left);
      } else {
        this.#finish(1, `Connection error: ('Unable to connect to any servers', {'${this.#host}': ${error.split(':')[0]}('${error}',)})\n`);
      }
    });
  }

  #next(): void {
    const statement = this.#statements.shift();
    if (statement === undefined) {
      this.#finish(this.#failed ? 2 : 0);
      return;
    }
    this.#query(statement.text, (frame) => {
      const error = errorText(frame);
      if (error !== null) {
        this.#failed = true;
        this.#stderr += `<stdin>:${statement.line}:${error}\n`;
      } else {
        this.#stdout += resultText(frame);
      }
      this.#next();
    });
  }
}

/** `Unauthorized: Error from server: code=2100 [Unauthorized] message="…"`, or `null`. */
function errorText({ opcode, body }: CqlFrame): string | null {
  if (opcode !== OPCODE.ERROR) {
    return null;
  }
  const reader = new BodyReader(body);
  const code = reader.u32();
  const message = reader.string();
  const [name, summary] = ERROR_NAMES[code] ?? ['ServerError', 'Server error'];
  return `${name}: Error from server: code=${code.toString(16).padStart(4, '0')} [${summary}] message="${message}"`;
}

/** Rows as cqlsh lays them out; nothing for other results. */
function resultText({ body }: CqlFrame): string {
  const reader = new BodyReader(body);
  if (reader.u32() !== RESULT.ROWS) {
    return '';
  }
  reader.u32();
  const width = reader.u32();
  reader.string();
  reader.string();
  const columns = Array.from({ length: width }, () => ({ name: reader.string(), type: reader.u16() }));
  const count = reader.u32();
  const rows = Array.from({ length: count }, () => columns.map(({ type }) => formatValue(type, reader.value())));
  const widths = columns.map(({ name }, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => ` ${cells.join(' | ')}\n`;
  const head = line(columns.map(({ name }, i) => name.padEnd(widths[i] ?? 0)));
  const rule = `${widths.map((one) => '-'.repeat(one + 2)).join('+')}\n`;
  const table = rows.map((row) => line(row.map((cell, i) => cell.padStart(widths[i] ?? 0)))).join('');
  return `\n${head}${rule}${table}\n(${count} rows)\n`;
}
