/**
 * The Cassandra parser: frames of the native protocol, versions 3 and 4.
 * @see cilium:proxylib/cassandra/cassandraparser.go#CassandraParser
 * @remarks Simplified: a read after the end of what has arrived is a panic; Go's buffers can be somewhat longer and read as zeros there.
 */
import { fromLatin1 } from '../../../net/bytes.ts';
import type { ProxylibConnection } from '../connection.ts';
import { ERROR_INVALID_FRAME_LENGTH, ERROR_INVALID_FRAME_TYPE, type Parser, type ParserOp, slicePanic } from '../parser.ts';
import { unauthorizedMessage, unpreparedMessage } from './messages.ts';
import { type RequestPaths, readRequest } from './request.ts';
import { CassandraPath, UNKNOWN_PREPARED } from './rule.ts';

const HEADER_BYTES = 9;
/** 256 MB, as the specification says. */
const MAX_BODY = 268_435_456;

/** Opcode of answers, and the kind of those to PREPARE. */
const OPCODE_RESULT = 0x08;
const RESULT_PREPARED = 4;

/** What a connection remembers of its statements. */
export interface PreparedStatements {
  /** Set by USE. */
  keyspace: string;
  /** Paths of statements whose answer is awaited, by stream. */
  readonly byStream: Map<number, string>;
  /** Paths of prepared statements. */
  readonly byId: Map<string, string>;
}

/** The parser of a connection. */
export function newCassandraParser(connection: ProxylibConnection): Parser {
  return new CassandraParser(connection);
}

class CassandraParser implements Parser {
  readonly #connection: ProxylibConnection;
  readonly #statements: PreparedStatements = { keyspace: '', byStream: new Map(), byId: new Map() };

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    if (data.length < HEADER_BYTES) {
      return { op: 'MORE', bytes: HEADER_BYTES - data.length };
    }
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const body = view.getUint32(5);
    if (body > MAX_BODY) {
      return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_LENGTH };
    }
    const bytes = HEADER_BYTES + body;
    if (data.length < bytes) {
      return { op: 'MORE', bytes: bytes - data.length };
    }
    if (reply) {
      return readReply(this.#statements, data, view) ?? { op: 'PASS', bytes };
    }
    const read = readRequest(this.#statements, data, view);
    switch (read.kind) {
      case 'error':
        return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_TYPE };
      case 'panic':
        return read.panic;
      case 'unprepared':
        this.#connection.inject(true, unpreparedMessage(data, read.id));
        return this.#judge([UNKNOWN_PREPARED], data, bytes);
      case 'paths':
        return this.#judge(read.paths, data, bytes);
    }
  }

  /** All of a batch, or nothing. */
  #judge(paths: RequestPaths, data: Uint8Array, bytes: number): ParserOp {
    const unprepared = paths.includes(UNKNOWN_PREPARED);
    // USE is never denied.
    const asked = paths.filter((path) => !/^\/(?:query|batch|prepare)\/use\//.test(path));
    const allowed = !unprepared && asked.every((path) => this.#connection.matches(new CassandraPath(path)));
    for (const path of paths) {
      const [, , action, table, more] = path.split('/');
      const query = action !== undefined && table !== undefined && more === undefined;
      if (action !== 'use' && (query || unprepared)) {
        const fields: Record<string, string> = query
          ? { query_action: action, query_table: table }
          : { error: 'unknown prepared query id' };
        this.#connection.log(allowed ? 'Request' : 'Denied', { generic_l7: { proto: 'cassandra', fields } });
      }
    }
    if (!allowed && !unprepared) {
      this.#connection.inject(true, unauthorizedMessage(data));
    }
    return { op: allowed ? 'PASS' : 'DROP', bytes };
  }
}

/** Of answers only those to PREPARE are read, for the statement's id; a panic, or `null`. @see cilium:proxylib/cassandra/cassandraparser.go#cassandraParseReply */
function readReply({ byStream, byId }: PreparedStatements, data: Uint8Array, view: DataView): ParserOp | null {
  const answer = view.getUint8(0) >= 0x80 && (view.getUint8(1) & 1) === 0 && view.getUint8(4) === OPCODE_RESULT;
  if (!answer) {
    return null;
  }
  if (data.length < HEADER_BYTES + 4) {
    return slicePanic(HEADER_BYTES, HEADER_BYTES + 4, data.length);
  }
  if (view.getUint32(9) !== RESULT_PREPARED) {
    return null;
  }
  if (data.length < 15) {
    return slicePanic(13, 15, data.length);
  }
  // Sixteen bits, as the length is.
  const end = (15 + view.getUint16(13)) & 0xffff;
  if (end < 15 || end > data.length) {
    return slicePanic(15, end, data.length);
  }
  const path = byStream.get(view.getUint16(2)) ?? '';
  if (path !== '') {
    byId.set(fromLatin1(data, 15, end), path);
  }
  return null;
}
