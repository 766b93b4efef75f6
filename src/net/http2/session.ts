/**
 * An HTTP/2 session: one end of a connection, bytes in and bytes out. What it refuses, and how, is nghttp2's.
 * @see nghttp2:lib/nghttp2_session.c
 * @see https://www.rfc-editor.org/rfc/rfc9113
 * @remarks Not modelled: server push, stream priorities (streams with data take turns, a frame each), extension frames (they are passed over).
 * @remarks Simplified: a frame's payload is judged when all of it has come; a real session reads header blocks and data as they come.
 */
import { concatBytes, latin1, NO_BYTES } from '../bytes.ts';
import {
  CLIENT_PREFACE,
  DEFAULT_WINDOW,
  ERROR,
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frame,
  numberFrame,
  readFrameHeader,
  type Setting,
  settingsFrame,
} from './frame.ts';
import { FrameReceiver } from './frame_receiver.ts';
import { type Refusal, refusal } from './frame_refusal.ts';
import type { HeaderField } from './hpack_table.ts';
import { Outbound } from './outbound.ts';
import type { SessionCallbacks, SessionError } from './session_callbacks.ts';
import { SessionState } from './session_state.ts';

/** How a session is set up. */
export interface SessionOptions {
  readonly server: boolean;
  /** Data counts as used up when the owner was told of it. */
  readonly autoConsume: boolean;
}

/** The session. */
export class Http2Session {
  readonly #state: SessionState;
  readonly #outbound: Outbound;
  readonly #receiver: FrameReceiver;
  #rest: Uint8Array = NO_BYTES;
  #magic: Uint8Array;
  #first = true;

  constructor(options: SessionOptions, callbacks: SessionCallbacks) {
    this.#state = new SessionState(options.server, callbacks);
    this.#outbound = new Outbound(this.#state);
    this.#receiver = new FrameReceiver(this.#state, this.#outbound, options.autoConsume);
    this.#magic = options.server ? latin1(CLIENT_PREFACE) : NO_BYTES;
    if (!options.server) {
      this.#outbound.preface = latin1(CLIENT_PREFACE);
    }
  }

  /** Highest stream of the peer that was seen. */
  get lastReceivedStreamId(): number {
    return this.#state.lastReceived;
  }

  /** Whether the session reads no more. */
  get terminated(): boolean {
    return this.#state.terminating;
  }

  /** Reads bytes of the peer. @see nghttp2:lib/nghttp2_session.c#nghttp2_session_mem_recv */
  receive(bytes: Uint8Array): SessionError | null {
    if (this.#state.terminating) {
      return null;
    }
    const input = this.#rest.length === 0 ? bytes : concatBytes([this.#rest, bytes]);
    this.#rest = NO_BYTES;
    let at = this.#readMagic(input);
    if (at < 0) {
      return 'Received bad client magic byte string';
    }
    while (this.#magic.length === 0 && input.length - at >= FRAME_HEADER_BYTES) {
      const header = readFrameHeader(input, at);
      const refused = this.#refusal(header);
      if (refused !== null) {
        this.#outbound.terminate(refused.code, refused.reason);
        return null;
      }
      const end = at + FRAME_HEADER_BYTES + header.length;
      if (input.length < end) {
        break;
      }
      this.#first = false;
      if (!this.#receiver.frame(header, input.subarray(at + FRAME_HEADER_BYTES, end))) {
        return 'The user callback function failed';
      }
      at = end;
      if (this.#state.terminating) {
        return null;
      }
    }
    this.#rest = at < input.length ? input.slice(at) : NO_BYTES;
    return null;
  }

  /** Writes what may be written. @see nghttp2:lib/nghttp2_session.c#nghttp2_session_send */
  send(): SessionError | null {
    return this.#outbound.flush() ? null : 'The user callback function failed';
  }

  submitSettings(settings: readonly Setting[]): void {
    this.#state.inflight.push(settings);
    this.#outbound.urgent(FRAME.SETTINGS, 0, settingsFrame(settings));
  }

  submitPing(payload: Uint8Array): void {
    this.#outbound.urgent(FRAME.PING, 0, frame(FRAME.PING, 0, 0, payload));
  }

  /** Lets the peer send more on the connection. */
  submitWindowUpdate(increment: number): void {
    this.#state.receiveWindow += increment;
    this.#outbound.regular(FRAME.WINDOW_UPDATE, 0, 0, numberFrame(FRAME.WINDOW_UPDATE, 0, increment));
  }

  /** A new stream; data follows unless it ends here. */
  submitRequest(headers: readonly HeaderField[], endStream: boolean): number {
    return this.#outbound.request(headers, endStream);
  }

  submitResponse(streamId: number, headers: readonly HeaderField[], endStream: boolean): void {
    this.#outbound.headers(streamId, headers, endStream);
  }

  /** Data, sent as the windows allow. */
  submitData(streamId: number, bytes: Uint8Array, endStream: boolean): void {
    const stream = this.#state.streams.get(streamId);
    if (stream !== undefined && !stream.endAfterData) {
      stream.push(bytes);
      stream.endAfterData = endStream;
      this.#outbound.dataPending(stream);
    }
  }

  /** Trailers, after the data. */
  submitTrailers(streamId: number, trailers: readonly HeaderField[]): void {
    const stream = this.#state.streams.get(streamId);
    if (stream === undefined || stream.endAfterData) {
      return;
    }
    if (trailers.length === 0) {
      this.submitData(streamId, NO_BYTES, true);
    } else if (stream.pending > 0) {
      stream.trailers = trailers;
      stream.endAfterData = true;
    } else {
      this.#outbound.headers(streamId, trailers, true);
    }
  }

  submitReset(streamId: number, code: number): void {
    this.#outbound.reset(streamId, code);
  }

  submitGoaway(lastStreamId: number, code: number): void {
    this.#outbound.goaway(lastStreamId, code, '');
  }

  /** Warns of a GOAWAY to come: no stream is refused yet. */
  submitShutdownNotice(): void {
    if (this.#state.server && !this.#state.terminating) {
      this.#outbound.shutdownNotice();
    }
  }

  /** Bytes of a stream were used up. @see nghttp2:lib/nghttp2_session.c#nghttp2_session_consume */
  consume(streamId: number, bytes: number): void {
    this.#receiver.consume(streamId, bytes);
  }

  /** Compares with what a client says first; the place after it, or -1. */
  #readMagic(input: Uint8Array): number {
    const size = Math.min(this.#magic.length, input.length);
    for (let i = 0; i < size; i++) {
      if (input[i] !== this.#magic[i]) {
        return -1;
      }
    }
    this.#magic = this.#magic.subarray(size);
    return size;
  }

  #refusal(header: FrameHeader): Refusal | null {
    if (this.#first && (header.type !== FRAME.SETTINGS || (header.flags & FLAG.ACK) !== 0)) {
      return { code: ERROR.PROTOCOL_ERROR, reason: 'SETTINGS expected' };
    }
    return refusal(this.#state, header, this.#receiver.openBlock);
  }
}

/** The window of a connection before anybody enlarges it. */
export const CONNECTION_WINDOW: number = DEFAULT_WINDOW;
