/**
 * Connections of a pool and the requests on them, whatever the protocol.
 * @see envoy:source/common/conn_pool/conn_pool_base.h#ActiveClient
 */
import type { ResponseDecoder } from '../http/codec.ts';
import type { HeaderMap } from '../http/header_map.ts';

/** Why an upstream stream ended early. @see envoy:envoy/http/codec.h#StreamResetReason */
export type ResetReason = 'connection termination' | 'protocol error' | 'remote reset' | 'remote refused stream reset' | 'connect error';

/** Who hears of the response. */
export interface UpstreamStreamCallbacks extends ResponseDecoder {
  decodeTrailers(trailers: HeaderMap): void;
  onReset(reason: ResetReason): void;
}

/** A request on an upstream connection. */
export interface UpstreamStream {
  readonly connectionId: number;
  readonly localAddress: string;
  setCallbacks(callbacks: UpstreamStreamCallbacks): void;
  encodeHeaders(headers: HeaderMap, endStream: boolean): void;
  encodeData(bytes: Uint8Array, endStream: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Gives the request up. */
  reset(): void;
}

/** A connection of a pool. */
export interface PoolClient {
  readonly id: number;
  /** How many more requests it takes. */
  readonly capacity: number;
  readonly activeStreams: number;
  connect(): void;
  /** Gives the connection a request; `onDone`: it no longer counts. */
  newStream(onDone: () => void): UpstreamStream;
  close(): void;
  /** Resets the connection silently. */
  abort(): void;
}
