/**
 * What the receiving and the sending half of a session share.
 * @see nghttp2:lib/nghttp2_session.h#nghttp2_session
 */
import { DEFAULT_WINDOW, type Setting } from './frame.ts';
import { HpackDecoder } from './hpack_decoder.ts';
import { HpackEncoder } from './hpack_encoder.ts';
import type { SessionCallbacks } from './session_callbacks.ts';
import { SessionStream } from './session_stream.ts';

/** Streams a peer may open before it said how many. */
const UNLIMITED = 0xffff_ffff;

/** The state. */
export class SessionState {
  readonly server: boolean;
  readonly callbacks: SessionCallbacks;
  readonly streams = new Map<number, SessionStream>();
  readonly decoder = new HpackDecoder();
  readonly encoder = new HpackEncoder();
  /** Settings sent and not acknowledged. */
  readonly inflight: (readonly Setting[])[] = [];
  nextStreamId: number;
  lastReceived = 0;
  lastProcessed = 0;
  /** Own settings that are in force. */
  initialReceiveWindow = DEFAULT_WINDOW;
  maxConcurrent = UNLIMITED;
  /** The peer's. */
  peerInitialWindow = DEFAULT_WINDOW;
  peerMaxConcurrent = UNLIMITED;
  /** The connection's windows. */
  sendWindow = DEFAULT_WINDOW;
  receiveWindow = DEFAULT_WINDOW;
  received = 0;
  consumed = 0;
  goawaySent = false;
  goawayReceived = false;
  /** Last stream of ours that the peer will look at. */
  peerLastStream = 0x7fff_ffff;
  /** A GOAWAY for an error is sent or waits; nothing is read any more. */
  terminating = false;

  constructor(server: boolean, callbacks: SessionCallbacks) {
    this.server = server;
    this.callbacks = callbacks;
    this.nextStreamId = server ? 2 : 1;
  }

  /** Whether this side opens streams of that number. */
  isOwn(streamId: number): boolean {
    return streamId !== 0 && (streamId % 2 === 0) === this.server;
  }

  /** Whether nobody has opened the stream yet. @see nghttp2:lib/nghttp2_session.c#session_detect_idle_stream */
  isIdle(streamId: number): boolean {
    return this.isOwn(streamId) ? streamId >= this.nextStreamId : streamId > this.lastReceived;
  }

  /** Number of streams this side opened and that live. */
  get ownStreams(): number {
    let count = 0;
    for (const id of this.streams.keys()) {
      count += this.isOwn(id) ? 1 : 0;
    }
    return count;
  }

  /** A new stream. */
  open(streamId: number): SessionStream {
    const stream = new SessionStream(streamId, this.server, this.peerInitialWindow, this.initialReceiveWindow);
    this.streams.set(streamId, stream);
    return stream;
  }

  /** Forgets a stream; `false`: the owner failed. @see nghttp2:lib/nghttp2_session.c#nghttp2_session_close_stream */
  close(streamId: number, code: number): boolean {
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      return true;
    }
    this.streams.delete(streamId);
    stream.state = 'closing';
    return this.callbacks.onStreamClose(streamId, code);
  }

  /** Closes a stream that both sides have ended. */
  closeIfEnded(stream: SessionStream): boolean {
    return stream.readEnded && stream.writeEnded ? this.close(stream.id, 0) : true;
  }
}
