/**
 * Lines that say themselves what becomes of them: PASS, DROP, INJECT (into the other direction) and INSERT (in place).
 * @see cilium:proxylib/testparsers/lineparser.go
 */
import { fromLatin1 } from '../../../net/bytes.ts';
import type { ProxylibConnection } from '../connection.ts';
import { ERROR_INVALID_FRAME_TYPE, NOP, type Parser, type ParserOp } from '../parser.ts';

/** The first line with its line feed, or what there is of it. */
export interface FirstLine {
  readonly bytes: Uint8Array;
  readonly whole: boolean;
}

/** @see cilium:proxylib/testparsers/lineparser.go#getLine */
export function firstLine(data: Uint8Array): FirstLine {
  const end = data.indexOf(10);
  return end < 0 ? { bytes: data, whole: false } : { bytes: data.subarray(0, end + 1), whole: true };
}

/** @see cilium:proxylib/testparsers/lineparser.go#LineParser.OnData */
class LineParser implements Parser {
  readonly #connection: ProxylibConnection;
  #inserted = false;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    const { bytes: line, whole } = firstLine(data);
    if (this.#inserted) {
      this.#inserted = false;
      return { op: 'DROP', bytes: line.length };
    }
    if (!whole) {
      return line.length > 0 ? { op: 'MORE', bytes: 1 } : NOP;
    }
    const text = fromLatin1(line);
    if (text.startsWith('PASS')) {
      return { op: 'PASS', bytes: line.length };
    }
    if (text.startsWith('DROP')) {
      return { op: 'DROP', bytes: line.length };
    }
    if (text.startsWith('INJECT')) {
      this.#connection.inject(!reply, line);
      return { op: 'DROP', bytes: line.length };
    }
    if (text.startsWith('INSERT')) {
      this.#connection.inject(reply, line);
      this.#inserted = true;
      return { op: 'INJECT', bytes: line.length };
    }
    return { op: 'ERROR', bytes: ERROR_INVALID_FRAME_TYPE };
  }
}

/** The parser of a connection. */
export function newLineParser(connection: ProxylibConnection): Parser {
  return new LineParser(connection);
}
