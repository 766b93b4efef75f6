/**
 * Limits on frames that cost the sender little and the receiver much.
 * @see envoy:source/common/http/http2/protocol_constraints.cc#ProtocolConstraints
 * @remarks Simplified: frames to send count until the event that wrote them is over; the real ones until the kernel has taken them, so that a peer who does not read is noticed.
 */
import { FLAG, FRAME, type FrameHeader } from '../../../net/http2/frame.ts';

/** Defaults. @see envoy:source/common/http/http2/utility.h#OptionsLimits */
const MAX_OUTBOUND_FRAMES = 10000;
const MAX_OUTBOUND_CONTROL_FRAMES = 1000;
const MAX_CONSECUTIVE_EMPTY_FRAMES = 1;
const MAX_PRIORITY_FRAMES_PER_STREAM = 100;
const MAX_WINDOW_UPDATES_PER_DATA_FRAME = 10;

/** The counters of one connection; a text is the first violation. */
export class ProtocolConstraints {
  #status: string | null = null;
  #openedStreams = 0;
  #emptyFrames = 0;
  #priorityFrames = 0;
  #windowUpdates = 0;
  #outboundDataFrames = 0;
  #outboundFrames = 0;
  #outboundControlFrames = 0;

  /** The first violation, or `null`. */
  get status(): string | null {
    return this.#status;
  }

  /** A stream was opened. */
  openedStream(): void {
    this.#openedStreams += 1;
  }

  /** What was written has left. */
  drained(): void {
    this.#outboundFrames = 0;
    this.#outboundControlFrames = 0;
  }

  /** @see envoy:source/common/http/http2/protocol_constraints.cc#ProtocolConstraints::trackInboundFrames */
  trackInbound(header: FrameHeader, padding: number): boolean {
    switch (header.type) {
      case FRAME.HEADERS:
      case FRAME.CONTINUATION:
      case FRAME.DATA:
        this.#emptyFrames = header.length - padding === 0 && (header.flags & FLAG.END_STREAM) === 0 ? this.#emptyFrames + 1 : 0;
        break;
      case FRAME.PRIORITY:
        this.#priorityFrames += 1;
        break;
      case FRAME.WINDOW_UPDATE:
        this.#windowUpdates += 1;
        break;
    }
    if (this.#emptyFrames > MAX_CONSECUTIVE_EMPTY_FRAMES) {
      this.#status ??= 'Too many consecutive frames with an empty payload';
    } else if (this.#priorityFrames > MAX_PRIORITY_FRAMES_PER_STREAM * (1 + this.#openedStreams)) {
      this.#status ??= 'Too many PRIORITY frames';
    } else if (this.#windowUpdates > 5 + 2 * (this.#openedStreams + MAX_WINDOW_UPDATES_PER_DATA_FRAME * this.#outboundDataFrames)) {
      this.#status ??= 'Too many WINDOW_UPDATE frames';
    }
    return this.#status === null;
  }

  /** A frame was written. @see envoy:source/common/http/http2/codec_impl.cc#ConnectionImpl::onBeforeFrameSend */
  trackOutbound(type: number, flags: number): void {
    const ack = (type === FRAME.PING || type === FRAME.SETTINGS) && (flags & FLAG.ACK) !== 0;
    this.#outboundFrames += 1;
    this.#outboundControlFrames += ack || type === FRAME.RST_STREAM ? 1 : 0;
    this.#outboundDataFrames += type === FRAME.DATA ? 1 : 0;
    if (this.#outboundFrames > MAX_OUTBOUND_FRAMES) {
      this.#status ??= 'Too many frames in the outbound queue.';
    } else if (this.#outboundControlFrames > MAX_OUTBOUND_CONTROL_FRAMES) {
      this.#status ??= 'Too many control frames in the outbound queue.';
    }
  }
}
