/**
 * The text protocol of memcached: requests are judged, answers are counted off so that the parser's own stand in their place.
 * @see cilium:proxylib/memcached/text/parser.go#Parser.OnData
 * @see https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 */
import { fromLatin1, latin1 } from '../../../net/bytes.ts';
import type { ProxylibConnection } from '../connection.ts';
import { indexPanic, NOP, type Parser, type ParserOp, slicePanic } from '../parser.ts';
import { MemcacheMeta } from './rule.ts';

const DENIED = 'CLIENT_ERROR access denied\r\n';
const PAYLOAD_END = '\r\nEND\r\n';

const STORAGE: readonly string[] = ['set', 'add', 'replace', 'append', 'prepend', 'cas'];
/** Commands with a key whose line has so many words if no answer is wanted. */
const NOREPLY_WORDS: Readonly<Record<string, number>> = { delete: 3, incr: 4, decr: 4, touch: 4 };
const WITHOUT_KEY: readonly string[] = ['slabs', 'lru', 'lru_crawler', 'stats', 'version', 'misbehave', 'watch'];
/** Commands whose answer is one line. */
const ONE_LINE: readonly string[] = [
  ...STORAGE,
  ...Object.keys(NOREPLY_WORDS),
  'slabs',
  'lru',
  'flush_all',
  'cache_memlimit',
  'version',
  'misbehave',
];

/** Closes the connection: an operation without a length. */
const ERROR: ParserOp = { op: 'ERROR', bytes: 0 };

/** A command line that was read. */
interface Command {
  readonly name: string;
  readonly keys: readonly string[];
  /** Bytes after the line. */
  readonly payload: number;
  readonly noReply: boolean;
}

/** An answer that is awaited. @see cilium:proxylib/memcached/text/parser.go#replyIntent */
interface Awaited {
  readonly command: string;
  readonly denied: boolean;
}

/** The parser of a connection. */
export class TextMemcacheParser implements Parser {
  readonly #connection: ProxylibConnection;
  readonly #awaited: Awaited[] = [];
  #watching = false;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
  }

  onData(reply: boolean, _endStream: boolean, data: Uint8Array): ParserOp {
    if (reply) {
      const injected = this.#injectFromQueue();
      if (injected > 0) {
        return { op: 'INJECT', bytes: injected };
      }
      if (data.length === 0) {
        return NOP;
      }
    }
    const text = fromLatin1(data);
    const line = text.indexOf('\r\n');
    if (line < 0) {
      return { op: 'MORE', bytes: text.endsWith('\r') ? 1 : 2 };
    }
    const words = text
      .slice(0, line)
      .split(/[\t\n\v\f\r ]+/)
      .filter((word) => word !== '');
    return reply ? this.#reply(text, line, words) : this.#request(line, words);
  }

  #request(line: number, words: readonly string[]): ParserOp {
    const command = readCommand(words);
    if ('op' in command) {
      return command;
    }
    this.#watching ||= command.name === 'watch';
    const { name, keys, noReply } = command;
    const entry = { generic_l7: { proto: 'textmemcached', fields: { command: name, keys: keys.join(', ') } } };
    const bytes = line + 2 + command.payload;
    const denied = !this.#connection.matches(new MemcacheMeta(name, 0, keys));
    if (!noReply) {
      if (denied && this.#awaited.length === 0) {
        this.#connection.inject(true, latin1(DENIED));
      } else {
        this.#awaited.push({ command: name, denied });
      }
    }
    this.#connection.log(denied ? 'Denied' : 'Request', entry);
    return { op: denied ? 'DROP' : 'PASS', bytes };
  }

  /** @see cilium:proxylib/memcached/text/parser.go#Parser.OnData (reply) */
  #reply(text: string, line: number, words: readonly string[]): ParserOp {
    const [awaited] = this.#awaited;
    if (awaited === undefined) {
      return indexPanic(0, 0);
    }
    if (this.#watching) {
      return { op: 'PASS', bytes: line + 2 };
    }
    const [first] = words;
    if (first === undefined) {
      return indexPanic(0, 0);
    }
    const { command } = awaited;
    if (['ERROR', 'CLIENT_ERROR', 'SERVER_ERROR'].includes(first) || ONE_LINE.includes(command)) {
      return this.#answered(command, line + 2);
    }
    const crawler = command === 'lru_crawler';
    if (crawler && ['OK', 'BUSY', 'BADCLASS'].includes(first)) {
      return this.#answered(command, line + 2);
    }
    if (!crawler && !isRetrieval(command) && command !== 'stats') {
      return ERROR;
    }
    // A first line END has nothing before it, so that the end of a later answer is looked for.
    const end = text.indexOf(PAYLOAD_END);
    return end > 0 ? this.#answered(command, end + PAYLOAD_END.length) : { op: 'MORE', bytes: 1 };
  }

  #answered(command: string, bytes: number): ParserOp {
    this.#connection.log('Response', { generic_l7: { proto: 'textmemcached', fields: { command } } });
    this.#awaited.shift();
    return { op: 'PASS', bytes };
  }

  /** Says what was denied once it is its turn; returns the length of it. @see cilium:proxylib/memcached/text/parser.go#Parser.injectFromQueue */
  #injectFromQueue(): number {
    let injected = 0;
    while (this.#awaited[0]?.denied === true) {
      this.#awaited.shift();
      this.#connection.inject(true, latin1(DENIED));
      injected += DENIED.length;
    }
    return injected;
  }
}

function isRetrieval(command: string): boolean {
  return command.startsWith('get') || command.startsWith('gat');
}

/** A command line; what Go panics over is a word that is not there. */
function readCommand(words: readonly string[]): Command | ParserOp {
  const [name] = words;
  if (name === undefined) {
    return indexPanic(0, 0);
  }
  const none = { name, keys: [], payload: 0, noReply: false };
  if (isRetrieval(name)) {
    const from = name.startsWith('get') ? 1 : 2;
    return words.length < from ? slicePanic(from, words.length, words.length) : { ...none, keys: words.slice(from) };
  }
  if (STORAGE.includes(name)) {
    return readStorage(name, words);
  }
  const noReplyWords = NOREPLY_WORDS[name];
  if (noReplyWords !== undefined) {
    return words.length < 2 ? keyPanic(words) : { ...none, keys: words.slice(1, 2), noReply: words.length === noReplyWords };
  }
  if (WITHOUT_KEY.includes(name)) {
    return none;
  }
  if (name === 'flush_all' || name === 'cache_memlimit') {
    return { ...none, noReply: words.at(-1) === 'noreply' };
  }
  return name === 'quit' ? { ...none, noReply: true } : ERROR;
}

/** `set key flags exptime bytes [noreply]`, and the data after the line. */
function readStorage(name: string, words: readonly string[]): Command | ParserOp {
  if (words.length < 2) {
    return keyPanic(words);
  }
  const length = words[4];
  if (length === undefined) {
    return indexPanic(4, words.length);
  }
  if (!/^[+-]?\d{1,18}$/.test(length)) {
    return ERROR;
  }
  const noReply = words.length === (name === 'cas' ? 7 : 6);
  return { name, keys: words.slice(1, 2), payload: Number(length) + 2, noReply };
}

/** `tokens[1:2]` of a line of one word. */
function keyPanic(words: readonly string[]): ParserOp {
  return slicePanic(1, 2, words.length);
}
