/**
 * The server's side of memcached's binary protocol, and the frames of both sides.
 * @see https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped
 * @remarks Simplified: get, set, add, replace, delete, increment, decrement, quit, flush, noop, version, append, prepend; others are unknown.
 */
import { concatBytes, fromLatin1, latin1 } from '../../net/bytes.ts';
import type { Answered } from './server.ts';
import type { MemcachedStore, StorageCommand } from './store.ts';

/** Opcodes. */
export const OP = {
  GET: 0,
  SET: 1,
  ADD: 2,
  REPLACE: 3,
  DELETE: 4,
  INCR: 5,
  DECR: 6,
  QUIT: 7,
  FLUSH: 8,
  NOOP: 10,
  VERSION: 11,
  APPEND: 14,
  PREPEND: 15,
} as const;
/** Answers' states. */
export const STATUS = { OK: 0, NOT_FOUND: 1, EXISTS: 2, NOT_STORED: 5, NOT_A_NUMBER: 6, UNKNOWN_COMMAND: 0x81 } as const;

const HEADER_BYTES = 24;
const STORES: Readonly<Record<number, StorageCommand>> = { 1: 'set', 2: 'add', 3: 'replace', 14: 'append', 15: 'prepend' };

/** A request or an answer. */
export interface BinaryMessage {
  readonly magic: number;
  readonly opcode: number;
  /** Of answers. */
  readonly status: number;
  readonly key: string;
  readonly extras: Uint8Array;
  readonly value: string;
}

/** The bytes of a message. */
export function encodeBinary({ magic, opcode, status, key, extras, value }: BinaryMessage): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, magic);
  view.setUint8(1, opcode);
  view.setUint16(2, key.length);
  view.setUint8(4, extras.length);
  view.setUint16(6, status);
  view.setUint32(8, extras.length + key.length + value.length);
  return concatBytes([header, extras, latin1(key + value)]);
}

/** The first message and its length, or `null` if it is not whole. */
export function decodeBinary(bytes: Uint8Array): { readonly message: BinaryMessage; readonly length: number } | null {
  if (bytes.length < HEADER_BYTES) {
    return null;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = HEADER_BYTES + view.getUint32(8);
  if (bytes.length < length) {
    return null;
  }
  const keyAt = HEADER_BYTES + view.getUint8(4);
  const valueAt = keyAt + view.getUint16(2);
  const message = {
    ...{ magic: view.getUint8(0), opcode: view.getUint8(1), status: view.getUint16(6) },
    key: fromLatin1(bytes, keyAt, valueAt),
    extras: bytes.subarray(HEADER_BYTES, keyAt),
    value: fromLatin1(bytes, valueAt, Math.max(valueAt, length)),
  };
  return { message, length };
}

/** Answers the first request. */
export function answerBinary(store: MemcachedStore, bytes: Uint8Array): Answered {
  const first = decodeBinary(bytes);
  if (first === null) {
    return { answer: new Uint8Array(), used: 0, quit: false };
  }
  const { message, length } = first;
  const { status, extras, value } = carryOut(store, message);
  const answer = encodeBinary({ magic: 0x81, opcode: message.opcode, status, key: '', extras, value });
  return { answer, used: length, quit: message.opcode === OP.QUIT };
}

type Outcome = Pick<BinaryMessage, 'status' | 'extras' | 'value'>;

const TEXTS: Readonly<Record<number, string>> = {
  [STATUS.NOT_FOUND]: 'Not found',
  [STATUS.EXISTS]: 'Data exists for key.',
  [STATUS.NOT_STORED]: 'Not stored.',
  [STATUS.NOT_A_NUMBER]: 'Non-numeric server-side value for incr or decr',
  [STATUS.UNKNOWN_COMMAND]: 'Unknown command',
};

function ended(status: number): Outcome {
  return { status, extras: new Uint8Array(), value: TEXTS[status] ?? '' };
}

function carryOut(store: MemcachedStore, { opcode, key, extras, value }: BinaryMessage): Outcome {
  const view = new DataView(extras.buffer, extras.byteOffset, extras.byteLength);
  const command = STORES[opcode];
  if (command !== undefined) {
    const fresh = extras.length >= 8;
    const stored = store.store(command, key, { flags: fresh ? view.getUint32(0) : 0, value }, fresh ? view.getUint32(4) : 0);
    return ended(stored ? STATUS.OK : command === 'add' ? STATUS.EXISTS : command === 'replace' ? STATUS.NOT_FOUND : STATUS.NOT_STORED);
  }
  switch (opcode) {
    case OP.GET: {
      const item = store.get(key);
      return item === null ? ended(STATUS.NOT_FOUND) : { status: STATUS.OK, extras: number32(item.flags), value: item.value };
    }
    case OP.DELETE:
      return ended(store.delete(key) ? STATUS.OK : STATUS.NOT_FOUND);
    case OP.INCR:
    case OP.DECR: {
      const delta = extras.length >= 8 ? view.getUint32(4) : 1;
      const sum = store.add(key, opcode === OP.INCR ? delta : -delta);
      return sum === null
        ? ended(STATUS.NOT_FOUND)
        : Number.isNaN(sum)
          ? ended(STATUS.NOT_A_NUMBER)
          : { status: STATUS.OK, extras: new Uint8Array(), value: fromLatin1(concatBytes([number32(0), number32(sum)])) };
    }
    case OP.FLUSH:
      store.clear();
      return ended(STATUS.OK);
    case OP.QUIT:
    case OP.NOOP:
      return ended(STATUS.OK);
    case OP.VERSION:
      return { status: STATUS.OK, extras: new Uint8Array(), value: '1.5.10' };
    default:
      return ended(STATUS.UNKNOWN_COMMAND);
  }
}

/** Four bytes, most significant first. */
export function number32(value: number): Uint8Array {
  return Uint8Array.from([value >>> 24, value >>> 16, value >>> 8, value]);
}
