/**
 * The receiving half of a session: each frame is checked, applied to the state and told to the owner.
 * @see nghttp2:lib/nghttp2_session.c#nghttp2_session_mem_recv
 */
import { ERROR, FLAG, FRAME, type FrameHeader, frame, MAX_WINDOW, numberFrame, readU32 } from './frame.ts';
import { HeaderBlocks } from './header_blocks.ts';
import type { Outbound } from './outbound.ts';
import type { FrameFault } from './session_callbacks.ts';
import { applyOwnSettings, applyPeerSettings } from './session_settings.ts';
import type { SessionState } from './session_state.ts';
import type { SessionStream } from './session_stream.ts';

/** Error codes of faults. @see nghttp2:lib/nghttp2_session.c#get_error_code_from_lib_error_code */
export const FAULT_CODES: Readonly<Record<FrameFault, number>> = {
  protocol: ERROR.PROTOCOL_ERROR,
  'http-header': ERROR.PROTOCOL_ERROR,
  'http-messaging': ERROR.PROTOCOL_ERROR,
  'flow-control': ERROR.FLOW_CONTROL_ERROR,
  'stream-closed': ERROR.STREAM_CLOSED,
  'refused-stream': ERROR.REFUSED_STREAM,
  'header-compression': ERROR.COMPRESSION_ERROR,
  'frame-size': ERROR.FRAME_SIZE_ERROR,
};

/** The receiver. Methods return `false` when the owner failed. */
export class FrameReceiver {
  readonly #state: SessionState;
  readonly #outbound: Outbound;
  readonly #autoConsume: boolean;
  readonly #blocks: HeaderBlocks;

  constructor(state: SessionState, outbound: Outbound, autoConsume: boolean) {
    this.#state = state;
    this.#outbound = outbound;
    this.#autoConsume = autoConsume;
    this.#blocks = new HeaderBlocks(state, outbound);
  }

  /** The stream whose header block is not complete, or `null`. */
  get openBlock(): number | null {
    return this.#blocks.openStream;
  }

  /** One whole frame, whose head is acceptable. */
  frame(header: FrameHeader, payload: Uint8Array): boolean {
    if (this.#blocks.openStream !== null) {
      return this.#blocks.continuation(header, payload);
    }
    switch (header.type) {
      case FRAME.DATA:
        return this.#data(header, payload);
      case FRAME.HEADERS:
        return this.#blocks.headers(header, payload);
      case FRAME.PRIORITY:
        return this.#begin(header) && this.#priority(header.streamId, payload);
      case FRAME.RST_STREAM:
        return this.#begin(header) && this.#reset(header.streamId, readU32(payload, 0));
      case FRAME.SETTINGS:
        return this.#begin(header) && this.#settings(header, payload);
      case FRAME.PUSH_PROMISE:
        return this.#refuse(header.streamId, 'protocol', 'PUSH_PROMISE: push disabled');
      case FRAME.PING:
        return this.#begin(header) && this.#ping(header, payload);
      case FRAME.GOAWAY:
        return this.#begin(header) && this.#goaway(header.streamId, readU32(payload, 0) & MAX_WINDOW, readU32(payload, 4));
      case FRAME.WINDOW_UPDATE:
        return this.#begin(header) && this.#windowUpdate(header.streamId, readU32(payload, 0) & MAX_WINDOW);
      default:
        return true;
    }
  }

  /** Bytes of a stream were used up. */
  consume(streamId: number, bytes: number): void {
    const state = this.#state;
    state.consumed += bytes;
    const size = Math.min(state.consumed, state.received);
    if (size > 0 && size >= Math.floor(state.receiveWindow / 2)) {
      state.consumed -= size;
      state.received -= size;
      this.#sendWindowUpdate(0, size);
    }
    const stream = state.streams.get(streamId);
    if (stream === undefined || stream.readEnded || stream.state === 'closing') {
      return;
    }
    stream.consumed += bytes;
    const own = Math.min(stream.consumed, stream.received);
    if (own > 0 && own >= Math.floor(stream.receiveWindow / 2)) {
      stream.consumed -= own;
      stream.received -= own;
      this.#sendWindowUpdate(streamId, own);
    }
  }

