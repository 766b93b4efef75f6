/**
 * A cluster whose hosts are the original destinations of the connections that use it.
 * @see envoy:source/common/upstream/original_dst_cluster.cc#OriginalDstCluster
 */
import { MILLISECOND, type Nanos } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import { bindAddress, poolHashKey } from '../cilium/socket_option.ts';
import { upstreamTls } from '../cilium/tls_wrapper.ts';
import type { InetAddress } from '../network/address.ts';
import type { AcceptedConnection } from '../network/filter.ts';
import type { ServerContext } from '../server_context.ts';
import type { Stat } from '../stats.ts';
import { ConnPool, type PoolKey, type UpstreamProtocol } from './conn_pool.ts';

/** A host not used for one to two of these is dropped with its idle connections. @see cilium:pkg/envoy/server.go#createBootstrap (CleanupInterval) */
export const CLEANUP_INTERVAL: Nanos = 1500 * MILLISECOND;

/** Default circuit breakers. @see envoy:api/envoy/config/cluster/v3/circuit_breaker.proto#CircuitBreakers.Thresholds */
export const MAX_CONNECTIONS = 1024;
export const MAX_PENDING_REQUESTS = 1024;
export const MAX_REQUESTS = 1024;
export const MAX_RETRIES = 3;

/** How upstream sockets of a downstream connection are opened. @see envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl */
export function poolKeyOf(connection: AcceptedConnection, cluster: OriginalDstCluster, protocol: UpstreamProtocol = 'HTTP/1.1'): PoolKey {
  const { option } = connection;
  const tls = cluster.tls ? upstreamTls(connection) : null;
  const bind = option === null ? null : bindAddress(option, 4);
  const hash = tls === null ? poolHashKey(option) : `${poolHashKey(option)} ${tls.serverName}`;
  return { protocol, hash, mark: option?.mark ?? 0, bind, transparent: bind !== null, tls };
}

/** What the circuit breakers count. */
export class ClusterResources {
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
}

/** A destination with its pools. */
export class Host {
  readonly address: InetAddress;
  /** Chosen since the clean-up timer last fired. */
  used = true;
  readonly #pools = new Map<string, ConnPool>();
  readonly #context: ServerContext;
  readonly cluster: OriginalDstCluster;

  constructor(context: ServerContext, cluster: OriginalDstCluster, address: InetAddress) {
    this.#context = context;
    this.cluster = cluster;
    this.address = address;
  }

  /** The pool for a source. @see envoy:source/common/upstream/cluster_manager_impl.cc#ThreadLocalClusterManagerImpl::ClusterEntry::connPool */
  pool(key: PoolKey): ConnPool {
    const name = key.protocol === 'HTTP/2' ? `2 ${key.hash}` : key.hash;
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      pool = new ConnPool(this.#context, this.cluster, this, key);
      this.#pools.set(name, pool);
    }
    return pool;
  }

  /** The pools, in order of creation. */
  pools(): readonly ConnPool[] {
    return [...this.#pools.values()];
  }
}

/** The cluster. */
export class OriginalDstCluster {
  readonly name: string;
  readonly resources = new ClusterResources();
  readonly #context: ServerContext;
  readonly #hosts = new Map<string, Host>();
  /** Hosts dropped while requests or connections of theirs live on. */
  readonly #dropped = new Set<Host>();
  #timer: Timer | null = null;

  /** Counters of the cluster. */
  readonly stats: { readonly connections: Stat; readonly requests: Stat; readonly overflow: Stat; readonly protocolErrors: Stat };

  constructor(context: ServerContext, name: string) {
    this.#context = context;
    this.name = name;
    const stat = (suffix: string): Stat => context.stats.get(`cluster.${name}.${suffix}`);
    this.stats = {
      connections: stat('upstream_cx_total'),
      requests: stat('upstream_rq_total'),
      overflow: stat('upstream_cx_overflow'),
      protocolErrors: stat('upstream_cx_protocol_error'),
    };
  }

  /** Whether its transport socket is the TLS wrapper. */
  get tls(): boolean {
    return this.name.endsWith('-tls');
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
