/**
 * From filter configurations to filters: what of Envoy's registry Cilium's listeners use.
 * @see envoy:source/server/listener_manager_impl.cc#ProdListenerComponentFactory::createNetworkFilterFactoryList
 */
import { MILLISECOND } from '../../sim/clock.ts';
import type { FilterConfig, HttpConnectionManagerConfig, L7PolicyConfig, NetworkFilterConfig } from '../../xds/listener.ts';
import { L7PolicyFilter, l7PolicyConfigError } from '../cilium/l7policy.ts';
import { CiliumNetworkFilter, networkFilterConfigError } from '../cilium/network_filter.ts';
import { TimeoutQueue } from '../event/timeout_queue.ts';
import { type HcmFactory, HttpConnectionManager } from '../http/conn_manager_impl.ts';
import type { PathOptions } from '../http/path_utility.ts';
import type { StreamCallbacks, StreamFilter } from '../http/stream_filter.ts';
import type { RouteSource } from '../router/config_impl.ts';
import { RouteTable } from '../router/config_impl.ts';
import { Router, type RouterConfig } from '../router/router.ts';
import type { ServerContext } from '../server_context.ts';
import type { Stat } from '../stats.ts';
import { TcpProxy } from '../tcp_proxy/tcp_proxy.ts';
import type { ReadFilter, ServerConnection } from './filter.ts';
import type { ListenerUses } from './listener_uses.ts';

/** Makes a filter for a connection. */
export type NetworkFilterFactory = (connection: ServerConnection) => ReadFilter;

/** The factory of a network filter, or the exception's text. */
export function networkFilterFactory(context: ServerContext, filter: FilterConfig, uses: ListenerUses): NetworkFilterFactory | string {
  switch (filter.name) {
    case 'cilium.network':
      return ciliumNetworkFactory(context, filter.typed_config as NetworkFilterConfig | undefined);
    case 'envoy.filters.network.http_connection_manager': {
      const factory = hcmFactory(context, filter.typed_config as unknown as HttpConnectionManagerConfig, uses);
      return typeof factory === 'string' ? factory : (connection) => new HttpConnectionManager(context, factory, connection);
    }
    case 'envoy.filters.network.tcp_proxy':
      return tcpProxyFactory(context, filter);
    default:
      return unknownFilter(filter);
  }
}

/** @see proxy:cilium/network_filter.cc#Config::Config */
function ciliumNetworkFactory(context: ServerContext, config: NetworkFilterConfig | undefined): NetworkFilterFactory | string {
  const library = config?.proxylib ?? '';
  const instance = library === '' ? null : context.proxylib.open(library, config?.proxylib_params ?? {});
  if (typeof instance === 'string') {
    return instance;
  }
  return networkFilterConfigError(config) ?? ((connection) => new CiliumNetworkFilter(connection, context.journey, instance));
}

function tcpProxyFactory(context: ServerContext, filter: FilterConfig): NetworkFilterFactory | string {
  const name = String(filter.typed_config?.['cluster'] ?? '');
  const cluster = context.clusters.get(name);
  return cluster === null ? `tcp_proxy: unknown cluster '${name}'` : (connection) => new TcpProxy(context, cluster, connection);
}

