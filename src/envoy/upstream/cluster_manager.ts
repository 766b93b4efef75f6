/**
 * The clusters of the bootstrap file.
 * @see cilium:pkg/envoy/server.go#createBootstrap
 * @see envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl
 */
import type { ServerContext } from '../server_context.ts';
import { OriginalDstCluster } from './original_dst_cluster.ts';

/** Clusters that connect to where the client wanted to go. */
export const ORIGINAL_DST_CLUSTERS: readonly string[] = ['egress-cluster', 'egress-cluster-tls', 'ingress-cluster', 'ingress-cluster-tls'];

/** All clusters. */
export class ClusterManager {
  readonly #clusters: ReadonlyMap<string, OriginalDstCluster>;

  constructor(context: ServerContext) {
    this.#clusters = new Map(ORIGINAL_DST_CLUSTERS.map((name) => [name, new OriginalDstCluster(context, name)]));
  }

  /** The cluster of a route, or `null`. */
  get(name: string): OriginalDstCluster | null {
    return this.#clusters.get(name) ?? null;
  }

  /** The clusters in order of their names. */
  all(): readonly OriginalDstCluster[] {
    return [...this.#clusters.values()];
  }

  /** The process is gone: all upstream connections are reset. */
  abort(): void {
    for (const cluster of this.#clusters.values()) {
      cluster.abort();
    }
  }
}
