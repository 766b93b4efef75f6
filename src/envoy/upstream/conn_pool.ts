/**
 * Connections to one host for one source: one request at a time on each of HTTP/1, many on one of HTTP/2.
 * @see envoy:source/common/conn_pool/conn_pool_base.cc#ConnPoolImplBase
 * @see envoy:source/common/http/http1/conn_pool.cc#ActiveClient
 * @see envoy:source/common/http/conn_pool_base.cc#MultiplexedActiveClientBase
 */
import type { Journey } from '../../sim/journey.ts';
import type { UpstreamTls } from '../cilium/tls_wrapper.ts';
import type { Protocol } from '../http/header_utility.ts';
import type { InetAddress } from '../network/address.ts';
import type { ServerContext } from '../server_context.ts';
import { ActiveClient } from './active_client.ts';
import type { Cluster, Host } from './cluster.ts';
import { Http2Client } from './http2_client.ts';

import type { PoolClient, UpstreamStream } from './pool_client.ts';

/** What is spoken upstream. */
export type UpstreamProtocol = Exclude<Protocol, 'HTTP/1.0'>;

/** What keeps pools apart, and how their sockets are opened. */
export interface PoolKey {
  /** Spoken with the host: that of the client, or HTTP/1.1 for older ones. @see envoy:source/common/upstream/upstream_impl.cc#ClusterInfoImpl::upstreamHttpProtocol */
  readonly protocol: UpstreamProtocol;
  /** Hash key of the socket options. */
  readonly hash: string;
  readonly mark: number;
  /** bind(2) address, or `null`. */
  readonly bind: InetAddress | null;
  readonly transparent: boolean;
  /** TLS towards the host, or `null`. */
  readonly tls: UpstreamTls | null;
}

/** Why a pool could not provide a connection. */
export interface PoolFailure {
  readonly reason: 'overflow' | 'connection failure';
  /** `delayed connect error: 111`, or empty. */
  readonly transportFailure: string;
}

/** Who asked the pool for a connection. */
export interface PoolCallbacks {
  onPoolReady(stream: UpstreamStream, host: Host): void;
  onPoolFailure(failure: PoolFailure): void;
}

/** A request that waits for a connection. */
export interface PendingStream {
  cancel(): void;
}

interface Waiting {
  readonly callbacks: PoolCallbacks;
  cancelled: boolean;
}

/** The pool. */
export class ConnPool {
  readonly key: PoolKey;
  readonly host: Host;
  readonly #context: ServerContext;
  readonly #cluster: Cluster;
  #pending: Waiting[] = [];
  /** Connections that take a request; the one used last is taken first. */
  readonly #ready: PoolClient[] = [];
  readonly #connecting = new Set<PoolClient>();
  /** Connections that take no more: as many requests as they can have, or the peer or the pool wants their end. */
  readonly #busy = new Set<PoolClient>();
  /** Connections that end with their last request. */
  readonly #ending = new WeakSet<PoolClient>();
  #draining = false;

  constructor(context: ServerContext, cluster: Cluster, host: Host, key: PoolKey) {
    this.#context = context;
    this.#cluster = cluster;
    this.host = host;
    this.key = key;
  }

  /** Whether nothing lives in the pool. */
  get empty(): boolean {
    return this.#pending.length === 0 && this.#ready.length === 0 && this.#connecting.size === 0 && this.#busy.size === 0;
  }

