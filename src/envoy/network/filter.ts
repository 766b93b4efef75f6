/**
 * Network filters and the downstream connection they work on.
 * @see envoy:envoy/network/filter.h#ReadFilter
 * @see envoy:source/common/network/filter_manager_impl.cc#FilterManagerImpl
 */
import type { SocketErrno } from '../../kernel/socket.ts';
import { concatBytes, NO_BYTES } from '../../net/bytes.ts';
import type { CiliumSocketOption } from '../cilium/socket_option.ts';
import type { InetAddress } from './address.ts';
import type { CloseEvent, Connection } from './connection.ts';

/** A read filter of a connection. */
export interface ReadFilter {
  /** `stop`: later filters do not hear of the connection before the first data. */
  onNewConnection(): 'continue' | 'stop';
  /** Returns what the next filter gets, or `null` to stop. `endStream`: the client will send no more; told only where half-closing is enabled. */
  onData(bytes: Uint8Array, endStream: boolean): Uint8Array | null;
  /** Bytes on their way to the client: returns what goes on, or `null` to stop. @see envoy:envoy/network/filter.h#WriteFilter */
  onWrite?(bytes: Uint8Array, endStream: boolean): Uint8Array | null;
  /** The connection is gone. */
  onClosed(event: CloseEvent, errno: SocketErrno | null): void;
}

/** Asked before an upstream connection is opened; `false` forbids it. @see proxy:patches/0001-network-Add-callback-for-upstream-authorization.patch */
export type NetworkUpstreamCallback = (upstreamHost: InetAddress) => boolean;

/** What the listener filters found out about an accepted connection. */
export interface AcceptedConnection {
  readonly local: InetAddress;
  readonly remote: InetAddress;
  /** Server name of the TLS hello, or empty. */
  readonly sni: string;
  /** The first bytes are a TLS hello. */
  readonly tls: boolean;
  readonly applicationProtocols: readonly string[];
  /** `null`: no metadata, because there is no policy for the pod. */
  readonly option: CiliumSocketOption | null;
}

/** A downstream connection with its filters. */
export class ServerConnection {
  readonly connection: Connection;
  readonly info: AcceptedConnection;
  /** Whether the listener wants its connections to end. */
  readonly draining: () => boolean;
  readonly #filters: { readonly filter: ReadFilter; initialized: boolean }[] = [];
  readonly #upstreamCallbacks: NetworkUpstreamCallback[] = [];
  /** What came while reading is disabled; `null`: it is not. */
  #held: { readonly parts: Uint8Array[]; end: boolean } | null = null;
  #writeEnded = false;

  constructor(connection: Connection, info: AcceptedConnection, draining: () => boolean) {
    this.connection = connection;
    this.info = info;
    this.draining = draining;
  }

  /** Installs the filters and tells them of the connection. */
  start(filters: readonly ReadFilter[]): void {
    this.connection.setCallbacks({
      onData: (bytes) => this.onData(bytes),
      onClosed: (event, errno) => {
        for (const entry of this.#filters) {
          entry.filter.onClosed(event, errno);
        }
      },
    });
    for (const filter of filters) {
      this.#filters.push({ filter, initialized: false });
    }
    this.#iterate(null, false);
  }

  /** Bytes from the client. */
  onData(bytes: Uint8Array, endStream = false): void {
    if (this.#held === null) {
      this.#iterate(bytes, endStream);
    } else {
      this.#held.parts.push(bytes);
      this.#held.end ||= endStream;
    }
  }

  /** The client's FIN goes through the filters as an end of the stream, and each side ends its own direction. */
  enableHalfClose(): void {
    this.connection.enableHalfClose(() => this.onData(NO_BYTES, true));
  }

  /**
   * Leaves what the client sends unread, or goes on reading.
   * @see envoy:source/common/network/connection_impl.cc#ConnectionImpl::readDisable
   */
  readDisable(disable: boolean): void {
    if (disable) {
      this.#held ??= { parts: [], end: false };
      return;
    }
    const held = this.#held;
    this.#held = null;
    if (held !== null && held.parts.length > 0) {
      this.#iterate(concatBytes(held.parts), held.end);
    }
  }

  /**
   * Bytes to the client, through the write filters. Even none make the filters run, so that one may add some.
   * @see envoy:source/common/network/connection_impl.cc#ConnectionImpl::write
   */
  write(bytes: Uint8Array, endStream: boolean): void {
    let data = bytes;
    if (this.#writeEnded || !this.connection.open) {
      return;
    }
    for (const { filter } of this.#filters) {
      if (filter.onWrite !== undefined) {
        const left = filter.onWrite(data, endStream);
        if (left === null) {
          return;
        }
        data = left;
      }
    }
    this.connection.write(data);
    if (endStream) {
      this.#writeEnded = true;
      this.connection.end();
    }
  }

  /** @see proxy:patches/0001-network-Add-callback-for-upstream-authorization.patch */
  addUpstreamCallback(callback: NetworkUpstreamCallback): void {
    this.#upstreamCallbacks.push(callback);
  }

  /** All callbacks agree; the first refusal ends the round. */
  iterateUpstreamCallbacks(upstreamHost: InetAddress): boolean {
    return this.#upstreamCallbacks.every((callback) => callback(upstreamHost));
  }

  #iterate(bytes: Uint8Array | null, endStream: boolean): void {
    let data = bytes;
    for (const entry of this.#filters) {
      if (!entry.initialized) {
        entry.initialized = true;
        if (entry.filter.onNewConnection() === 'stop') {
          return;
        }
      }
      if (data !== null) {
        data = entry.filter.onData(data, endStream);
        if (data === null) {
          return;
        }
      }
    }
  }
}
