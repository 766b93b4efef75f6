/**
 * One attempt to get a response from an upstream.
 * @see envoy:source/common/router/upstream_request.cc#UpstreamRequest
 */
import type { HeaderMap } from '../http/header_map.ts';
import type { Host } from '../upstream/cluster.ts';
import type { ConnPool, PendingStream, PoolCallbacks, PoolFailure } from '../upstream/conn_pool.ts';
import type { UpstreamStream, UpstreamStreamCallbacks } from '../upstream/pool_client.ts';

/** Why an attempt ended without a whole response. */
export interface UpstreamReset {
  readonly reason: string;
  readonly transportFailure: string;
}

/** The router's side. */
export interface UpstreamRequestOwner {
  /** The verdict of the filters; `false`: the router has answered and destroyed the attempt. */
  onUpstreamReady(request: UpstreamRequest, host: Host): boolean;
  onUpstreamHeaders(request: UpstreamRequest, headers: HeaderMap, endStream: boolean): void;
  onUpstreamData(request: UpstreamRequest, bytes: Uint8Array, endStream: boolean): void;
  onUpstreamTrailers(request: UpstreamRequest, trailers: HeaderMap): void;
  onUpstreamReset(request: UpstreamRequest, reset: UpstreamReset): void;
  /** Headers to send. */
  readonly requestHeaders: HeaderMap;
}

/** The attempt. */
export class UpstreamRequest implements PoolCallbacks, UpstreamStreamCallbacks {
  readonly #owner: UpstreamRequestOwner;
  #pending: PendingStream | null = null;
  #stream: UpstreamStream | null = null;
  #buffered: Uint8Array[] = [];
  #trailers: HeaderMap | null = null;
  #requestComplete: boolean;
  #over = false;
  encodeComplete = false;

  constructor(owner: UpstreamRequestOwner, requestComplete: boolean) {
    this.#owner = owner;
    this.#requestComplete = requestComplete;
  }

  /** Asks the pool for a connection. @param body what has arrived of the body @param trailers those of the request, if they have come */
  start(pool: ConnPool, body: readonly Uint8Array[], trailers: HeaderMap | null): void {
    this.#buffered = [...body];
    this.#trailers = trailers;
    const pending = pool.newStream(this);
    if (!this.#over && this.#stream === null) {
      this.#pending = pending;
    }
  }

  /** A part of the body. */
  encodeData(bytes: Uint8Array, endStream: boolean): void {
    this.#requestComplete ||= endStream;
    if (this.#stream === null) {
      if (bytes.length > 0) {
        this.#buffered.push(bytes);
      }
      return;
    }
    this.encodeComplete ||= endStream;
    this.#stream.encodeData(bytes, endStream);
  }

  /** The end of the request. */
  encodeTrailers(trailers: HeaderMap): void {
    this.#requestComplete = true;
    if (this.#stream === null) {
      this.#trailers = trailers;
      return;
    }
    this.encodeComplete = true;
    this.#stream.encodeTrailers(trailers);
  }

  /** Gives the attempt up. */
  reset(): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#pending?.cancel();
    this.#stream?.reset();
  }

  /** @see envoy:source/common/router/upstream_request.cc#UpstreamRequest::onPoolReady */
  onPoolReady(stream: UpstreamStream, host: Host): void {
    this.#pending = null;
    this.#stream = stream;
    stream.setCallbacks(this);
    if (!this.#owner.onUpstreamReady(this, host) || this.#over) {
      return;
    }
    const ends = this.#requestComplete && this.#trailers === null;
    this.encodeComplete = this.#requestComplete;
    stream.encodeHeaders(this.#owner.requestHeaders, ends && this.#buffered.length === 0);
    this.#buffered.forEach((bytes, i) => stream.encodeData(bytes, ends && i === this.#buffered.length - 1));
    this.#buffered = [];
    if (this.#trailers !== null) {
      stream.encodeTrailers(this.#trailers);
    }
  }

  /** @see envoy:source/common/router/upstream_request.cc#UpstreamRequest::onPoolFailure */
  onPoolFailure(failure: PoolFailure): void {
    this.#end({ reason: failure.reason, transportFailure: failure.transportFailure });
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (!this.#over) {
      this.#over = endStream;
      this.#owner.onUpstreamHeaders(this, headers, endStream);
    }
  }

  decodeData(bytes: Uint8Array, endStream: boolean): void {
    if (!this.#over) {
      this.#over = endStream;
      this.#owner.onUpstreamData(this, bytes, endStream);
    }
  }

  decodeTrailers(trailers: HeaderMap): void {
    if (!this.#over) {
      this.#over = true;
      this.#owner.onUpstreamTrailers(this, trailers);
    }
  }

  onReset(reason: string): void {
    this.#end({ reason, transportFailure: '' });
  }

  #end(reset: UpstreamReset): void {
    if (!this.#over) {
      this.#over = true;
      this.#owner.onUpstreamReset(this, reset);
    }
  }
}
