/**
 * Blocks `length:text`, whose length counts its own digits, that say themselves what becomes of them.
 * @see cilium:proxylib/testparsers/blockparser.go
 */
import { fromLatin1, latin1 } from '../../../net/bytes.ts';
import type { ProxylibConnection } from '../connection.ts';
import { ERROR_INVALID_FRAME_LENGTH, ERROR_INVALID_FRAME_TYPE, NOP, type Parser, type ParserOp } from '../parser.ts';

const NAME = 'test.blockparser';

/** What there is of a block. */
interface Block {
  readonly text: string;
  readonly length: number;
  /** Bytes that are not there yet. */
  readonly missing: number;
}

/** @see cilium:proxylib/testparsers/blockparser.go#getBlock */
function firstBlock(data: Uint8Array): Block | null {
  const text = fromLatin1(data);
  const colon = text.indexOf(':');
  if (colon < 0) {
    return { text, length: 0, missing: text.length > 0 ? 1 : 0 };
  }
  const digits = text.slice(0, colon);
  const length = Number(digits);
  if (!/^[0-9]+$/.test(digits) || length > Number.MAX_SAFE_INTEGER || length <= digits.length) {
    return null;
  }
  return { text: text.slice(0, length), length, missing: Math.max(0, length - text.length) };
}

/** @see cilium:proxylib/testparsers/blockparser.go#BlockParser.OnData */
class BlockParser implements Parser {
  readonly #connection: ProxylibConnection;
  #inserted = 0;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    const block = firstBlock(data);
    if (block === null) {
      return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_LENGTH };
    }
    const { text, length, missing } = block;
    if (this.#inserted > 0) {
      if (this.#inserted === length) {
        this.#inserted = 0;
        return { op: 'DROP', bytes: length };
      }
      const injected = this.#connection.inject(reply, latin1(text.slice(this.#inserted)));
      this.#inserted += injected;
      return { op: 'INJECT', bytes: injected };
    }
    if (missing === 0 && length === 0) {
      return NOP;
    }
    if (text.includes('PASS')) {
      this.#connection.log('Request', { generic_l7: { proto: NAME, fields: { status: '200' } } });
      return { op: 'PASS', bytes: length };
    }
    if (text.includes('DROP')) {
      this.#connection.log('Denied', { generic_l7: { proto: NAME, fields: { status: '503' } } });
      return { op: 'DROP', bytes: length };
    }
    return missing > 0 ? { op: 'MORE', bytes: missing } : this.#whole(reply, block);
  }

  #whole(reply: boolean, { text, length }: Block): ParserOp {
    if (text.includes('INJECT')) {
      this.#connection.inject(!reply, latin1(text));
      return { op: 'DROP', bytes: length };
    }
    if (text.includes('INSERT')) {
      this.#inserted = this.#connection.inject(reply, latin1(text));
      return { op: 'INJECT', bytes: this.#inserted };
    }
    return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_TYPE };
  }
}

/** The parser of a connection. */
export function newBlockParser(connection: ProxylibConnection): Parser {
  return new BlockParser(connection);
}
