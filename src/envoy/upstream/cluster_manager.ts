/**
 * The clusters of the bootstrap file, and those the agent sends.
 * @see cilium:pkg/envoy/server.go#createBootstrap
 * @see envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl
 */
import type { ServerContext } from '../server_context.ts';
import type { Cluster } from './cluster.ts';
import { OriginalDstCluster } from './original_dst_cluster.ts';

/** Clusters that connect to where the client wanted to go. */
export const ORIGINAL_DST_CLUSTERS: readonly string[] = ['egress-cluster', 'egress-cluster-tls', 'ingress-cluster', 'ingress-cluster-tls'];

/** All clusters. */
export class ClusterManager {
  readonly #clusters: Map<string, Cluster>;

  constructor(context: ServerContext) {
    this.#clusters = new Map(ORIGINAL_DST_CLUSTERS.map((name) => [name, new OriginalDstCluster(context, name, name.endsWith('-tls'))]));
  }

  /** The cluster of a route, or `null`. */
  get(name: string): Cluster | null {
    return this.#clusters.get(name) ?? null;
  }

  /** The clusters, those of the bootstrap file first. */
  all(): readonly Cluster[] {
    return [...this.#clusters.values()];
  }

  /** Adds or replaces a cluster. */
  set(cluster: Cluster): void {
    this.#clusters.set(cluster.name, cluster);
  }

  /** Takes a cluster away. */
  delete(name: string): void {
    this.#clusters.delete(name);
  }

  /** The process is gone: all upstream connections are reset. */
  abort(): void {
    for (const cluster of this.#clusters.values()) {
      cluster.abort();
    }
  }
}
