/**
 * What the owner of an HTTP/2 session hears.
 * @see nghttp2:lib/includes/nghttp2/nghttp2.h#nghttp2_session_callbacks
 */
import type { FrameHeader, Setting } from './frame.ts';

/** Why a frame is not acceptable. @see nghttp2:lib/includes/nghttp2/nghttp2.h#nghttp2_error */
export type FrameFault =
  | 'protocol'
  | 'http-header'
  | 'http-messaging'
  | 'flow-control'
  | 'stream-closed'
  | 'refused-stream'
  | 'header-compression'
  | 'frame-size';

/** What a header block is for. */
export type BlockKind = 'request' | 'response' | 'trailers';

/** The owner. Where a method returns a boolean, `false` ends the session's work with a failure of the callback. */
export interface SessionCallbacks {
  /** Bytes of one frame, in the order of sending. */
  write(bytes: Uint8Array): void;
  /** A frame begins. */
  onBeginFrame?(header: FrameHeader): boolean;
  onBeginHeaders?(streamId: number, kind: BlockKind, header: FrameHeader, padding: number): boolean;
  /** `false`: no more headers of this stream, which is reset. */
  onHeader(streamId: number, name: string, value: string): boolean;
  onHeaders(streamId: number, kind: BlockKind, endStream: boolean): boolean;
  /** Data of a frame, and then the frame itself. */
  onData(streamId: number, bytes: Uint8Array): void;
  onDataFrame(streamId: number, endStream: boolean, header: FrameHeader, padding: number): boolean;
  /** The stream is gone; `code` is that of the RST_STREAM that closed it. */
  onStreamClose(streamId: number, code: number): boolean;
  onInvalidFrame?(streamId: number, fault: FrameFault): boolean;
  onGoaway?(lastStreamId: number, code: number): boolean;
  onSettings?(settings: readonly Setting[]): boolean;
  onResetReceived?(streamId: number, code: number): void;
  /** A frame was written; `code` is the error code of RST_STREAM and GOAWAY. */
  onFrameSent?(type: number, flags: number, streamId: number, code: number): boolean;
}

/** Why a session gave up. @see nghttp2:lib/nghttp2_helper.c#nghttp2_strerror */
export type SessionError = 'The user callback function failed' | 'Received bad client magic byte string';
