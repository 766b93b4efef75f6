/**
 * HTTP/2 as programs use it through their library: whole messages on streams of one connection.
 * @remarks Simplified: every program's library is an nghttp2 session here; gRPC's own transport orders some frames otherwise.
 */
import { concatBytes, NO_BYTES } from '../net/bytes.ts';
import { ERROR, type Setting } from '../net/http2/frame.ts';
import type { HeaderField } from '../net/http2/hpack_table.ts';
import { Http2Session } from '../net/http2/session.ts';
import type { BlockKind, SessionCallbacks } from '../net/http2/session_callbacks.ts';

/** A message as it has come in. */
export interface Http2Message {
  readonly headers: readonly HeaderField[];
  readonly body: Uint8Array;
  readonly trailers: readonly HeaderField[];
}

/** What the program hears. */
export interface Http2PeerHandlers {
  /** A message is complete: a request for a server, a response for a client. */
  onMessage(streamId: number, message: Http2Message): void;
  /** Headers of the final response, or of the request, have come. */
  onHeaders?(streamId: number, headers: readonly HeaderField[]): void;
  /** The stream ended before its message. */
  onReset?(streamId: number, code: number): void;
  onGoaway?(code: number): void;
}

/** How the library introduces itself. */
export interface Http2Introduction {
  readonly settings: readonly Setting[];
  /** What the connection's window is enlarged to. */
  readonly connectionWindow: number;
}

interface Incoming {
  headers: HeaderField[];
  trailers: HeaderField[];
  current: HeaderField[];
  body: Uint8Array[];
  bytes: number;
}

/** One end of a connection. */
export class Http2Peer implements SessionCallbacks {
  readonly #session: Http2Session;
  readonly #handlers: Http2PeerHandlers;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #incoming = new Map<number, Incoming>();
  #out: Uint8Array[] = [];

  constructor(server: boolean, introduction: Http2Introduction, write: (bytes: Uint8Array) => void, handlers: Http2PeerHandlers) {
    this.#handlers = handlers;
    this.#write = write;
    this.#session = new Http2Session({ server, autoConsume: true }, this);
    this.#session.submitSettings(introduction.settings);
    if (introduction.connectionWindow > 65535) {
      this.#session.submitWindowUpdate(introduction.connectionWindow - 65535);
    }
  }

  /** Bytes received of a stream's body. */
  received(streamId: number): number {
    return this.#incoming.get(streamId)?.bytes ?? 0;
  }

  /** Says what waits, also before anything was received. */
  flush(): void {
    this.#session.send();
    const bytes = concatBytes(this.#out.length === 0 ? [NO_BYTES] : this.#out);
    this.#out = [];
    if (bytes.length > 0) {
      this.#write(bytes);
    }
  }

  /** Bytes of the peer; `false`: this is no HTTP/2, and the connection should end. */
  receive(bytes: Uint8Array): boolean {
    const error = this.#session.receive(bytes);
    this.flush();
    return error === null && !this.#session.terminated;
  }

  /** Sends a request; returns its stream. */
  request(headers: readonly HeaderField[], body: Uint8Array | null): number {
    const streamId = this.#session.submitRequest(headers, body === null);
    if (body !== null) {
      this.#session.submitData(streamId, body, true);
    }
    this.flush();
    return streamId;
  }

  /** Answers a request; trailers end it, if there are any. */
  respond(streamId: number, headers: readonly HeaderField[], body: Uint8Array | null, trailers: readonly HeaderField[] = []): void {
    const ends = body === null && trailers.length === 0;
    this.#session.submitResponse(streamId, headers, ends);
    if (body !== null) {
      this.#session.submitData(streamId, body, trailers.length === 0);
    }
    if (trailers.length > 0) {
      this.#session.submitTrailers(streamId, trailers);
    }
    this.flush();
  }

  /** Gives a stream up. */
  reset(streamId: number, code: number = ERROR.CANCEL): void {
    this.#session.submitReset(streamId, code);
    this.flush();
  }

  write(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  onBeginHeaders(streamId: number): boolean {
    const message = this.#incoming.get(streamId);
    if (message === undefined) {
      this.#incoming.set(streamId, { headers: [], trailers: [], current: [], body: [], bytes: 0 });
    } else {
      message.current = [];
    }
    return true;
  }

  onHeader(streamId: number, name: string, value: string): boolean {
    this.#incoming.get(streamId)?.current.push([name, value]);
    return true;
  }

  onHeaders(streamId: number, kind: BlockKind, endStream: boolean): boolean {
    const message = this.#incoming.get(streamId);
    if (message === undefined) {
      return true;
    }
    if (kind === 'trailers') {
      message.trailers = message.current;
    } else if (kind === 'request' || !message.current.some(([name, value]) => name === ':status' && value.startsWith('1'))) {
      message.headers = message.current;
      this.#handlers.onHeaders?.(streamId, message.headers);
    }
    if (endStream) {
      this.#complete(streamId, message);
    }
    return true;
  }

  onData(streamId: number, bytes: Uint8Array): void {
    const message = this.#incoming.get(streamId);
    if (message !== undefined) {
      message.body.push(bytes);
      message.bytes += bytes.length;
    }
  }

  onDataFrame(streamId: number, endStream: boolean): boolean {
    const message = this.#incoming.get(streamId);
    if (message !== undefined && endStream) {
      this.#complete(streamId, message);
    }
    return true;
  }

  onStreamClose(streamId: number, code: number): boolean {
    if (this.#incoming.delete(streamId) || code !== ERROR.NO_ERROR) {
      this.#handlers.onReset?.(streamId, code);
    }
    return true;
  }

  onGoaway(_last: number, code: number): boolean {
    this.#handlers.onGoaway?.(code);
    return true;
  }

  #complete(streamId: number, message: Incoming): void {
    this.#incoming.delete(streamId);
    const body = message.body.length === 0 ? NO_BYTES : concatBytes(message.body);
    this.#handlers.onMessage(streamId, { headers: message.headers, body, trailers: message.trailers });
  }
}

/** The value of a header, or `null`. */
export function fieldValue(headers: readonly HeaderField[], name: string): string | null {
  return headers.find(([key]) => key === name)?.[1] ?? null;
}
