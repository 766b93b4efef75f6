/**
 * Requests of Cassandra's native protocol as paths.
 * @see cilium:proxylib/cassandra/cassandraparser.go#cassandraParseRequest
 */
import { fromLatin1 } from '../../../net/bytes.ts';
import { indexPanic, type ParserOp, slicePanic } from '../parser.ts';
import type { PreparedStatements } from './parser.ts';
import { parseQuery } from './query.ts';

/** `/opcode` or `/opcode/action/table`; one for each statement of a batch. */
export type RequestPaths = readonly string[];

/** What a request was read as. */
export type ReadRequest =
  | { readonly kind: 'paths'; readonly paths: RequestPaths }
  /** It executes a statement nobody has prepared. */
  | { readonly kind: 'unprepared'; readonly id: string }
  | { readonly kind: 'error' }
  | { readonly kind: 'panic'; readonly panic: ParserOp };

const ERROR: ReadRequest = { kind: 'error' };

/** @see cilium:proxylib/cassandra/cassandraparser.go#opcodeMap */
const OPCODES: Readonly<Record<number, string>> = {
  0: 'error',
  1: 'startup',
  2: 'ready',
  3: 'authenticate',
  5: 'options',
  6: 'supported',
  7: 'query',
  8: 'result',
  9: 'prepare',
  10: 'execute',
  11: 'register',
  12: 'event',
  13: 'batch',
  14: 'auth_challenge',
  15: 'auth_response',
  16: 'auth_success',
};

const QUERY = 7;
const PREPARE = 9;
const EXECUTE = 10;
const BATCH = 13;

/** Reads the first frame of the data. */
export function readRequest(statements: PreparedStatements, data: Uint8Array, view: DataView): ReadRequest {
  const opcode = view.getUint8(4);
  if (view.getUint8(0) >= 0x80 || (view.getUint8(1) & 1) === 1) {
    return ERROR;
  }
  switch (opcode) {
    case QUERY:
    case PREPARE:
      return readQuery(statements, data, view);
    case EXECUTE:
      return readExecute(statements, data, view);
    case BATCH:
      return readBatch(statements, data, view);
    default:
      return { kind: 'paths', paths: [`/${OPCODES[opcode] ?? ''}`] };
  }
}

function panic(op: ParserOp): ReadRequest {
  return { kind: 'panic', panic: op };
}

/** The path of a statement under an opcode's name. */
function statementPath(statements: PreparedStatements, opcode: string, query: string): string | ReadRequest {
  const parsed = parseQuery(query, statements.keyspace);
  if (parsed === 'invalid') {
    return ERROR;
  }
  if ('words' in parsed) {
    return panic(indexPanic(parsed.panicIndex, parsed.words));
  }
  statements.keyspace = parsed.keyspace ?? statements.keyspace;
  return `/${opcode}/${parsed.action}/${parsed.table}`;
}

function readQuery(statements: PreparedStatements, data: Uint8Array, view: DataView): ReadRequest {
  if (data.length < 13) {
    return panic(slicePanic(9, 13, data.length));
  }
  // Thirty-two bits, as the length is.
  const end = (13 + view.getUint32(9)) >>> 0;
  if (end < 13 || end > data.length) {
    return panic(slicePanic(13, end, data.length));
  }
  const prepare = view.getUint8(4) === PREPARE;
  const path = statementPath(statements, prepare ? 'prepare' : 'query', fromLatin1(data, 13, end));
  if (typeof path !== 'string') {
    return path;
  }
  if (prepare) {
    statements.byStream.set(view.getUint16(2), path.replace('prepare', 'execute'));
  }
  return { kind: 'paths', paths: [path] };
}

function readExecute({ byId }: PreparedStatements, data: Uint8Array, view: DataView): ReadRequest {
  if (data.length < 11) {
    return panic(slicePanic(9, 11, data.length));
  }
  const end = (11 + view.getUint16(9)) & 0xffff;
  if (end < 11 || end > data.length) {
    return panic(slicePanic(11, end, data.length));
  }
  const id = fromLatin1(data, 11, end);
  const path = byId.get(id) ?? '';
  return path === '' ? { kind: 'unprepared', id } : { kind: 'paths', paths: [path] };
}

/** A batch's statements one after another, each with its values. */
function readBatch(statements: PreparedStatements, data: Uint8Array, view: DataView): ReadRequest {
  if (data.length < 12) {
    return panic(slicePanic(10, 12, data.length));
  }
  const paths: string[] = [];
  const reader = new BatchReader(data, view, 12);
  for (let left = view.getUint16(10); left > 0; left--) {
    const kind = reader.byte();
    if (typeof kind !== 'number') {
      return panic(kind);
    }
    if (kind > 1) {
      return ERROR;
    }
    const text = kind === 0 ? reader.longString() : reader.shortBytes();
    if (typeof text !== 'string') {
      return panic(text);
    }
    const path = kind === 0 ? statementPath(statements, 'batch', text) : (statements.byId.get(text) ?? '');
    if (typeof path !== 'string') {
      return path;
    }
    if (path === '') {
      return { kind: 'unprepared', id: text };
    }
    paths.push(path);
    const broken = reader.skipValues();
    if (broken !== null) {
      return panic(broken);
    }
  }
  return { kind: 'paths', paths };
}

/** Reads a batch's statements; what goes past the end of the data is the panic of Go. */
class BatchReader {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(data: Uint8Array, view: DataView, at: number) {
    this.#data = data;
    this.#view = view;
    this.#at = at;
  }

  byte(): number | ParserOp {
    // An index ends with the frame, a slice with all that has arrived.
    const frame = 9 + this.#view.getUint32(5);
    this.#at += 1;
    return this.#at > frame ? indexPanic(this.#at - 1, frame) : (this.#data[this.#at - 1] as number);
  }

  longString(): string | ParserOp {
    return this.#short(4) ?? this.#text(this.#view.getUint32(this.#at - 4));
  }

  shortBytes(): string | ParserOp {
    return this.#short(2) ?? this.#text(this.#view.getUint16(this.#at - 2));
  }

  /** @see cilium:proxylib/cassandra/cassandraparser.go#readPastBatchValues */
  skipValues(): ParserOp | null {
    const short = this.#short(2);
    if (short !== null) {
      return short;
    }
    for (let left = this.#view.getUint16(this.#at - 2); left > 0; left--) {
      const missing = this.#short(4);
      if (missing !== null) {
        return missing;
      }
      // Null and "not set" are read as lengths of four gigabytes, since the number is taken as an unsigned one.
      this.#at += this.#view.getUint32(this.#at - 4);
    }
    return null;
  }

  /** Goes past so many bytes, or is the panic. */
  #short(length: number): ParserOp | null {
    this.#at += length;
    return this.#at > this.#data.length ? slicePanic(this.#at - length, this.#at, this.#data.length) : null;
  }

  #text(length: number): string | ParserOp {
    return this.#short(length) ?? fromLatin1(this.#data, this.#at - length, this.#at);
  }
}