  /** Numbers of connections by state. */
  get counts(): { readonly ready: number; readonly connecting: number; readonly busy: number } {
    return { ready: this.#ready.length, connecting: this.#connecting.size, busy: this.#busy.size };
  }

  /** Asks for a connection: an idle one at once, else when one is connected. @see envoy:source/common/conn_pool/conn_pool_base.cc#ConnPoolImplBase::newStreamImpl */
  newStream(callbacks: PoolCallbacks): PendingStream | null {
    const ready = this.#ready.pop();
    if (ready !== undefined) {
      this.#record(
        'reuse',
        () => `connection ${ready.id} to ${this.host.address.text} ${ready.activeStreams === 0 ? 'is idle' : 'takes another stream'}`,
      );
      this.#attach(ready, callbacks);
      return null;
    }
    if (this.#cluster.resources.pending >= this.#cluster.limits.pending) {
      callbacks.onPoolFailure({ reason: 'overflow', transportFailure: '' });
      return null;
    }
    const waiting: Waiting = { callbacks, cancelled: false };
    this.#pending.push(waiting);
    this.#cluster.resources.pending += 1;
    this.#connectIfNeeded();
    return { cancel: () => this.#cancel(waiting) };
  }

  /** The host was dropped: idle connections close now, busy ones after their request. @see envoy:source/common/conn_pool/conn_pool_base.cc#ConnPoolImplBase::drainConnections */
  drain(): void {
    this.#draining = true;
    for (const client of [...this.#ready]) {
      this.retire(client);
    }
    if (this.#pending.length === 0) {
      for (const client of [...this.#connecting]) {
        client.close();
      }
    }
  }

  /** A connection gets no more requests, and closes when the last is done. @see envoy:source/common/http/conn_pool_base.cc#MultiplexedActiveClientBase::onGoAway */
  retire(client: PoolClient): void {
    if (client.activeStreams === 0) {
      client.close();
      return;
    }
    const index = this.#ready.indexOf(client);
    if (index >= 0) {
      this.#ready.splice(index, 1);
      this.#busy.add(client);
    }
    this.#ending.add(client);
  }

  /** Resets everything. */
  abort(): void {
    for (const client of [...this.#ready, ...this.#connecting, ...this.#busy]) {
      client.abort();
    }
  }

  /** A connection is established: requests that wait may have it. */
  onConnected(client: PoolClient): void {
    this.#connecting.delete(client);
    this.#ready.push(client);
    this.#onUpstreamReady();
  }

  /** A request is complete: its connection is ready at once, and requests that wait get it after the current event. */
  onIdle(client: PoolClient): void {
    const ends = this.#ending.has(client) || (this.#draining && this.#pending.length === 0);
    if (ends) {
      this.retire(client);
      return;
    }
    if (this.#busy.delete(client)) {
      this.#ready.push(client);
    }
    if (this.#pending.length > 0) {
      this.#context.dispatcher.defer(() => this.#onUpstreamReady());
    }
  }

  /** A connection takes more or fewer requests than before. */
  onCapacityChanged(client: PoolClient): void {
    const index = this.#ready.indexOf(client);
    if (index >= 0 && client.capacity <= 0) {
      this.#ready.splice(index, 1);
      this.#busy.add(client);
    } else if (this.#busy.has(client) && client.capacity > 0 && !this.#ending.has(client)) {
      this.onIdle(client);
    }
  }

  /** The upstream broke the protocol. */
  onProtocolError(): void {
    this.#cluster.stats.protocolErrors.value += 1;
  }

  /** A connection is gone. @see envoy:source/common/conn_pool/conn_pool_base.cc#ConnPoolImplBase::onConnectionEvent */
  onClientClosed(client: PoolClient, connectFailure: PoolFailure | null): void {
    this.#cluster.resources.connections -= 1;
    const index = this.#ready.indexOf(client);
    if (index >= 0) {
      this.#ready.splice(index, 1);
    }
    this.#connecting.delete(client);
    this.#busy.delete(client);
    if (connectFailure !== null) {
      this.#purge(connectFailure);
    }
    this.#connectIfNeeded();
  }

  /** Wires a stream to its connection; `false` from the circuit breaker fails the request. */
  #attach(client: PoolClient, callbacks: PoolCallbacks): void {
    if (this.#cluster.resources.requests >= this.#cluster.limits.requests) {
      this.#ready.push(client);
      callbacks.onPoolFailure({ reason: 'overflow', transportFailure: '' });
      return;
    }
    this.#cluster.resources.requests += 1;
    this.#cluster.stats.requests.value += 1;
    const stream = client.newStream(() => (this.#cluster.resources.requests -= 1));
    if (client.capacity > 0) {
      this.#ready.push(client);
    } else {
      this.#busy.add(client);
    }
    callbacks.onPoolReady(stream, this.host);
  }

  /** @see envoy:source/common/conn_pool/conn_pool_base.cc#ConnPoolImplBase::onUpstreamReady */
  #onUpstreamReady(): void {
    while (this.#pending.length > 0 && this.#ready.length > 0) {
      const waiting = this.#pending.shift() as Waiting;
      this.#cluster.resources.pending -= 1;
      this.#attach(this.#ready.pop() as ActiveClient, waiting.callbacks);
    }
    if (this.#draining && this.#pending.length === 0) {
      for (const client of [...this.#ready]) {
        this.retire(client);
      }
    }
  }

  #purge(failure: PoolFailure): void {
    const purged = this.#pending;
    this.#pending = [];
    this.#cluster.resources.pending -= purged.length;
    for (const waiting of purged) {
      if (!waiting.cancelled) {
        waiting.callbacks.onPoolFailure(failure);
      }
    }
  }

  #cancel(waiting: Waiting): void {
    const index = this.#pending.indexOf(waiting);
    if (index >= 0) {
      waiting.cancelled = true;
      this.#pending.splice(index, 1);
      this.#cluster.resources.pending -= 1;
    }
  }

  #connectIfNeeded(): void {
    // One connection of HTTP/2 is for all that wait.
    const streams = this.key.protocol === 'HTTP/2' ? Number.POSITIVE_INFINITY : 1;
    while (this.#pending.length > 0 && (this.#connecting.size === 0 || this.#pending.length > this.#connecting.size * streams)) {
      const none = this.#ready.length === 0 && this.#connecting.size === 0 && this.#busy.size === 0;
      if (this.#cluster.resources.connections >= this.#cluster.limits.connections && !none) {
        this.#cluster.stats.overflow.value += 1;
        return;
      }
      this.#cluster.resources.connections += 1;
      this.#cluster.stats.connections.value += 1;
      const client: PoolClient =
        this.key.protocol === 'HTTP/2' ? new Http2Client(this.#context, this) : new ActiveClient(this.#context, this);
      this.#connecting.add(client);
      this.#record(
        'connect',
        () => `no idle connection to ${this.host.address.text} for key ${this.key.hash === '' ? 'none' : this.key.hash}`,
      );
      client.connect();
    }
  }

  #record(verdict: string, why: () => string): void {
    const journey: Journey = this.#context.journey;
    if (journey.recording) {
      journey.add({
        kind: 'decide',
        actor: 'envoy',
        fn: 'ConnPoolImplBase::newStreamImpl',
        see: 'envoy:source/common/conn_pool/conn_pool_base.cc#ConnPoolImplBase::newStreamImpl',
        verdict,
        why: why(),
        data: {
          cluster: this.#cluster.name,
          host: this.host.address.text,
          hashKey: this.key.hash,
          mark: `0x${this.key.mark.toString(16)}`,
        },
      });
    }
  }
}
