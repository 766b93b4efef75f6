/**
 * A cluster whose hosts are the original destinations of the connections that use it.
 * @see envoy:source/common/upstream/original_dst_cluster.cc#OriginalDstCluster
 */
import { MILLISECOND, type Nanos } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { type UpstreamTls, upstreamTls } from '../cilium/tls_wrapper.ts';
import type { Protocol } from '../http/header_utility.ts';
import type { InetAddress } from '../network/address.ts';
import type { AcceptedConnection } from '../network/filter.ts';
import type { ServerContext } from '../server_context.ts';
import { type Cluster, ClusterResources, type ClusterStats, clusterStats, DEFAULT_LIMITS, Host } from './cluster.ts';
import type { UpstreamProtocol } from './conn_pool.ts';

/** A host not used for one to two of these is dropped with its idle connections. @see cilium:pkg/envoy/server.go#createBootstrap (CleanupInterval) */
export const CLEANUP_INTERVAL: Nanos = 1500 * MILLISECOND;

/** The cluster. */
export class OriginalDstCluster implements Cluster {
  readonly name: string;
  readonly limits = DEFAULT_LIMITS;
  readonly resources = new ClusterResources();
  readonly stats: ClusterStats;
  readonly connectTimeout: Nanos;
  readonly #tls: boolean;
  readonly #context: ServerContext;
  readonly #hosts = new Map<string, Host>();
  /** Hosts dropped while requests or connections of theirs live on. */
  readonly #dropped = new Set<Host>();
  #timer: Timer | null = null;

  /** @param tls its transport socket is the TLS wrapper */
  constructor(context: ServerContext, name: string, tls: boolean) {
    this.#context = context;
    this.name = name;
    this.#tls = tls;
    this.stats = clusterStats(context.stats, name);
    this.connectTimeout = context.options.proxyConnectTimeout;
  }

  tlsFor(connection: AcceptedConnection): UpstreamTls | null {
    return this.#tls ? upstreamTls(connection) : null;
  }

  /** What the client speaks. @see cilium:pkg/envoy/server.go#createBootstrap (use_downstream_protocol_config) */
  upstreamProtocol(downstream: Protocol): UpstreamProtocol {
    return downstream === 'HTTP/2' ? downstream : 'HTTP/1.1';
  }

  /** Live hosts in order of creation. */
  hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** The host of an original destination. @see envoy:source/common/upstream/original_dst_cluster.cc#OriginalDstCluster::LoadBalancer::chooseHost */
  chooseHost(destination: InetAddress): Host {
    let host = this.#hosts.get(destination.text);
    if (host === undefined) {
      host = new Host(this.#context, this, destination);
      this.#hosts.set(destination.text, host);
      this.#record(null, destination.text);
      this.#armTimer();
    }
    host.used = true;
    return host;
  }

  putResult(): void {
    // Nobody watches over these hosts.
  }

  /** Resets every connection. */
  abort(): void {
    this.#timer?.cancel();
    for (const host of [...this.#hosts.values(), ...this.#dropped]) {
      for (const pool of host.pools()) {
        pool.abort();
      }
    }
  }

  /**
   * The timer fires at instants of one phase for ever; it is only armed while there is a host to look at, which nobody can tell apart.
   */
  #armTimer(): void {
    if (this.#timer !== null) {
      return;
    }
    const now = this.#context.dispatcher.clock.now();
    const phase = this.#context.options.cleanupPhase ?? this.#context.startedAt;
    const sincePhase = (((now - phase) % CLEANUP_INTERVAL) + CLEANUP_INTERVAL) % CLEANUP_INTERVAL;
    this.#timer = this.#context.dispatcher.timer(CLEANUP_INTERVAL - sincePhase, 'periodic:envoy cluster cleanup', () => {
      this.#timer = null;
      this.#cleanup();
      if (this.#hosts.size > 0) {
        this.#armTimer();
      }
    });
  }

  /** @see envoy:source/common/upstream/original_dst_cluster.cc#OriginalDstCluster::cleanup */
  #cleanup(): void {
    for (const [key, host] of [...this.#hosts]) {
      if (host.used) {
        host.used = false;
        continue;
      }
      this.#hosts.delete(key);
      this.#record(key, null);
      this.#dropped.add(host);
      for (const pool of host.pools()) {
        pool.drain();
      }
    }
    for (const host of this.#dropped) {
      if (host.pools().every((pool) => pool.empty)) {
        this.#dropped.delete(host);
      }
    }
  }

  #record(before: string | null, after: string | null): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'change',
        actor: 'envoy',
        fn: after === null ? 'OriginalDstCluster::cleanup' : 'OriginalDstCluster::addHost',
        see: 'envoy:source/common/upstream/original_dst_cluster.cc#OriginalDstCluster',
        target: `${this.name} hosts`,
        before,
        after,
      });
    }
  }
}
