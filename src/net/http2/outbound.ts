/**
 * The sending half of a session: queues of frames, headers coded in the order of sending, data as the windows allow.
 * @see nghttp2:lib/nghttp2_session.c#nghttp2_session_mem_send_internal
 */
import { DEFAULT_MAX_FRAME_SIZE, ERROR, FLAG, FRAME, frame, goawayFrame, headerFrames, MAX_WINDOW, numberFrame } from './frame.ts';
import type { HeaderField } from './hpack_table.ts';
import type { SessionState } from './session_state.ts';
import type { SessionStream } from './session_stream.ts';

/** Something that waits. */
type Item =
  | {
      readonly kind: 'frame';
      readonly type: number;
      readonly flags: number;
      readonly streamId: number;
      readonly code: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'headers'; readonly streamId: number; readonly headers: readonly HeaderField[]; readonly endStream: boolean }
  | { readonly kind: 'cancelled'; readonly streamId: number; readonly code: number };

/** Marks a GOAWAY that only warns; not on the wire. */
const NOTICE = 0x100;

/** The queues. */
export class Outbound {
  readonly #state: SessionState;
  #urgent: Item[] = [];
  #regular: Item[] = [];
  /** Requests, which wait while the peer allows no more streams. */
  #requests: (Item & { readonly kind: 'headers' | 'cancelled' })[] = [];
  /** Streams with data, the next one first. */
  #data: SessionStream[] = [];
  /** What a client says before anything else. */
  preface: Uint8Array | null = null;

  constructor(state: SessionState) {
    this.#state = state;
  }

  /** SETTINGS and PING overtake everything. */
  urgent(type: number, flags: number, bytes: Uint8Array): void {
    this.#urgent.push({ kind: 'frame', type, flags, streamId: 0, code: 0, bytes });
  }

  regular(type: number, flags: number, streamId: number, bytes: Uint8Array): void {
    this.#regular.push({ kind: 'frame', type, flags, streamId, code: 0, bytes });
  }

  /** Opens a stream. */
  request(headers: readonly HeaderField[], endStream: boolean): number {
    const state = this.#state;
    const stream = state.open(state.nextStreamId);
    state.nextStreamId += 2;
    stream.rules.setRequestMethod(headers.find(([name]) => name === ':method')?.[1] ?? '');
    this.#requests.push({ kind: 'headers', streamId: stream.id, headers, endStream });
    return stream.id;
  }

  /** Headers of an answer, or trailers. */
  headers(streamId: number, headers: readonly HeaderField[], endStream: boolean): void {
    this.#regular.push({ kind: 'headers', streamId, headers, endStream });
  }

  /** A stream has data. */
  dataPending(stream: SessionStream): void {
    if (stream.wantsData && !this.#data.includes(stream)) {
      this.#data.push(stream);
    }
  }

  /** @see nghttp2:lib/nghttp2_session.c#nghttp2_session_add_rst_stream */
  reset(streamId: number, code: number): void {
    const stream = this.#state.streams.get(streamId);
    if (stream?.state === 'closing' || this.#state.isIdle(streamId)) {
      return;
    }
    const waiting = this.#requests.findIndex((item) => item.streamId === streamId);
    if (waiting >= 0) {
      this.#requests[waiting] = { kind: 'cancelled', streamId, code };
      return;
    }
    if (stream !== undefined) {
      stream.state = 'closing';
    }
    const bytes = numberFrame(FRAME.RST_STREAM, streamId, code);
    this.#regular.push({ kind: 'frame', type: FRAME.RST_STREAM, flags: 0, streamId, code, bytes });
  }

  /** The end: streams above the last one are not looked at any more. */
  goaway(lastStreamId: number, code: number, reason: string): void {
    const bytes = goawayFrame(lastStreamId, code, reason);
    this.#regular.push({ kind: 'frame', type: FRAME.GOAWAY, flags: 0, streamId: 0, code, bytes });
  }

  /** The end to come: the peer is told, and every stream is still taken. @see nghttp2:lib/nghttp2_submit.c#nghttp2_submit_shutdown_notice */
  shutdownNotice(): void {
    const bytes = goawayFrame(MAX_WINDOW, ERROR.NO_ERROR, '');
    this.#regular.push({ kind: 'frame', type: FRAME.GOAWAY, flags: NOTICE, streamId: 0, code: ERROR.NO_ERROR, bytes });
  }

