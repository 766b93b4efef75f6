/**
 * The listener of a load balancer: plain HTTP, and TLS by server name with certificates the proxy asks the agent for.
 * @see cilium:operator/pkg/model/translation/envoy_listener.go#NewListener
 */
import type { FilterChain, Listener } from '../../../xds/listener.ts';
import type { HttpListener } from '../model.ts';

const HTTP_CONNECTION_MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** The agent gives the listener its address. */
export function newListener(name: string, secretsNamespace: string, listeners: readonly HttpListener[]): Omit<Listener, 'address'> {
  return {
    name,
    filter_chains: [
      { filter_chain_match: { transport_protocol: 'raw_buffer' }, filters: [httpConnectionManager(`${name}-insecure`)] },
      ...tlsChains(name, secretsNamespace, listeners),
    ],
    listener_filters: [
      {
        name: 'envoy.filters.listener.tls_inspector',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector' },
      },
    ],
    socket_options: [
      socketOption('Enable TCP keep-alive (default to enabled)', 1, 9, 1),
      socketOption('TCP keep-alive idle time (in seconds) (defaults to 10s)', 6, 4, 10),
      socketOption('TCP keep-alive probe intervals (in seconds) (defaults to 5s)', 6, 5, 5),
      socketOption('TCP keep-alive probe max failures.', 6, 6, 10),
    ],
  };
}

/** One for each secret, for the names of all hosts that have it. */
function tlsChains(name: string, secretsNamespace: string, listeners: readonly HttpListener[]): FilterChain[] {
  const hosts = new Map<string, Set<string>>();
  for (const { tls, hostname } of listeners) {
    if (tls !== null) {
      const secret = `${secretsNamespace}/${tls.namespace}-${tls.name}`;
      hosts.set(secret, (hosts.get(secret) ?? new Set()).add(hostname));
    }
  }
  return [...hosts].map(([secret, names]) => ({
    filter_chain_match: { server_names: [...names].sort(), transport_protocol: 'tls' },
    filters: [httpConnectionManager(`${name}-secure`)],
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
        common_tls_context: { tls_certificate_sds_secret_configs: [{ name: secret, sds_config: SDS_CONFIG }] },
      },
    },
  }));
}

const SDS_CONFIG = {
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc-cilium' } }],
  },
  resource_api_version: 'V3',
};

/** @see cilium:operator/pkg/model/translation/envoy_http_connection_manager.go#NewHTTPConnectionManager */
function httpConnectionManager(name: string): FilterChain['filters'][number] {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': HTTP_CONNECTION_MANAGER,
      stat_prefix: name,
      rds: { route_config_name: name },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
        },
      ],
      upgrade_configs: [{ upgrade_type: 'websocket' }],
    },
  };
}

function socketOption(description: string, level: number, name: number, value: number): NonNullable<Listener['socket_options']>[number] {
  return { description, level: String(level), name: String(name), int_value: String(value), state: 'STATE_LISTENING' };
}
