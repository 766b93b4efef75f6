/**
 * Listener resources: how the proxy is told to listen for redirected traffic.
 * @see cilium:pkg/envoy/server.go#XDSServer.getListenerConf
 */
import type { FilterChain, FilterConfig, HttpConnectionManagerConfig, Listener } from '../../xds/listener.ts';
import type { Route } from '../../xds/route.ts';
import type { DaemonOptions } from '../option/config.ts';

/** Where the access log goes. */
export const ACCESS_LOG_PATH = '/var/run/cilium/access_log.sock';

/** What a listener is made of. */
export interface ListenerSpec {
  /** `cilium-http-ingress` */
  readonly name: string;
  readonly port: number;
  readonly ingress: boolean;
  readonly http: boolean;
  readonly mayUseOriginalSourceAddress: boolean;
}

/** `cilium-http-ingress:12345` */
export function listenerResourceName(name: string, port: number): string {
  return `${name}:${port}`;
}

/** The resource. */
export function getListenerConf(spec: ListenerSpec, options: DaemonOptions): Listener {
  const cluster = spec.ingress ? 'ingress-cluster' : 'egress-cluster';
  return {
    name: listenerResourceName(spec.name, spec.port),
    address: listenerAddress(spec.port),
    filter_chains: spec.http
      ? [httpFilterChain(cluster, options), { ...httpFilterChain(`${cluster}-tls`, options), ...tlsMatch() }]
      : [tcpFilterChain(cluster), { ...tcpFilterChain(`${cluster}-tls`), ...tlsMatch() }],
    listener_filters: [
      {
        name: 'envoy.filters.listener.tls_inspector',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector' },
      },
      listenerFilter({ ...spec, l7Lb: false, ingressIp: null }),
    ],
    transparent: true,
    socket_options: [socketMarkOption(spec.ingress)],
  };
}

/** @see cilium:pkg/envoy/server.go#getListenerAddress */
export function listenerAddress(port: number): Listener['address'] {
  return { socket_address: { address: '0.0.0.0', port_value: port } };
}

/** What the filter that reads the BPF maps is told. */
export interface ListenerFilterSpec extends Pick<ListenerSpec, 'ingress' | 'mayUseOriginalSourceAddress'> {
  /** Traffic of services comes to the listener. */
  readonly l7Lb: boolean;
  /** Source of connections on behalf of clients elsewhere; `null`: none. */
  readonly ingressIp: string | null;
}

/** @see cilium:pkg/envoy/server.go#getListenerFilter */
export function listenerFilter({ ingress, mayUseOriginalSourceAddress, l7Lb, ingressIp }: ListenerFilterSpec): FilterConfig {
  return {
    name: 'cilium.bpf_metadata',
    typed_config: {
      '@type': 'type.googleapis.com/cilium.BpfMetadata',
      bpf_root: '/sys/fs/bpf',
      ...(ingress ? { is_ingress: true } : {}),
      ...(mayUseOriginalSourceAddress ? { use_original_source_address: true } : {}),
      ...(l7Lb ? { is_l7lb: true } : {}),
      ...(l7Lb && ingressIp !== null ? { ipv4_source_address: ingressIp } : {}),
    },
  };
}

/** @see cilium:pkg/envoy/server.go#getListenerSocketMarkOption */
export function socketMarkOption(ingress: boolean): NonNullable<Listener['socket_options']>[number] {
  const mark = ingress ? 0xa00 : 0xb00;
  return { description: 'Listener socket mark', level: '1', name: '36', int_value: String(mark), state: 'STATE_PREBIND' };
}

/** @see cilium:pkg/envoy/server.go#getCiliumHttpFilter */
export function ciliumHttpFilter(options: DaemonOptions): FilterConfig {
  return {
    name: 'cilium.l7policy',
    typed_config: {
      '@type': 'type.googleapis.com/cilium.L7Policy',
      access_log_path: ACCESS_LOG_PATH,
      ...(options['http-403-msg'] === '' ? {} : { denied_403_body: options['http-403-msg'] }),
    },
  };
}

function tlsMatch(): Pick<FilterChain, 'filter_chain_match' | 'transport_socket'> {
  return {
    filter_chain_match: { transport_protocol: 'tls' },
    transport_socket: { name: 'cilium.tls_wrapper', typed_config: { '@type': 'type.googleapis.com/cilium.DownstreamTlsWrapperContext' } },
  };
}

/** @see cilium:pkg/envoy/server.go#XDSServer.getHttpFilterChainProto */
function httpFilterChain(cluster: string, options: DaemonOptions): FilterChain {
  const manager: HttpConnectionManagerConfig = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'proxy',
    route_config: { virtual_hosts: [{ name: 'default_route', domains: ['*'], routes: routes(cluster, options) }] },
    http_filters: [
      ciliumHttpFilter(options),
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
    stream_idle_timeout: '0s',
    ...(options['http-normalize-path']
      ? { normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' as const }
      : {}),
  };
  return {
    filters: [
      { name: 'cilium.network', typed_config: { '@type': 'type.googleapis.com/cilium.NetworkFilter' } },
      { name: 'envoy.filters.network.http_connection_manager', typed_config: { ...manager } },
    ],
  };
}

function routes(cluster: string, options: DaemonOptions): Route[] {
  const retry = { retry_on: '5xx', num_retries: options['http-retry-count'], per_try_timeout: `${options['http-retry-timeout']}s` };
  const timeout = `${options['http-request-timeout']}s`;
  const grpc = { grpc_timeout_header_max: `${options['http-max-grpc-timeout']}s` };
  const idle = options['http-idle-timeout'] > 0 ? { idle_timeout: `${options['http-idle-timeout']}s` } : {};
  return [
    { match: { prefix: '/', grpc: {} }, route: { cluster, timeout, max_stream_duration: grpc, retry_policy: retry } },
    { match: { prefix: '/' }, route: { cluster, timeout, retry_policy: retry, ...idle } },
  ];
}

/** @see cilium:pkg/envoy/server.go#XDSServer.getTcpFilterChainProto */
function tcpFilterChain(cluster: string): FilterChain {
  return {
    filters: [
      {
        name: 'cilium.network',
        typed_config: {
          '@type': 'type.googleapis.com/cilium.NetworkFilter',
          proxylib: 'libcilium.so',
          proxylib_params: { 'access-log-path': ACCESS_LOG_PATH, 'xds-path': '/var/run/cilium/xds.sock' },
        },
      },
      {
        name: 'envoy.filters.network.tcp_proxy',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
          stat_prefix: 'tcp_proxy',
          cluster,
        },
      },
    ],
  };
}
