/**
 * LDS: the listener resource as the agent writes it, with the configurations of Cilium's filters. Proto field names, defaults left out.
 * @see cilium:pkg/envoy/server.go#getListenerConf
 * @see envoy:api/envoy/config/listener/v3/listener.proto
 */

/** @see proxy:cilium/api/bpf_metadata.proto#BpfMetadata */
export interface BpfMetadataConfig {
  readonly '@type': 'type.googleapis.com/cilium.BpfMetadata';
  readonly bpf_root?: string;
  readonly is_ingress?: boolean;
  readonly use_original_source_address?: boolean;
  readonly is_l7lb?: boolean;
  readonly ipv4_source_address?: string;
  readonly ipv6_source_address?: string;
}

/** @see proxy:cilium/api/l7policy.proto#L7Policy */
export interface L7PolicyConfig {
  readonly '@type': 'type.googleapis.com/cilium.L7Policy';
  readonly access_log_path?: string;
  readonly denied_403_body?: string;
}

/** @see proxy:cilium/api/network_filter.proto#NetworkFilter */
export interface NetworkFilterConfig {
  readonly '@type': 'type.googleapis.com/cilium.NetworkFilter';
  readonly proxylib?: string;
  readonly proxylib_params?: Readonly<Record<string, string>>;
  readonly access_log_path?: string;
}

/** Any filter: its name and typed configuration (plain JSON). */
export interface FilterConfig {
  readonly name: string;
  readonly typed_config?: { readonly '@type': string; readonly [field: string]: unknown };
}

/** @see envoy:api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto */
export interface HttpConnectionManagerConfig {
  readonly '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  readonly stat_prefix: string;
  readonly route_config: RouteConfiguration;
  readonly http_filters: readonly FilterConfig[];
  /** Duration text, `0s` = off. */
  readonly stream_idle_timeout?: string;
  readonly normalize_path?: boolean;
  readonly merge_slashes?: boolean;
  readonly path_with_escaped_slashes_action?: 'UNESCAPE_AND_REDIRECT' | 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_FORWARD';
}

/** @see envoy:api/envoy/config/route/v3/route.proto#RouteConfiguration */
export interface RouteConfiguration {
  readonly name?: string;
  readonly virtual_hosts: readonly {
    readonly name: string;
    readonly domains: readonly string[];
    readonly routes: readonly Route[];
  }[];
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#Route */
export interface Route {
  readonly match: { readonly prefix: string; readonly grpc?: Readonly<Record<string, never>> };
  readonly route: {
    readonly cluster: string;
    readonly timeout?: string;
    readonly max_stream_duration?: { readonly grpc_timeout_header_max?: string };
    readonly retry_policy?: { readonly retry_on: string; readonly num_retries: number; readonly per_try_timeout?: string };
    readonly idle_timeout?: string;
  };
}

/** @see envoy:api/envoy/config/listener/v3/listener_components.proto#FilterChain */
export interface FilterChain {
  readonly filter_chain_match?: { readonly transport_protocol?: string; readonly application_protocols?: readonly string[] };
  readonly filters: readonly FilterConfig[];
  readonly transport_socket?: { readonly name: string; readonly typed_config?: unknown };
}

/** @see envoy:api/envoy/config/listener/v3/listener.proto#Listener */
export interface Listener {
  readonly name: string;
  readonly address: { readonly socket_address: { readonly address: string; readonly ipv4_compat?: boolean; readonly port_value: number } };
  readonly filter_chains: readonly FilterChain[];
  readonly listener_filters: readonly FilterConfig[];
  readonly transparent?: boolean;
  readonly socket_options?: readonly {
    readonly description?: string;
    /** int64 of the proto: JSON prints strings. */
    readonly level: string;
    readonly name: string;
    readonly int_value: string;
    readonly state?: 'STATE_PREBIND' | 'STATE_BOUND' | 'STATE_LISTENING';
  }[];
  readonly enable_reuse_port?: boolean;
}
