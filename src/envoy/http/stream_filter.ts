/**
 * HTTP filters and what they can do with their stream.
 * @see envoy:envoy/http/filter.h#StreamDecoderFilter
 */
import type { InetAddress } from '../network/address.ts';
import type { ServerConnection } from '../network/filter.ts';
import type { HeaderMap } from './header_map.ts';
import type { Protocol } from './header_utility.ts';

/** Asked before a request is written upstream; `false` forbids it. @see proxy:patches/0002-upstream-Add-callback-for-upstream-authorization.patch */
export type HttpUpstreamCallback = (headers: HeaderMap, upstreamHost: InetAddress) => boolean;

/** A reply the proxy makes itself. */
export interface LocalReply {
  readonly status: number;
  readonly body: string;
  /** Response code details, for the journey. */
  readonly details: string;
  /** Status of a gRPC call, where it does not follow from the HTTP status. */
  readonly grpcStatus?: number;
  /** Headers put before everything else. */
  readonly headers?: readonly (readonly [string, string])[];
}

/** A filter of one stream. */
export interface StreamFilter {
  decodeHeaders(headers: HeaderMap, endStream: boolean): 'continue' | 'stop';
  decodeData?(bytes: Uint8Array, endStream: boolean): void;
  /** Trailers end the request. */
  decodeTrailers?(trailers: HeaderMap): void;
  encodeHeaders?(headers: HeaderMap): void;
  onDestroy(): void;
}

/** The stream as its filters see it. */
export interface StreamCallbacks {
  readonly connection: ServerConnection;
  readonly id: number;
  readonly protocol: Protocol;
  /** Wall nanoseconds at which the stream began. */
  readonly startTime: bigint;
  /** `ip:port` of the peer, or the address x-forwarded-for claims with port 0. */
  readonly remoteAddress: string;
  addUpstreamCallback(callback: HttpUpstreamCallback): void;
  iterateUpstreamCallbacks(headers: HeaderMap, upstreamHost: InetAddress): boolean;
  sendLocalReply(reply: LocalReply): void;
  /** From the router: the response. */
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Ends the stream without (the rest of) a response. */
  resetStream(): void;
}
