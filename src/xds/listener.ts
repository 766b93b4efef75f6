/**
 * LDS: the listener resource as the agent writes it, with the configurations of Cilium's filters. Proto field names, defaults left out.
 * @see cilium:pkg/envoy/server.go#getListenerConf
 * @see envoy:api/envoy/config/listener/v3/listener.proto
 */
import type { SocketAddress, TransportSocket } from './cluster.ts';
import type { RouteConfiguration } from './route.ts';

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
  /** Either routes, or the name under which RDS has them. */
  readonly route_config?: RouteConfiguration;
  readonly rds?: { readonly route_config_name: string; readonly config_source?: unknown };
  readonly http_filters: readonly FilterConfig[];
  /** Duration text, `0s` = off. */
  readonly stream_idle_timeout?: string;
  readonly normalize_path?: boolean;
  readonly merge_slashes?: boolean;
  readonly path_with_escaped_slashes_action?:
    | 'IMPLEMENTATION_SPECIFIC_DEFAULT'
    | 'UNESCAPE_AND_REDIRECT'
    | 'KEEP_UNCHANGED'
    | 'REJECT_REQUEST'
    | 'UNESCAPE_AND_FORWARD';
}

/** @see envoy:api/envoy/config/listener/v3/listener_components.proto#FilterChain */
export interface FilterChain {
  readonly name?: string;
  readonly filter_chain_match?: {
    readonly transport_protocol?: string;
    readonly application_protocols?: readonly string[];
    readonly server_names?: readonly string[];
  };
  readonly filters: readonly FilterConfig[];
  readonly transport_socket?: TransportSocket;
}

/** @see envoy:api/envoy/config/listener/v3/listener.proto#Listener */
export interface Listener {
  readonly name: string;
  readonly address: { readonly socket_address: SocketAddress };
  readonly filter_chains: readonly FilterChain[];
  readonly listener_filters?: readonly FilterConfig[];
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
