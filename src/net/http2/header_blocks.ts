/**
 * Header blocks of a session as they come in: HEADERS with their CONTINUATIONs, decoded and judged header by header.
 * @see nghttp2:lib/nghttp2_session.c#inflate_header_block
 */
import { ERROR, FLAG, type FrameHeader, MAX_WINDOW, readU32 } from './frame.ts';
import type { Outbound } from './outbound.ts';
import type { BlockKind, FrameFault } from './session_callbacks.ts';
import type { SessionState } from './session_state.ts';
import type { SessionStream } from './session_stream.ts';

/** The block that is being read. */
interface Block {
  readonly streamId: number;
  readonly kind: BlockKind;
  readonly endStream: boolean;
  /** The headers only feed the table. */
  ignored: boolean;
}

/** The reader. Methods return `false` when the owner failed. */
export class HeaderBlocks {
  readonly #state: SessionState;
  readonly #outbound: Outbound;
  #block: Block | null = null;

  constructor(state: SessionState, outbound: Outbound) {
    this.#state = state;
    this.#outbound = outbound;
  }

  /** The stream whose CONTINUATION must come next, or `null`. */
  get openStream(): number | null {
    return this.#block?.streamId ?? null;
  }

  /** A HEADERS frame. */
  headers(header: FrameHeader, payload: Uint8Array): boolean {
    const padded = (header.flags & FLAG.PADDED) !== 0;
    const priority = (header.flags & FLAG.PRIORITY) !== 0 ? 5 : 0;
    const padding = padded ? (payload[0] ?? 0) : 0;
    const from = (padded ? 1 : 0) + priority;
    if (padded && payload.length === 0) {
      this.#outbound.terminate(ERROR.PROTOCOL_ERROR, 'HEADERS: insufficient padding space');
      return true;
    }
    if (payload.length < from) {
      this.#outbound.terminate(ERROR.FRAME_SIZE_ERROR, '');
      return true;
    }
    if (from + padding > payload.length) {
      this.#outbound.terminate(ERROR.PROTOCOL_ERROR, 'HEADERS: invalid padding');
      return true;
    }
    const dependency = priority > 0 ? readU32(payload, from - priority) & MAX_WINDOW : -1;
    if (this.#state.callbacks.onBeginFrame?.(header) === false || !this.#begin(header, dependency, padded ? padding + 1 : 0)) {
      return false;
    }
    if (this.#state.terminating) {
      return true;
    }
    return this.#fragment(payload.subarray(from, payload.length - padding), (header.flags & FLAG.END_HEADERS) !== 0);
  }

  /** The frame after one without END_HEADERS. */
  continuation(header: FrameHeader, payload: Uint8Array): boolean {
    if (this.#state.callbacks.onBeginFrame?.(header) === false) {
      return false;
    }
    return this.#fragment(payload, (header.flags & FLAG.END_HEADERS) !== 0);
  }

