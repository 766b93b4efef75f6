/**
 * What the agent adds to the listeners and clusters of a CiliumEnvoyConfig, so that its traffic follows policies and its resources come from the agent.
 * @see cilium:pkg/envoy/ciliumenvoyconfig.go#ParseResources
 */
import type { Cluster, TransportSocket } from '../../xds/cluster.ts';
import type { FilterChain, FilterConfig, HttpConnectionManagerConfig, Listener } from '../../xds/listener.ts';
import type { DaemonOptions } from '../option/config.ts';
import { ciliumHttpFilter, type ListenerFilterSpec, listenerFilter, socketMarkOption } from './server.ts';

/** A listener as a user writes it: without address the agent gives it one. */
export type UserListener = Omit<Listener, 'address' | 'filter_chains'> & Partial<Pick<Listener, 'address' | 'filter_chains'>>;

/** Where things are added. */
export interface InjectionContext {
  readonly options: DaemonOptions;
  readonly filter: Omit<ListenerFilterSpec, 'ingress'>;
  /** The name under which the proxy has a route configuration of the same object. */
  readonly qualified: (name: string) => string;
}

const HTTP_CONNECTION_MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
/** @see cilium:pkg/envoy/server.go#CiliumXDSClusterName */
export const CILIUM_XDS_CLUSTER = 'xds-grpc-cilium';
/** The agent's own xDS server. @see cilium:pkg/envoy/server.go#ciliumXDS */
const CILIUM_XDS = {
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: CILIUM_XDS_CLUSTER } }],
    set_node_on_first_message_only: true,
  },
  resource_api_version: 'V3',
};

/** A listener with Cilium's filters. */
export function injectListener(listener: UserListener, context: InjectionContext): UserListener {
  const filters = listener.listener_filters ?? [];
  const own = filters.some(({ name }) => name === 'cilium.bpf_metadata') ? [] : [listenerFilter({ ...context.filter, ingress: false })];
  return {
    ...listener,
    listener_filters: [...filters, ...own],
    socket_options: [...(listener.socket_options ?? []), socketMarkOption(false)],
    filter_chains: (listener.filter_chains ?? []).map((chain) => injectChain(chain, listener.address === undefined, context)),
  };
}

/** The first filter that ends connections here or passes them on gets Cilium's before it. */
function injectChain(chain: FilterChain, enforce: boolean, context: InjectionContext): FilterChain {
  const given = chain.filters ?? [];
  const at = given.findIndex(
    ({ typed_config }) => typed_config?.['@type'] === HTTP_CONNECTION_MANAGER || typed_config?.['@type'] === TCP_PROXY,
  );
  const filters = given.map((filter, index) => (index === at ? injectFilter(filter, enforce, context) : filter));
  if (at >= 0 && enforce && !given.slice(0, at + 1).some(({ name }) => name === 'cilium.network')) {
    filters.splice(at, 0, { name: 'cilium.network', typed_config: { '@type': 'type.googleapis.com/cilium.NetworkFilter' } });
  }
  const { transport_socket: socket } = chain;
  return { ...chain, filters, ...(socket === undefined ? {} : { transport_socket: withSecretSource(socket) }) };
}

function injectFilter(filter: FilterConfig, enforce: boolean, { options, qualified }: InjectionContext): FilterConfig {
  if (filter.typed_config?.['@type'] !== HTTP_CONNECTION_MANAGER) {
    return filter;
  }
  const manager = filter.typed_config as unknown as HttpConnectionManagerConfig;
  const { rds } = manager;
  const httpFilters = [...(manager.http_filters ?? [])];
  const router = httpFilters.findIndex(({ name }) => name === 'envoy.filters.http.router');
  if (enforce && router >= 0 && !httpFilters.slice(0, router).some(({ name }) => name === 'cilium.l7policy')) {
    httpFilters.splice(router, 0, ciliumHttpFilter(options));
  }
  return {
    ...filter,
    typed_config: {
      ...manager,
      ...(rds === undefined
        ? {}
        : { rds: { ...rds, route_config_name: qualified(rds.route_config_name), config_source: rds.config_source ?? CILIUM_XDS } }),
      http_filters: httpFilters,
    },
  };
}

/** A cluster whose endpoints and secrets come from the agent, where it does not say from whom. */
export function injectCluster(cluster: Cluster): Cluster {
  const { transport_socket: socket, eds_cluster_config: eds } = cluster;
  return {
    ...cluster,
    ...(socket === undefined ? {} : { transport_socket: withSecretSource(socket) }),
    ...(cluster.type === 'EDS' ? { eds_cluster_config: { ...eds, eds_config: eds?.eds_config ?? CILIUM_XDS } } : {}),
  };
}

interface SdsSecretConfig {
  readonly name?: string;
  readonly sds_config?: unknown;
}

/** @see cilium:pkg/envoy/ciliumenvoyconfig.go#fillInTransportSocketXDS */
function withSecretSource(socket: TransportSocket): TransportSocket {
  const { typed_config: config } = socket;
  const tls = config?.['common_tls_context'] as
    | {
        readonly tls_certificate_sds_secret_configs?: readonly SdsSecretConfig[];
        readonly validation_context_sds_secret_config?: SdsSecretConfig;
      }
    | undefined;
  if (config === undefined || tls === undefined) {
    return socket;
  }
  const filled = (secret: SdsSecretConfig): SdsSecretConfig => ({ ...secret, sds_config: secret.sds_config ?? CILIUM_XDS });
  const { tls_certificate_sds_secret_configs: certificates, validation_context_sds_secret_config: validation } = tls;
  return {
    ...socket,
    typed_config: {
      ...config,
      common_tls_context: {
        ...tls,
        ...(certificates === undefined ? {} : { tls_certificate_sds_secret_configs: certificates.map(filled) }),
        ...(validation === undefined ? {} : { validation_context_sds_secret_config: filled(validation) }),
      },
    },
  };
}
