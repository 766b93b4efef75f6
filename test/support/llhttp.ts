/** Node's own HTTP parser as an oracle: requests of a connection that exists in memory only. */
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** What a parser made of a connection's bytes. */
export interface ParsedRequests {
  readonly requests: readonly ParsedRequest[];
  /** The parser gave up. */
  readonly error: string | null;
}

export interface ParsedRequest {
  readonly method: string;
  readonly target: string;
  /** Lower-case name and value, equal names joined with commas, sorted by name. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly complete: boolean;
}

/** Parses the bytes of one connection with llhttp. */
export async function llhttpRequests(bytes: Uint8Array): Promise<ParsedRequests> {
  const seen: { message: IncomingMessage; body: Buffer[]; complete: boolean }[] = [];
  let error: string | null = null;
  const server = createServer({ requireHostHeader: false });
  const take = (message: IncomingMessage): void => {
    const one = { message, body: [] as Buffer[], complete: false };
    seen.push(one);
    message.on('data', (data: Buffer) => one.body.push(data));
    message.on('end', () => {
      one.complete = true;
    });
    message.on('error', () => undefined);
  };
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, take);
  }
  for (const event of ['upgrade', 'connect']) {
    server.on(event, (message: IncomingMessage) => {
      take(message);
      (seen.at(-1) as { complete: boolean }).complete = true;
    });
  }
  server.on('clientError', (problem: NodeJS.ErrnoException) => {
    error ??= problem.code ?? String(problem);
  });
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  socket.on('error', () => undefined);
  server.emit('connection', socket);
  socket.push(Buffer.from(bytes));
  await turns(4);
  const found = error;
  socket.destroy();
  return {
    requests: seen.map(({ message, body, complete }) => ({
      method: message.method ?? '',
      target: message.url ?? '',
      headers: joined(pairs(message.rawHeaders)),
      body: Buffer.concat(body).toString('latin1'),
      complete,
    })),
    error: found,
  };
}

/** Equal names joined, sorted. */
export function joined(list: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const map = new Map<string, string>();
  for (const [name, value] of list) {
    const key = name.toLowerCase();
    const old = map.get(key);
    map.set(key, old === undefined ? value : `${old},${value}`);
  }
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] as string] as [string, string]] : []));
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
