/**
 * The memcached parser: the first byte of a connection tells which of the two protocols it speaks.
 * @see cilium:proxylib/memcached/parser.go#Parser.OnData
 */
import type { ProxylibConnection } from '../connection.ts';
import { NOP, type Parser, type ParserOp } from '../parser.ts';
import { BinaryMemcacheParser } from './binary.ts';
import { TextMemcacheParser } from './text.ts';

/** The parser of a connection. */
export function newMemcacheParser(connection: ProxylibConnection): Parser {
  return new MemcacheParser(connection);
}

class MemcacheParser implements Parser {
  readonly #connection: ProxylibConnection;
  #parser: Parser | null = null;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, endStream: boolean, data: Uint8Array): ParserOp {
    if (this.#parser === null) {
      const [magic] = data;
      if (magic === undefined) {
        return NOP;
      }
      this.#parser = magic >= 128 ? new BinaryMemcacheParser(this.#connection) : new TextMemcacheParser(this.#connection);
    }
    return this.#parser.onData(reply, endStream, data);
  }
}
