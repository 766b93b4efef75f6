/**
 * The binary protocol of memcached.
 * @see cilium:proxylib/memcached/binary/parser.go#Parser.OnData
 * @see https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped
 */
import { fromLatin1, latin1 } from '../../../net/bytes.ts';
import type { ProxylibConnection } from '../connection.ts';
import { ERROR_INVALID_FRAME_TYPE, NOP, type Parser, type ParserOp } from '../parser.ts';
import { MemcacheMeta } from './rule.ts';

const HEADER_BYTES = 24;
const RESPONSE_MAGIC = 0x81;
const DENIED_TEXT = 'access denied';
/** Status "auth error". */
const DENIED_STATUS = 8;

/** An answer that waits for those before it. */
interface QueuedInject {
  readonly magic: number;
  readonly request: number;
}

/** The parser of a connection. */
export class BinaryMemcacheParser implements Parser {
  readonly #connection: ProxylibConnection;
  #requests = 0;
  #replies = 0;
  readonly #queue: QueuedInject[] = [];

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    if (reply) {
      if (this.#injectFromQueue()) {
        return { op: 'INJECT', bytes: HEADER_BYTES + DENIED_TEXT.length };
      }
      if (data.length === 0) {
        return NOP;
      }
    }
    if (data.length < HEADER_BYTES) {
      return { op: 'MORE', bytes: HEADER_BYTES - data.length };
    }
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const keyLength = view.getUint16(2);
    const keyStart = HEADER_BYTES + view.getUint8(4);
    if (keyLength > 0 && keyStart + keyLength > data.length) {
      return { op: 'MORE', bytes: keyStart + keyLength - data.length };
    }
    if (view.getUint8(0) < 0x80) {
      return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_TYPE };
    }
    const opcode = view.getUint8(1);
    const key = fromLatin1(data, keyStart, keyStart + keyLength);
    const entry = { generic_l7: { proto: 'binarymemcached', fields: { opcode: String(opcode), key } } };
    // Thirty-two bits, as the length is.
    const bytes = (view.getUint32(8) + HEADER_BYTES) >>> 0;
    if (reply) {
      this.#connection.log('Response', entry);
      this.#replies += 1;
      return { op: 'PASS', bytes };
    }
    this.#requests += 1;
    if (this.#connection.matches(new MemcacheMeta('', opcode, [key]))) {
      this.#connection.log('Request', entry);
      return { op: 'PASS', bytes };
    }
    this.#deny(RESPONSE_MAGIC | view.getUint8(0));
    this.#connection.log('Denied', entry);
    return { op: 'DROP', bytes };
  }

  /** Answers at once if nothing is awaited. The answer is queued in any case, and then stands in the way of those that are queued after it. */
  #deny(magic: number): void {
    const queued = { magic, request: this.#requests };
    if (this.#requests === this.#replies + 1) {
      this.#injectDenied(magic);
    } else {
      this.#queue.push(queued);
    }
    this.#queue.push(queued);
  }

  #injectFromQueue(): boolean {
    const [first] = this.#queue;
    if (first === undefined || first.request !== this.#replies + 1) {
      return false;
    }
    this.#injectDenied(first.magic);
    this.#queue.shift();
    return true;
  }

  /** @see cilium:proxylib/memcached/binary/parser.go#DeniedMsgBase */
  #injectDenied(magic: number): void {
    const message = new Uint8Array(HEADER_BYTES + DENIED_TEXT.length);
    message[0] = magic;
    message[7] = DENIED_STATUS;
    message[11] = DENIED_TEXT.length;
    message.set(latin1(DENIED_TEXT), HEADER_BYTES);
    this.#connection.inject(true, message);
    this.#replies += 1;
  }
}