  #sendWindowUpdate(streamId: number, size: number): void {
    this.#outbound.regular(FRAME.WINDOW_UPDATE, 0, streamId, numberFrame(FRAME.WINDOW_UPDATE, streamId, size));
  }

  #begin(header: FrameHeader): boolean {
    return this.#state.callbacks.onBeginFrame?.(header) !== false;
  }

  /** A connection error; the owner hears of it first. @see nghttp2:lib/nghttp2_session.c#session_handle_invalid_connection */
  #refuse(streamId: number, fault: FrameFault, reason: string): boolean {
    if (this.#state.callbacks.onInvalidFrame?.(streamId, fault) === false) {
      return false;
    }
    this.#outbound.terminate(FAULT_CODES[fault], reason);
    return true;
  }

  #data(header: FrameHeader, payload: Uint8Array): boolean {
    const state = this.#state;
    const { streamId } = header;
    const stream = state.streams.get(streamId);
    if (!this.#connectionWindow(payload.length)) {
      return true;
    }
    if (stream === undefined || stream.state === 'closing') {
      this.consume(0, payload.length);
      return true;
    }
    const padded = (header.flags & FLAG.PADDED) !== 0;
    const padding = padded ? (payload[0] ?? 0) : 0;
    if (padded && padding + 1 > payload.length) {
      this.#outbound.terminate(ERROR.PROTOCOL_ERROR, payload.length === 0 ? 'DATA: insufficient padding space' : 'DATA: invalid padding');
      return true;
    }
    return (
      this.#begin(header) && this.#streamData(stream, header, padded ? payload.subarray(1, payload.length - padding) : payload, padding)
    );
  }

  #connectionWindow(length: number): boolean {
    const state = this.#state;
    if (state.received + length > state.receiveWindow) {
      this.#outbound.terminate(ERROR.FLOW_CONTROL_ERROR, '');
      return false;
    }
    state.received += length;
    return true;
  }

  #streamData(stream: SessionStream, header: FrameHeader, data: Uint8Array, padding: number): boolean {
    const { callbacks } = this.#state;
    if (stream.received + header.length > stream.receiveWindow) {
      this.consume(0, header.length);
      this.#outbound.reset(stream.id, ERROR.FLOW_CONTROL_ERROR);
      return true;
    }
    stream.received += header.length;
    if (!stream.rules.data(data.length)) {
      this.consume(0, header.length);
      this.#outbound.reset(stream.id, ERROR.PROTOCOL_ERROR);
      return true;
    }
    this.consume(stream.id, header.length - data.length);
    if (data.length > 0) {
      callbacks.onData(stream.id, data);
      if (this.#autoConsume) {
        this.consume(stream.id, data.length);
      }
    }
    const endStream = (header.flags & FLAG.END_STREAM) !== 0;
    if (endStream && !stream.rules.remoteEnd()) {
      this.#outbound.reset(stream.id, ERROR.PROTOCOL_ERROR);
      stream.readEnded = true;
      return true;
    }
    if (!callbacks.onDataFrame(stream.id, endStream, header, padding)) {
      return false;
    }
    if (!endStream) {
      return true;
    }
    stream.readEnded = true;
    return this.#state.closeIfEnded(stream);
  }

  #priority(streamId: number, payload: Uint8Array): boolean {
    if (streamId === 0) {
      return this.#refuse(streamId, 'protocol', 'PRIORITY: stream_id == 0');
    }
    if ((readU32(payload, 0) & MAX_WINDOW) === streamId) {
      this.#outbound.terminate(ERROR.PROTOCOL_ERROR, 'depend on itself');
    }
    return true;
  }

  #reset(streamId: number, code: number): boolean {
    if (streamId === 0 || this.#state.isIdle(streamId)) {
      return this.#refuse(streamId, 'protocol', streamId === 0 ? 'RST_STREAM: stream_id == 0' : 'RST_STREAM: stream in idle');
    }
    this.#state.callbacks.onResetReceived?.(streamId, code);
    return this.#state.close(streamId, code);
  }

  #settings(header: FrameHeader, payload: Uint8Array): boolean {
    const ack = (header.flags & FLAG.ACK) !== 0;
    if (header.streamId !== 0) {
      return this.#refuse(header.streamId, 'protocol', 'SETTINGS: stream_id != 0');
    }
    const fault = ack ? applyOwnSettings(this.#state) : applyPeerSettings(this.#state, payload);
    if (fault !== null) {
      return this.#refuse(0, fault.fault, fault.reason);
    }
    if (ack) {
      return true;
    }
    this.#outbound.urgent(FRAME.SETTINGS, FLAG.ACK, frame(FRAME.SETTINGS, FLAG.ACK, 0, new Uint8Array(0)));
    for (const stream of this.#state.streams.values()) {
      this.#outbound.dataPending(stream);
    }
    return true;
  }

  #ping(header: FrameHeader, payload: Uint8Array): boolean {
    if (header.streamId !== 0) {
      return this.#refuse(header.streamId, 'protocol', 'PING: stream_id != 0');
    }
    if ((header.flags & FLAG.ACK) === 0) {
      this.#outbound.urgent(FRAME.PING, FLAG.ACK, frame(FRAME.PING, FLAG.ACK, 0, payload));
    }
    return true;
  }

  #goaway(streamId: number, last: number, code: number): boolean {
    const state = this.#state;
    if (streamId !== 0 || (last > 0 && !state.isOwn(last)) || last > state.peerLastStream) {
      return this.#refuse(streamId, 'protocol', streamId === 0 ? 'GOAWAY: invalid last_stream_id' : 'GOAWAY: stream_id != 0');
    }
    state.goawayReceived = true;
    state.peerLastStream = last;
    if (state.callbacks.onGoaway?.(last, code) === false) {
      return false;
    }
    for (const id of [...state.streams.keys()].reverse()) {
      if (state.isOwn(id) && id > last && !state.close(id, ERROR.REFUSED_STREAM)) {
        return false;
      }
    }
    return true;
  }

  #windowUpdate(streamId: number, increment: number): boolean {
    const state = this.#state;
    if (streamId === 0) {
      if (increment === 0) {
        return this.#refuse(0, 'protocol', 'WINDOW_UPDATE: window_size_increment == 0');
      }
      if (state.sendWindow > MAX_WINDOW - increment) {
        return this.#refuse(0, 'flow-control', '');
      }
      state.sendWindow += increment;
      return true;
    }
    if (state.isIdle(streamId)) {
      return this.#refuse(streamId, 'protocol', 'WINDOW_UPDATE to idle stream');
    }
    const stream = state.streams.get(streamId);
    if (stream === undefined) {
      return true;
    }
    if (increment === 0) {
      return this.#refuse(streamId, 'protocol', 'WINDOW_UPDATE: window_size_increment == 0');
    }
    if (stream.sendWindow > MAX_WINDOW - increment) {
      this.#outbound.reset(streamId, ERROR.FLOW_CONTROL_ERROR);
      return state.callbacks.onInvalidFrame?.(streamId, 'flow-control') !== false;
    }
    stream.sendWindow += increment;
    this.#outbound.dataPending(stream);
    return true;
  }
}
