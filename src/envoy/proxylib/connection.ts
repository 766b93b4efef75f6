/**
 * A connection as the library knows it: who talks to whom, its parser, and the two buffers for what the parser wants to say itself.
 * @see cilium:proxylib/proxylib/connection.go#Connection
 */
import type { EntryType, LogEntry } from '../../xds/access_log.ts';
import type { InjectBuffer } from './inject_buffer.ts';
import type { FilterOp, FilterResult, Parser } from './parser.ts';

/** What the proxy says about a new connection. */
export interface ConnectionStart {
  /** The parser's name. */
  readonly proto: string;
  readonly ingress: boolean;
  readonly sourceId: number;
  readonly destinationId: number;
  /** `ip:port`. */
  readonly source: string;
  readonly destination: string;
  /** Address of the pod whose policy counts. */
  readonly policyName: string;
}

/** The protocol's part of a record. */
export type L7LogPart = Pick<LogEntry, 'kafka' | 'generic_l7'>;

/** What a connection asks its instance. @see cilium:proxylib/proxylib/instance.go#Instance */
export interface ConnectionHost {
  policyMatches(policyName: string, ingress: boolean, port: number, remoteId: number, l7: unknown): boolean;
  log(start: ConnectionStart, type: EntryType, l7: L7LogPart): void;
}

/** What a call of `onData` gives. */
export interface DataResult {
  readonly result: FilterResult;
  readonly ops: readonly FilterOp[];
}

/** The connection. */
export class ProxylibConnection {
  readonly start: ConnectionStart;
  /** Destination port. */
  readonly port: number;
  /** For the server: what the parser says in the name of the client. */
  readonly origBuffer: InjectBuffer;
  /** For the client. */
  readonly replyBuffer: InjectBuffer;
  readonly #host: ConnectionHost;
  #parser: Parser | null = null;

  constructor(host: ConnectionHost, start: ConnectionStart, port: number, origBuffer: InjectBuffer, replyBuffer: InjectBuffer) {
    this.#host = host;
    this.start = start;
    this.port = port;
    this.origBuffer = origBuffer;
    this.replyBuffer = replyBuffer;
  }

  /** Gives it its parser. */
  use(parser: Parser): void {
    this.#parser = parser;
  }

  /**
   * Asks the parser until it has no more to say, or for as many operations as there is room for.
   * @see cilium:proxylib/proxylib/connection.go#Connection.OnData
   */
  onData(reply: boolean, endStream: boolean, data: Uint8Array, maxOps: number): DataResult {
    const ops: FilterOp[] = [];
    let input = data;
    while (ops.length < maxOps && this.#parser !== null) {
      const answer = this.#parser.onData(reply, endStream, input);
      if (answer.op === 'NOP') {
        break;
      }
      if (answer.op === 'PANIC') {
        this.log('Denied', { generic_l7: { proto: this.start.proto, fields: { status: `Panic: ${answer.text}` } } });
        return { result: 'PARSER_ERROR', ops };
      }
      if (answer.bytes === 0) {
        return { result: 'PARSER_ERROR', ops };
      }
      ops.push(answer);
      if (answer.op === 'MORE') {
        break;
      }
      if (answer.op === 'PASS' || answer.op === 'DROP') {
        input = input.subarray(Math.max(0, Math.min(answer.bytes, input.length)));
      }
      // An error ends nothing here: the parser is asked again, and only the proxy closes the connection.
      input = input.subarray(Math.min(answer.read ?? 0, input.length));
      if (answer.op === 'INJECT' && this.#injectBuffer(reply).atCapacity) {
        break;
      }
    }
    return { result: 'OK', ops };
  }

  /** Whether policy allows what was parsed. @see cilium:proxylib/proxylib/connection.go#Connection.Matches */
  matches(l7: unknown): boolean {
    const { ingress, sourceId, destinationId, policyName } = this.start;
    return this.#host.policyMatches(policyName, ingress, this.port, ingress ? sourceId : destinationId, l7);
  }

  /** Leaves bytes to be sent in a direction; what does not fit is lost. @see cilium:proxylib/proxylib/connection.go#Connection.Inject */
  inject(reply: boolean, bytes: Uint8Array): number {
    return this.#injectBuffer(reply).append(bytes);
  }

  /** @see cilium:proxylib/proxylib/connection.go#Connection.Log */
  log(type: EntryType, l7: L7LogPart): void {
    this.#host.log(this.start, type, l7);
  }

  #injectBuffer(reply: boolean): InjectBuffer {
    return reply ? this.replyBuffer : this.origBuffer;
  }
}