function hcmFactory(context: ServerContext, config: HttpConnectionManagerConfig, uses: ListenerUses): HcmFactory | string {
  const routes = routeSource(context, config, uses);
  if (typeof routes === 'string') {
    return routes;
  }
  const routerConfig: RouterConfig = { routes, timeouts: timeoutQueues(context) };
  const factories: ((callbacks: StreamCallbacks) => StreamFilter)[] = [];
  for (const filter of config.http_filters) {
    const factory = httpFilterFactory(context, filter, routerConfig);
    if (typeof factory === 'string') {
      return factory;
    }
    factories.push(factory);
  }
  if (config.http_filters.at(-1)?.name !== 'envoy.filters.http.router') {
    return 'Error: non-terminal filter is the last filter in a http filter chain.';
  }
  const prefix = `http.${config.stat_prefix}`;
  const stat = (name: string): Stat => context.stats.get(`${prefix}.${name}`);
  return {
    stats: {
      connections: stat('downstream_cx_total'),
      requests: stat('downstream_rq_total'),
      protocolErrors: stat('downstream_cx_protocol_error'),
      responses: [1, 2, 3, 4, 5].map((digit) => stat(`downstream_rq_${digit}xx`)),
    },
    pathOptions: {
      normalizePath: config.normalize_path === true,
      mergeSlashes: config.merge_slashes === true,
      escapedSlashes: escapedSlashes(config),
    },
    createFilters: (callbacks) => factories.map((factory) => factory(callbacks)),
  };
}

/** Routes of the listener itself, or those that RDS brings. */
function routeSource(context: ServerContext, config: HttpConnectionManagerConfig, uses: ListenerUses): RouteSource | string {
  if (config.rds !== undefined) {
    const provided = context.routes.subscribe(config.rds.route_config_name);
    uses.add([provided.init], () => context.routes.release(provided.name));
    return {
      get table() {
        return provided.value;
      },
    };
  }
  const table = RouteTable.create(config.route_config ?? {}, context.options.maxRegexProgramSize);
  return typeof table === 'string' ? table : (unknownCluster(context, config) ?? { table });
}

/** Routes of a listener itself may only name clusters that are there. @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::validateClusters */
function unknownCluster({ clusters }: ServerContext, { route_config: routes }: HttpConnectionManagerConfig): string | null {
  for (const { route } of (routes?.virtual_hosts ?? []).flatMap((host) => host.routes ?? [])) {
    if (route?.cluster !== undefined && clusters.get(route.cluster) === null) {
      return `route: unknown cluster '${route.cluster}'`;
    }
    const weighted = route?.weighted_clusters?.clusters.find(({ name }) => clusters.get(name) === null);
    if (weighted !== undefined) {
      return `route: unknown weighted cluster '${weighted.name}'`;
    }
  }
  return null;
}

function escapedSlashes({
  path_with_escaped_slashes_action: action = 'KEEP_UNCHANGED',
}: HttpConnectionManagerConfig): PathOptions['escapedSlashes'] {
  return action === 'IMPLEMENTATION_SPECIFIC_DEFAULT' ? 'KEEP_UNCHANGED' : action;
}

function httpFilterFactory(
  context: ServerContext,
  filter: FilterConfig,
  router: RouterConfig,
): ((callbacks: StreamCallbacks) => StreamFilter) | string {
  switch (filter.name) {
    case 'cilium.l7policy': {
      const config: L7PolicyConfig = (filter.typed_config as L7PolicyConfig | undefined) ?? {
        '@type': 'type.googleapis.com/cilium.L7Policy',
      };
      return l7PolicyConfigError(config) ?? ((callbacks) => new L7PolicyFilter(context, config, callbacks));
    }
    case 'envoy.filters.http.router':
      return (callbacks) => new Router(context, router, callbacks);
    default:
      return unknownFilter(filter);
  }
}

function unknownFilter(filter: FilterConfig): string {
  return `Didn't find a registered implementation for '${filter.name}' with type URL: '${(filter.typed_config?.['@type'] ?? '').replace('type.googleapis.com/', '')}'`;
}

/** One queue per delay. */
function timeoutQueues(context: ServerContext): (milliseconds: number) => TimeoutQueue {
  const queues = new Map<number, TimeoutQueue>();
  return (milliseconds) => {
    let queue = queues.get(milliseconds);
    if (queue === undefined) {
      queue = new TimeoutQueue(context.dispatcher, milliseconds * MILLISECOND, 'envoy request timeout');
      queues.set(milliseconds, queue);
    }
    return queue;
  };
}
