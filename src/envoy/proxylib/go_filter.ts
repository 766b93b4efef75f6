/**
 * The proxy's side of the library: buffers both directions of a connection and carries out what the parser says.
 * @see proxy:cilium/proxylib.cc#GoFilter::Instance
 */
import { concatBytes, NO_BYTES } from '../../net/bytes.ts';
import { assertNever } from '../../sim/assert.ts';
import type { ProxylibConnection } from './connection.ts';
import type { InjectBuffer } from './inject_buffer.ts';
import type { FilterOp, FilterResult } from './parser.ts';

/** Operations of one call. @see proxy:cilium/proxylib.cc#GoFilter::Instance::OnIO */
const MAX_OPS = 16;

/** @see proxy:cilium/proxylib.h#GoFilter::Instance::Direction */
interface Direction {
  /** Bytes the parser has not decided about. */
  input: Uint8Array;
  needBytes: number;
  passBytes: number;
  dropBytes: number;
  closed: boolean;
  readonly inject: InjectBuffer;
}

/** What a direction's data became. */
export interface IoResult {
  readonly result: Extract<FilterResult, 'OK' | 'PARSER_ERROR'>;
  /** What goes on. */
  readonly output: Uint8Array;
  /** What the parser answered, in order, for the journey. */
  readonly ops: readonly FilterOp[];
}

/** What became of the operations of one call of the library. */
interface Applied {
  readonly ok: boolean;
  readonly terminal: boolean;
}

/** How much input the filter believes there is. */
interface Counted {
  input: number;
}

/** The filter's instance for a connection. */
export class GoFilterInstance {
  readonly #connection: ProxylibConnection;
  readonly #orig: Direction;
  readonly #reply: Direction;

  constructor(connection: ProxylibConnection) {
    this.#connection = connection;
    this.#orig = newDirection(connection.origBuffer);
    this.#reply = newDirection(connection.replyBuffer);
  }

  /** Whether something waits to be said to the client. @see proxy:cilium/proxylib.h#GoFilter::Instance::WantReplyInject */
  get wantsReplyInject(): boolean {
    return !this.#reply.closed && this.#reply.inject.length > 0;
  }

  /** The direction has ended. */
  setEndStream(reply: boolean, endStream: boolean): void {
    (reply ? this.#reply : this.#orig).closed = endStream;
  }

  /** Data of a direction. @see proxy:cilium/proxylib.cc#GoFilter::Instance::OnIO */
  onIo(reply: boolean, data: Uint8Array, endStream: boolean): IoResult {
    const dir = reply ? this.#reply : this.#orig;
    const output: Uint8Array[] = [];
    const ops: FilterOp[] = [];
    const done = (result: IoResult['result']): IoResult => ({ result, output: joined(output), ops });
    const rest = earlierVerdict(dir, data, output);
    if (rest === null) {
      return done('OK');
    }
    dir.input = dir.input.length === 0 ? rest : concatBytes([dir.input, rest]);
    if (dir.passBytes > 0) {
      output.push(dir.input.subarray(0, dir.passBytes));
      dir.input = dir.input.subarray(dir.passBytes);
      dir.passBytes = 0;
    }
    // At the border of a frame: what the other direction's parser had to say goes first.
    if (dir.inject.length > 0) {
      output.push(dir.inject.take());
    }
    if (dir.input.length < dir.needBytes) {
      return done('OK');
    }
    dir.needBytes = 0;
    const counted = { input: dir.input.length };
    for (;;) {
      const call = this.#connection.onData(reply, endStream, dir.input, MAX_OPS);
      ops.push(...call.ops);
      if (call.result !== 'OK') {
        return done('PARSER_ERROR');
      }
      const { ok, terminal } = applyOps(dir, counted, call.ops, output);
      // What is left in the buffer was neither injected nor asked for.
      if (!ok || dir.inject.length > 0) {
        return done('PARSER_ERROR');
      }
      const exhausted = dir.inject.atCapacity;
      dir.inject.reset();
      if (terminal || (call.ops.length < MAX_OPS && !exhausted)) {
        return done('OK');
      }
    }
  }
}

function newDirection(inject: InjectBuffer): Direction {
  return { input: NO_BYTES, needBytes: 0, passBytes: 0, dropBytes: 0, closed: false, inject };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 0 ? NO_BYTES : concatBytes(parts);
}

/** Goes on passing or dropping what was decided before its bytes had come; what is left, or `null` if the frame goes on. */
function earlierVerdict(dir: Direction, data: Uint8Array, output: Uint8Array[]): Uint8Array | null {
  if (dir.passBytes > 0) {
    if (dir.passBytes > data.length) {
      dir.passBytes -= data.length;
      output.push(data);
      return null;
    }
    return data;
  }
  if (dir.dropBytes === 0) {
    return data;
  }
  if (dir.dropBytes > data.length) {
    dir.dropBytes -= data.length;
    return null;
  }
  const rest = data.subarray(dir.dropBytes);
  dir.dropBytes = 0;
  return rest;
}

/**
 * Carries out the operations of one call. After a terminal one none may follow: a parser that passes more than there is, and then asks for more, as
 * that of memcached does when a value comes after its command, ends the connection.
 * A length below zero, which the text of memcached can lead to, moves all there is and makes the count of the input grow.
 */
function applyOps(dir: Direction, counted: Counted, ops: readonly FilterOp[], output: Uint8Array[]): Applied {
  let terminal = false;
  for (const { op, bytes } of ops) {
    if (bytes === 0 || terminal) {
      return { ok: false, terminal };
    }
    switch (op) {
      case 'MORE':
        dir.needBytes = counted.input + bytes;
        terminal = true;
        break;
      case 'PASS':
      case 'DROP': {
        const all = bytes > counted.input;
        const taken = all || bytes < 0 ? dir.input : dir.input.subarray(0, bytes);
        dir.input = dir.input.subarray(taken.length);
        if (op === 'PASS') {
          output.push(taken);
          dir.passBytes = all ? bytes - counted.input : 0;
        } else {
          dir.dropBytes = all ? bytes - counted.input : 0;
        }
        counted.input = all ? 0 : counted.input - bytes;
        terminal = all;
        break;
      }
      case 'INJECT':
        if (bytes > dir.inject.length) {
          return { ok: false, terminal };
        }
        output.push(dir.inject.drain(bytes));
        break;
      case 'ERROR':
        return { ok: false, terminal };
      default:
        assertNever(op);
    }
  }
  return { ok: true, terminal };
}
