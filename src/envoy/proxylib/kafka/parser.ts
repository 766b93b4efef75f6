/**
 * The Kafka parser: whole requests are judged, answers pass.
 * @see cilium:proxylib/kafka/parser.go#KafkaParser.OnData
 */
import type { ProxylibConnection } from '../connection.ts';
import { ERROR_INVALID_FRAME_TYPE, NOP, type Parser, type ParserOp } from '../parser.ts';
import { type KafkaRequest, readRequest } from './request.ts';
import { authErrorResponse, INVALID_MESSAGE, TOPIC_AUTHORIZATION_FAILED } from './response.ts';

/** Length field, and the four bytes after it. */
const HEAD_BYTES = 8;

/** The parser of a connection. */
export function newKafkaParser(connection: ProxylibConnection): Parser {
  return new KafkaParser(connection);
}

class KafkaParser implements Parser {
  readonly #connection: ProxylibConnection;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    if (data.length === 0) {
      return NOP;
    }
    if (data.length < HEAD_BYTES) {
      return { op: 'MORE', bytes: HEAD_BYTES - data.length };
    }
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const bytes = 4 + view.getUint32(0);
    // The correlation id of answers. Of requests these are kind and version, and the log shows them as an id all the same.
    const correlationId = view.getInt32(4);
    if (reply) {
      this.#connection.log('Response', { kafka: { ...NOTHING, correlation_id: correlationId } });
      return { op: 'PASS', bytes };
    }
    if (data.length < bytes) {
      return { op: 'MORE', bytes: bytes - data.length };
    }
    const request = readRequest(data.subarray(0, bytes));
    if (request === null) {
      this.#connection.log('Denied', { kafka: { ...NOTHING, correlation_id: correlationId, error_code: INVALID_MESSAGE } });
      return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_TYPE, read: bytes === 4 ? 4 : Math.max(6, bytes) };
    }
    return this.#judge(request, correlationId, bytes);
  }

  #judge(request: KafkaRequest, correlationId: number, bytes: number): ParserOp {
    const entry = {
      correlation_id: correlationId,
      error_code: 0,
      api_version: request.version,
      api_key: request.kind,
      topics: request.topicNames(),
    };
    if (this.#connection.matches(request)) {
      this.#connection.log('Request', { kafka: entry });
      return { op: 'PASS', bytes };
    }
    const response = authErrorResponse(request);
    if (response !== null) {
      this.#connection.inject(true, response);
    }
    this.#connection.log('Denied', { kafka: { ...entry, error_code: TOPIC_AUTHORIZATION_FAILED } });
    return { op: 'DROP', bytes };
  }
}

/** What a record says of a message nothing is known of. */
const NOTHING = { error_code: 0, api_version: 0, api_key: 0, topics: [] } as const;
