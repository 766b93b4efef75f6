/**
 * `/clusters` as text.
 * @see envoy:source/server/admin/clusters_handler.cc#ClustersHandler::writeClustersAsText
 * @remarks Not modelled: counters of single hosts other than connections and requests in progress; they are left out.
 */
import type { ServerContext } from '../server_context.ts';
import { type ClusterLimits, DEFAULT_LIMITS, type Host } from '../upstream/cluster.ts';
import { ORIGINAL_DST_CLUSTERS } from '../upstream/cluster_manager.ts';

/** Clusters of the bootstrap file that reach the agent and the admin interface by pipes. */
const PIPES: readonly (readonly [string, string])[] = [
  ['xds-grpc-cilium', '/var/run/cilium/xds.sock'],
  ['/envoy-admin', '/var/run/cilium/envoy-admin.sock'],
];

/** The page. */
export function clustersText(context: ServerContext): string {
  const original = context.clusters.all().map(
    (cluster) =>
      head(cluster.name, cluster.limits, ORIGINAL_DST_CLUSTERS.includes(cluster.name)) +
      cluster
        .hosts()
        .map((host) => hostText(cluster.name, host))
        .join(''),
  );
  const pipes = PIPES.map(([name, path]) => head(name, DEFAULT_LIMITS, true) + common(name, path));
  return [...original, ...pipes].join('');
}

function head(name: string, limits: ClusterLimits, fromBootstrap: boolean): string {
  const breakers = ['default', 'high'].map(
    (priority) =>
      `${name}::${priority}_priority::max_connections::${limits.connections}\n` +
      `${name}::${priority}_priority::max_pending_requests::${limits.pending}\n` +
      `${name}::${priority}_priority::max_requests::${limits.requests}\n` +
      `${name}::${priority}_priority::max_retries::${limits.retries}\n`,
  );
  return `${name}::observability_name::${name}\n${breakers.join('')}${name}::added_via_api::${!fromBootstrap}\n`;
}

function hostText(cluster: string, host: Host): string {
  const counts = host.pools().map((pool) => pool.counts);
  const sum = (of: (one: (typeof counts)[number]) => number): number => counts.reduce((total, one) => total + of(one), 0);
  const address = host.address.text;
  return (
    `${cluster}::${address}::cx_active::${sum(({ ready, connecting, busy }) => ready + connecting + busy)}\n` +
    `${cluster}::${address}::rq_active::${sum(({ busy }) => busy)}\n${common(cluster, address)}`
  );
}

function common(cluster: string, address: string): string {
  const values = [
    ['hostname', ''],
    ['health_flags', 'healthy'],
    ['weight', '1'],
    ['region', ''],
    ['zone', ''],
    ['sub_zone', ''],
    ['canary', 'false'],
    ['priority', '0'],
    ['success_rate', '-1'],
    ['local_origin_success_rate', '-1'],
  ];
  return values.map(([name, value]) => `${cluster}::${address}::${name ?? ''}::${value ?? ''}\n`).join('');
}
