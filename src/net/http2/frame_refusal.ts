/**
 * What is wrong with a frame as soon as its first nine bytes are known: the connection ends before the payload has come.
 * @see nghttp2:lib/nghttp2_session.c#nghttp2_session_mem_recv
 */
import { DEFAULT_MAX_FRAME_SIZE, ERROR, FLAG, FRAME, type FrameHeader } from './frame.ts';
import type { SessionState } from './session_state.ts';

/** Code and words of the GOAWAY. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

/** Settings in one frame. @see nghttp2:lib/nghttp2_session.h#NGHTTP2_DEFAULT_MAX_SETTINGS */
const MAX_SETTINGS = 32;
const SETTING_BYTES = 6;

/** Lengths that types fix. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [FRAME.PRIORITY, 5],
  [FRAME.RST_STREAM, 4],
  [FRAME.PING, 8],
  [FRAME.WINDOW_UPDATE, 4],
]);

/** Why a frame ends the connection, or `null`. @param block the stream whose header block is not complete, or `null` */
export function refusal(state: SessionState, header: FrameHeader, block: number | null): Refusal | null {
  if (block !== null && (header.type !== FRAME.CONTINUATION || header.streamId !== block)) {
    return { code: ERROR.PROTOCOL_ERROR, reason: 'unexpected non-CONTINUATION frame or stream_id is invalid' };
  }
  if (header.length > DEFAULT_MAX_FRAME_SIZE) {
    return { code: ERROR.FRAME_SIZE_ERROR, reason: 'too large frame size' };
  }
  switch (header.type) {
    case FRAME.DATA:
      return dataRefusal(state, header.streamId);
    case FRAME.CONTINUATION:
      return block === null ? { code: ERROR.PROTOCOL_ERROR, reason: 'CONTINUATION: unexpected' } : null;
    case FRAME.SETTINGS:
      return settingsRefusal(header);
    case FRAME.GOAWAY:
      return header.length < 8 ? WRONG_SIZE : null;
    default: {
      const length = LENGTHS.get(header.type);
      return length === undefined || length === header.length ? null : WRONG_SIZE;
    }
  }
}

const WRONG_SIZE: Refusal = { code: ERROR.FRAME_SIZE_ERROR, reason: '' };

function settingsRefusal(header: FrameHeader): Refusal | null {
  const ack = (header.flags & FLAG.ACK) !== 0;
  if (header.length % SETTING_BYTES !== 0 || (ack && header.length > 0)) {
    return WRONG_SIZE;
  }
  return header.length > MAX_SETTINGS * SETTING_BYTES
    ? { code: ERROR.ENHANCE_YOUR_CALM, reason: 'SETTINGS: too many setting entries' }
    : null;
}

/** @see nghttp2:lib/nghttp2_session.c#session_on_data_received_fail_fast */
function dataRefusal(state: SessionState, streamId: number): Refusal | null {
  if (streamId === 0 || state.isIdle(streamId)) {
    return { code: ERROR.PROTOCOL_ERROR, reason: streamId === 0 ? 'DATA: stream_id == 0' : 'DATA: stream in idle' };
  }
  const stream = state.streams.get(streamId);
  if (stream?.readEnded === true) {
    return { code: ERROR.STREAM_CLOSED, reason: 'DATA: stream in half-closed(remote)' };
  }
  return stream !== undefined && state.isOwn(streamId) && stream.state === 'opening'
    ? { code: ERROR.PROTOCOL_ERROR, reason: 'DATA: stream not opened' }
    : null;
}
