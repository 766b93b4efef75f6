/**
 * gRPC over HTTP/2: messages with their prefix, and status codes.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { concatBytes, fromUtf8, utf8 } from '../net/bytes.ts';
import { httpToGrpcStatus } from '../net/grpc_status.ts';
import { SETTING, type Setting } from '../net/http2/frame.ts';
import type { Http2Introduction } from './http2_peer.ts';

/** Names of the codes, as the Python library prints them. @see https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const GRPC_STATUS: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** How a call ended. */
export interface GrpcStatus {
  /** Index into the names. */
  readonly code: number;
  readonly details: string;
}

/** A setting of gRPC's own: binary metadata needs no Base64. */
const ALLOW_TRUE_BINARY_METADATA = 0xfe03;
const WINDOW = 4 * 1024 * 1024;

/** What gRPC's C core says first. @see grpc:src/core/ext/transport/chttp2/transport/chttp2_transport.cc */
export function grpcIntroduction(server: boolean): Http2Introduction {
  const common: readonly Setting[] = [
    [SETTING.INITIAL_WINDOW_SIZE, WINDOW],
    [SETTING.MAX_FRAME_SIZE, WINDOW],
    [SETTING.MAX_HEADER_LIST_SIZE, 8192],
    [ALLOW_TRUE_BINARY_METADATA, 1],
  ];
  const own: readonly Setting[] = server
    ? []
    : [
        [SETTING.ENABLE_PUSH, 0],
        [SETTING.MAX_CONCURRENT_STREAMS, 0],
      ];
  return { settings: [...own, ...common], connectionWindow: WINDOW };
}

/** A message with its prefix: not compressed, length. */
export function grpcFrame(message: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(5);
  new DataView(prefix.buffer).setUint32(1, message.length);
  return concatBytes([prefix, message]);
}

/** The one message of a body; `null` if it is not exactly one that is not compressed. */
export function grpcMessage(body: Uint8Array): Uint8Array | null {
  if (body.length < 5 || body[0] !== 0) {
    return null;
  }
  const length = new DataView(body.buffer, body.byteOffset, 5).getUint32(1);
  return body.length === 5 + length ? body.subarray(5) : null;
}

/** @see grpc:src/core/lib/slice/percent_encoding.cc */
export function percentEncode(text: string): string {
  let out = '';
  for (const byte of utf8(text)) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** The text of a `grpc-message`; what is no escape stays. */
export function percentDecode(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const escape = /^%([0-9A-Fa-f]{2})/.exec(text.slice(at, at + 3));
    if (escape === null) {
      bytes.push(text.charCodeAt(at) & 0xff);
    } else {
      bytes.push(Number.parseInt(escape[1] as string, 16));
      at += 2;
    }
  }
  return fromUtf8(Uint8Array.from(bytes));
}

/** The code for an answer without a `grpc-status`. @see grpc:src/core/lib/transport/status_conversion.cc#grpc_http2_status_to_grpc_status */
export function statusOfHttp(status: number): number {
  return status === 200 ? 0 : httpToGrpcStatus(status);
}