  /** What the block is for. @see nghttp2:lib/nghttp2_session.c#session_process_headers_frame */
  #begin(header: FrameHeader, dependency: number, padding: number): boolean {
    const state = this.#state;
    const { streamId } = header;
    const stream = state.streams.get(streamId);
    const endStream = (header.flags & FLAG.END_STREAM) !== 0;
    if (streamId === 0 || stream === undefined) {
      return this.#beginRequest(header, dependency, padding);
    }
    if (stream.readEnded) {
      return this.#refuse(streamId, 'stream-closed', 'HEADERS: stream closed');
    }
    const answers = state.isOwn(streamId) && (stream.state === 'opening' || stream.rules.expectsFinalResponse);
    const kind: BlockKind = answers ? 'response' : 'trailers';
    this.#block = { streamId, kind, endStream, ignored: stream.state === 'closing' };
    if (this.#block.ignored) {
      return true;
    }
    if (state.isOwn(streamId)) {
      stream.state = 'opened';
    }
    stream.rules.beginBlock();
    return state.callbacks.onBeginHeaders?.(streamId, kind, header, padding) !== false;
  }

  /** @see nghttp2:lib/nghttp2_session.c#nghttp2_session_on_request_headers_received */
  #beginRequest(header: FrameHeader, dependency: number, padding: number): boolean {
    const state = this.#state;
    const { streamId } = header;
    const block: Block = { streamId, kind: 'request', endStream: (header.flags & FLAG.END_STREAM) !== 0, ignored: false };
    if (streamId === 0) {
      return this.#refuse(streamId, 'protocol', 'request HEADERS: stream_id == 0');
    }
    if (!state.server) {
      block.ignored = true;
      this.#block = block;
      return state.isIdle(streamId) ? this.#refuse(streamId, 'protocol', 'request HEADERS: client received request') : true;
    }
    if (state.isOwn(streamId)) {
      return this.#refuse(streamId, 'protocol', 'request HEADERS: invalid stream_id');
    }
    this.#block = block;
    if (streamId <= state.lastReceived || state.goawaySent) {
      block.ignored = true;
      state.lastReceived = Math.max(streamId, state.lastReceived);
      return true;
    }
    state.lastReceived = streamId;
    if (state.streams.size >= state.maxConcurrent) {
      return this.#refuse(streamId, 'protocol', 'request HEADERS: max concurrent streams exceeded');
    }
    if (dependency === streamId) {
      return this.#refuse(streamId, 'protocol', 'request HEADERS: depend on itself');
    }
    state.open(streamId);
    state.lastProcessed = streamId;
    return state.callbacks.onBeginHeaders?.(streamId, 'request', header, padding) !== false;
  }

  #refuse(streamId: number, fault: FrameFault, reason: string): boolean {
    if (this.#state.callbacks.onInvalidFrame?.(streamId, fault) === false) {
      return false;
    }
    this.#outbound.terminate(fault === 'stream-closed' ? ERROR.STREAM_CLOSED : ERROR.PROTOCOL_ERROR, reason);
    return true;
  }

  #fragment(piece: Uint8Array, last: boolean): boolean {
    const state = this.#state;
    const block = this.#block as Block;
    const stream = state.streams.get(block.streamId);
    let failed = false;
    const result = state.decoder.decode(piece, last, (name, value) => {
      if (block.ignored || stream === undefined) {
        return true;
      }
      const outcome = this.#header(block, stream, name, value);
      failed = outcome === 'failed';
      return outcome === 'go on';
    });
    if (failed) {
      return false;
    }
    if (result === 'invalid') {
      this.#outbound.reset(block.streamId, ERROR.COMPRESSION_ERROR);
      this.#outbound.terminate(ERROR.COMPRESSION_ERROR, '');
      return true;
    }
    block.ignored ||= result === 'stopped';
    if (!last) {
      return true;
    }
    this.#block = null;
    return block.ignored || stream === undefined || stream.state === 'closing' ? true : this.#complete(block, stream);
  }

  #header(block: Block, stream: SessionStream, name: string, value: string): 'go on' | 'stop' | 'failed' {
    const verdict = stream.rules.header(name, value, block.kind === 'trailers');
    if (verdict === 'ignore') {
      return 'go on';
    }
    if (verdict === 'reject') {
      this.#outbound.reset(block.streamId, ERROR.PROTOCOL_ERROR);
      return this.#state.callbacks.onInvalidFrame?.(block.streamId, 'http-header') === false ? 'failed' : 'stop';
    }
    if (this.#state.callbacks.onHeader(block.streamId, name, value)) {
      return 'go on';
    }
    this.#outbound.reset(block.streamId, ERROR.INTERNAL_ERROR);
    return 'stop';
  }

  /** @see nghttp2:lib/nghttp2_session.c#session_after_header_block_received */
  #complete(block: Block, stream: SessionStream): boolean {
    const { callbacks } = this.#state;
    if (!stream.rules.headersComplete(block.kind === 'trailers', block.endStream)) {
      this.#outbound.reset(block.streamId, ERROR.PROTOCOL_ERROR);
      stream.readEnded ||= block.endStream;
      return callbacks.onInvalidFrame?.(block.streamId, 'http-messaging') !== false;
    }
    if (!callbacks.onHeaders(block.streamId, block.kind, block.endStream)) {
      return false;
    }
    if (!block.endStream) {
      return true;
    }
    stream.readEnded = true;
    return this.#state.closeIfEnded(stream);
  }
}
