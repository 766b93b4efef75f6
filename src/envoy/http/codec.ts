/**
 * What the codecs of all HTTP versions have in common: streams of requests and responses.
 * @see envoy:envoy/http/codec.h
 */
import type { HeaderMap } from './header_map.ts';

/** Who handles a request. */
export interface RequestDecoder {
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeData(bytes: Uint8Array, endStream: boolean): void;
  /** The request broke the protocol: answer and give up. */
  protocolError(status: number, details: string): void;
}

/** Writes the response of one request. */
export interface ResponseEncoder {
  /** Writes `100 Continue`. */
  encodeContinue(): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Gives the stream up; nobody hears of it here. */
  resetStream(): void;
}

/** Who handles a response. */
export interface ResponseDecoder {
  decodeHeaders(headers: HeaderMap, endStream: boolean): void;
  decodeData(bytes: Uint8Array, endStream: boolean): void;
}
