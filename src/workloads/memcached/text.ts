/**
 * The server's side of memcached's text protocol.
 * @see https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 * @remarks Simplified: the commands of items, `flush_all`, `version` and `quit`; others are errors.
 */
import { fromLatin1, latin1 } from '../../net/bytes.ts';
import type { Answered } from './server.ts';
import type { MemcachedStore, StorageCommand } from './store.ts';

const STORAGE: readonly string[] = ['set', 'add', 'replace', 'append', 'prepend'];
const VERSION = '1.5.10';

/** Answers the first request. */
export function answerText(store: MemcachedStore, bytes: Uint8Array): Answered {
  const text = fromLatin1(bytes);
  const line = text.indexOf('\n');
  if (line < 0) {
    return { answer: new Uint8Array(), used: 0, quit: false };
  }
  const words = text.slice(0, line).trim().split(/ +/);
  const [command = '', key = ''] = words;
  if (STORAGE.includes(command)) {
    return storage(store, command as StorageCommand, words, text, line + 1);
  }
  const quiet = words.at(-1) === 'noreply';
  const answer = command === 'quit' || quiet ? '' : simple(store, command, key, words);
  if (quiet) {
    simple(store, command, key, words);
  }
  return { answer: latin1(answer), used: line + 1, quit: command === 'quit' };
}

/** The value stands after the line. */
function storage(store: MemcachedStore, command: StorageCommand, words: readonly string[], text: string, start: number): Answered {
  const [, key = '', flags = '', time = '', length = ''] = words;
  const end = start + Number(length);
  if (!/^\d+$/.test(length)) {
    return { answer: latin1('CLIENT_ERROR bad command line format\r\n'), used: start, quit: false };
  }
  if (text.length < end + 2) {
    return { answer: new Uint8Array(), used: 0, quit: false };
  }
  if (text.slice(end, end + 2) !== '\r\n') {
    const next = text.indexOf('\n', end);
    return { answer: latin1('CLIENT_ERROR bad data chunk\r\nERROR\r\n'), used: next < 0 ? text.length : next + 1, quit: false };
  }
  const stored = store.store(command, key, { flags: Number(flags) || 0, value: text.slice(start, end) }, Number(time) || 0);
  const answer = words.at(-1) === 'noreply' ? '' : stored ? 'STORED\r\n' : 'NOT_STORED\r\n';
  return { answer: latin1(answer), used: end + 2, quit: false };
}

function simple(store: MemcachedStore, command: string, key: string, words: readonly string[]): string {
  switch (command) {
    case 'get':
    case 'gets':
      return `${words
        .slice(1)
        .map((one) => found(store, one, command === 'gets'))
        .join('')}END\r\n`;
    case 'delete':
      return store.delete(key) ? 'DELETED\r\n' : 'NOT_FOUND\r\n';
    case 'incr':
    case 'decr': {
      const value = store.add(key, command === 'incr' ? Number(words[2]) : -Number(words[2]));
      return value === null
        ? 'NOT_FOUND\r\n'
        : Number.isNaN(value)
          ? 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'
          : `${value}\r\n`;
    }
    case 'touch':
      return store.touch(key, Number(words[2]) || 0) ? 'TOUCHED\r\n' : 'NOT_FOUND\r\n';
    case 'flush_all':
      store.clear();
      return 'OK\r\n';
    case 'version':
      return `VERSION ${VERSION}\r\n`;
    default:
      return 'ERROR\r\n';
  }
}

function found(store: MemcachedStore, key: string, unique: boolean): string {
  const item = store.get(key);
  return item === null ? '' : `VALUE ${key} ${item.flags} ${item.value.length}${unique ? ' 1' : ''}\r\n${item.value}\r\n`;
}
