/**
 * What every cluster has: hosts with their pools, circuit breakers and counters.
 * @see envoy:envoy/upstream/upstream.h#ClusterInfo
 * @see envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl
 */
import type { Nanos } from '../../sim/clock.ts';
import { bindAddress, poolHashKey } from '../cilium/socket_option.ts';
import type { UpstreamTls } from '../cilium/tls_wrapper.ts';
import type { Protocol } from '../http/header_utility.ts';
import type { InetAddress } from '../network/address.ts';
import type { AcceptedConnection } from '../network/filter.ts';
import type { ServerContext } from '../server_context.ts';
import type { Stat, Stats } from '../stats.ts';
import { ConnPool, type PoolKey, type UpstreamProtocol } from './conn_pool.ts';

/** Circuit breakers. */
export interface ClusterLimits {
  readonly connections: number;
  readonly pending: number;
  readonly requests: number;
  readonly retries: number;
}

/** Their defaults. @see envoy:api/envoy/config/cluster/v3/circuit_breaker.proto#CircuitBreakers.Thresholds */
export const DEFAULT_LIMITS: ClusterLimits = { connections: 1024, pending: 1024, requests: 1024, retries: 3 };

/** What the circuit breakers count. */
export class ClusterResources {
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
}

/** Counters of a cluster. */
export interface ClusterStats {
  readonly connections: Stat;
  readonly requests: Stat;
  readonly overflow: Stat;
  readonly protocolErrors: Stat;
}

/** How an attempt at a host ended, for those who watch over hosts. @see envoy:envoy/upstream/outlier_detection.h#Result */
export type HostResult =
  | { readonly kind: 'response'; readonly status: number }
  | { readonly kind: 'connect-failed' | 'connect-timeout' | 'request-timeout' | 'connected' };

/** A cluster. */
export interface Cluster {
  readonly name: string;
  readonly limits: ClusterLimits;
  readonly resources: ClusterResources;
  readonly stats: ClusterStats;
  readonly connectTimeout: Nanos;
  /** TLS towards the hosts for a downstream connection, or `null`. */
  tlsFor(connection: AcceptedConnection): UpstreamTls | null;
  /** What is spoken to the hosts for a request of a protocol. */
  upstreamProtocol(downstream: Protocol): UpstreamProtocol;
  /** Hosts in order of creation. */
  hosts(): readonly Host[];
  /** The host for a connection that wanted to go to `destination`, or `null` if there is none. */
  chooseHost(destination: InetAddress): Host | null;
  /** An attempt has ended. */
  putResult(host: Host, result: HostResult): void;
  /** Resets every connection. */
  abort(): void;
}

/** The counters of a cluster by its name. */
export function clusterStats(stats: Stats, name: string): ClusterStats {
  const stat = (suffix: string): Stat => stats.get(`cluster.${name}.${suffix}`);
  return {
    connections: stat('upstream_cx_total'),
    requests: stat('upstream_rq_total'),
    overflow: stat('upstream_cx_overflow'),
    protocolErrors: stat('upstream_cx_protocol_error'),
  };
}

/** How upstream sockets of a downstream connection are opened. @see envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl */
export function poolKeyOf(connection: AcceptedConnection, cluster: Cluster, protocol: UpstreamProtocol = 'HTTP/1.1'): PoolKey {
  const { option } = connection;
  const tls = cluster.tlsFor(connection);
  const bind = option === null ? null : bindAddress(option, 4);
  const hash = tls === null ? poolHashKey(option) : `${poolHashKey(option)} ${tls.serverName}`;
  return { protocol, hash, mark: option?.mark ?? 0, bind, transparent: bind !== null, tls };
}

/** A destination with its pools. */
export class Host {
  readonly address: InetAddress;
  /** Chosen since the clean-up timer of a cluster of original destinations last fired. */
  used = true;
  readonly #pools = new Map<string, ConnPool>();
  readonly #context: ServerContext;
  readonly cluster: Cluster;

  constructor(context: ServerContext, cluster: Cluster, address: InetAddress) {
    this.#context = context;
    this.cluster = cluster;
    this.address = address;
  }

  /**
   * The pool for a source. One without connections is as good as gone: the next is made for whoever comes, with that one's socket options.
   * @see envoy:source/common/upstream/cluster_manager_impl.cc#ThreadLocalClusterManagerImpl::ClusterEntry::connPool
   * @see envoy:source/common/upstream/cluster_manager_impl.cc#ThreadLocalClusterManagerImpl::httpConnPoolIsIdle
   */
  pool(key: PoolKey): ConnPool {
    const name = key.protocol === 'HTTP/2' ? `2 ${key.hash}` : key.hash;
    let pool = this.#pools.get(name);
    if (pool === undefined || pool.empty) {
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
