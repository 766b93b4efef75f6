/**
 * HTTP connections that live longer than one request: curl closes its connection when it exits, so a scenario that changes policy between two
 * requests of one connection needs a client of its own.
 */

/** A request on an open connection. */
export interface KeepAliveRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Sent in place of all that, one byte a character. */
  readonly raw?: string;
}

/** How a request on an open connection ended. */
export type KeepAliveAnswer =
  | { readonly ok: true; readonly status: number; readonly body: string }
  /** `error` is one line: `connection reset`, `timed out after 5s`, `closed by the peer`. */
  | { readonly ok: false; readonly error: string };

/** Where a connection goes. */
export interface ConnectTarget {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** Whether requests are streams of HTTP/2. */
  readonly http2?: boolean;
  /** Nanoseconds. */
  readonly timeout: number;
}

/** One open connection. Both calls let virtual time run until they have an answer. */
export interface KeepAliveConnection {
  /** The client's end as `ip:port`. */
  readonly local: string;
  /** Sends one request and waits for its answer, for at most `timeout` nanoseconds. */
  request(request: KeepAliveRequest, timeout: number): KeepAliveAnswer;
  close(): void;
}

/** A connection, or why there is none: `connection refused`, `timed out after 5s`, `no such host`. */
export type OpenResult = { readonly ok: true; readonly connection: KeepAliveConnection } | { readonly ok: false; readonly error: string };