  /** The connection ends because of an error. @see nghttp2:lib/nghttp2_session.c#session_terminate_session */
  terminate(code: number, reason: string): void {
    if (!this.#state.terminating) {
      this.#state.terminating = true;
      this.goaway(this.#state.lastProcessed, code, reason);
    }
  }

  /** Sends all that can be sent; `false`: the owner failed. */
  flush(): boolean {
    if (this.preface !== null) {
      const preface = this.preface;
      this.preface = null;
      this.#state.callbacks.write(preface);
    }
    for (;;) {
      const item = this.#next();
      if (item !== null) {
        if (!this.#send(item)) {
          return false;
        }
        continue;
      }
      const stream = this.#nextData();
      if (stream === null) {
        return true;
      }
      if (!this.#sendData(stream)) {
        return false;
      }
    }
  }

  #next(): Item | null {
    const item = this.#urgent.shift() ?? this.#regular.shift();
    if (item !== undefined) {
      return item;
    }
    const first = this.#requests[0];
    if (first === undefined || (first.kind === 'headers' && this.#openOwn() >= this.#state.peerMaxConcurrent)) {
      return null;
    }
    this.#requests.shift();
    return first;
  }

  /** Own streams whose headers went out. */
  #openOwn(): number {
    return this.#state.ownStreams - this.#requests.length;
  }

  /** Once a GOAWAY for an error waits, nothing else is said. @see nghttp2:lib/nghttp2_session.c#session_prep_frame */
  #send(item: Item): boolean {
    if (this.#state.terminating && !(item.kind === 'frame' && item.type === FRAME.GOAWAY)) {
      return true;
    }
    switch (item.kind) {
      case 'cancelled':
        return this.#state.close(item.streamId, item.code);
      case 'headers':
        return this.#sendHeaders(item.streamId, item.headers, item.endStream);
      case 'frame':
        this.#state.callbacks.write(item.bytes);
        this.#state.goawaySent ||= item.type === FRAME.GOAWAY && item.flags !== NOTICE;
        if (this.#state.callbacks.onFrameSent?.(item.type, item.flags, item.streamId, item.code) === false) {
          return false;
        }
        return item.type === FRAME.RST_STREAM ? this.#state.close(item.streamId, item.code) : true;
    }
  }

  #sendHeaders(streamId: number, headers: readonly HeaderField[], endStream: boolean): boolean {
    const state = this.#state;
    const stream = state.streams.get(streamId);
    if (stream === undefined || stream.state === 'closing' || stream.writeEnded || state.terminating) {
      return true;
    }
    if (state.isOwn(streamId) && !stream.headersSent && state.goawayReceived) {
      return state.close(streamId, ERROR.REFUSED_STREAM);
    }
    for (const bytes of headerFrames(streamId, state.encoder.encode(headers), endStream)) {
      state.callbacks.write(bytes);
    }
    stream.headersSent = true;
    if (state.server) {
      stream.state = 'opened';
    }
    stream.writeEnded = endStream;
    if (state.callbacks.onFrameSent?.(FRAME.HEADERS, endStream ? FLAG.END_STREAM : 0, streamId, 0) === false) {
      return false;
    }
    this.dataPending(stream);
    return state.closeIfEnded(stream);
  }

  #nextData(): SessionStream | null {
    if (this.#state.sendWindow <= 0 || this.#state.terminating) {
      return null;
    }
    for (let i = 0; i < this.#data.length; i++) {
      const stream = this.#data[i] as SessionStream;
      if (!stream.wantsData || !this.#state.streams.has(stream.id)) {
        this.#data.splice(i, 1);
        i -= 1;
      } else if (stream.sendWindow > 0) {
        this.#data.splice(i, 1);
        return stream;
      }
    }
    return null;
  }

  #sendData(stream: SessionStream): boolean {
    const state = this.#state;
    const payload = stream.take(Math.min(DEFAULT_MAX_FRAME_SIZE, stream.sendWindow, state.sendWindow));
    const last = stream.endAfterData && stream.pending === 0;
    const trailers = last ? stream.trailers : null;
    const ends = last && trailers === null;
    const flags = ends ? FLAG.END_STREAM : 0;
    state.callbacks.write(frame(FRAME.DATA, flags, stream.id, payload));
    state.sendWindow -= payload.length;
    stream.sendWindow -= payload.length;
    stream.writeEnded = ends;
    if (trailers !== null) {
      stream.trailers = null;
      stream.endAfterData = false;
      this.headers(stream.id, trailers, true);
    }
    if (state.callbacks.onFrameSent?.(FRAME.DATA, flags, stream.id, 0) === false) {
      return false;
    }
    this.dataPending(stream);
    return state.closeIfEnded(stream);
  }
}
