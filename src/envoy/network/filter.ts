/**
 * Network filters and the downstream connection they work on.
 * @see envoy:envoy/network/filter.h#ReadFilter
 * @see envoy:source/common/network/filter_manager_impl.cc#FilterManagerImpl
 */
import type { SocketErrno } from '../../kernel/socket.ts';
import type { CiliumSocketOption } from '../cilium/socket_option.ts';
import type { InetAddress } from './address.ts';
import type { CloseEvent, Connection } from './connection.ts';

/** A read filter of a connection. */
export interface ReadFilter {
  /** `stop`: later filters do not hear of the connection before the first data. */
  onNewConnection(): 'continue' | 'stop';
  /** Returns what the next filter gets, or `null` to stop. */
  onData(bytes: Uint8Array): Uint8Array | null;
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
    this.#iterate(null);
  }

  /** Bytes from the client. */
  onData(bytes: Uint8Array): void {
    this.#iterate(bytes);
  }

  /** @see proxy:patches/0001-network-Add-callback-for-upstream-authorization.patch */
  addUpstreamCallback(callback: NetworkUpstreamCallback): void {
    this.#upstreamCallbacks.push(callback);
  }

  /** All callbacks agree; the first refusal ends the round. */
  iterateUpstreamCallbacks(upstreamHost: InetAddress): boolean {
    return this.#upstreamCallbacks.every((callback) => callback(upstreamHost));
  }

  #iterate(bytes: Uint8Array | null): void {
    let data = bytes;
    for (const entry of this.#filters) {
      if (!entry.initialized) {
        entry.initialized = true;
        if (entry.filter.onNewConnection() === 'stop') {
          return;
        }
      }
      if (data !== null) {
        data = entry.filter.onData(data);
        if (data === null) {
          return;
        }
      }
    }
  }
}
