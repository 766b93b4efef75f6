/**
 * CDS, EDS and SDS: clusters, their endpoints, and secrets. Proto field names, defaults left out.
 * @see envoy:api/envoy/config/cluster/v3/cluster.proto#Cluster
 * @see envoy:api/envoy/config/endpoint/v3/endpoint.proto#ClusterLoadAssignment
 * @see envoy:api/envoy/extensions/transport_sockets/tls/v3/secret.proto#Secret
 */

/** @see envoy:api/envoy/config/core/v3/address.proto#SocketAddress */
export interface SocketAddress {
  readonly address: string;
  readonly port_value?: number;
  readonly ipv4_compat?: boolean;
}

/** @see envoy:api/envoy/config/core/v3/base.proto#TransportSocket */
export interface TransportSocket {
  readonly name: string;
  readonly typed_config?: { readonly '@type': string; readonly [field: string]: unknown };
}

/** @see envoy:api/envoy/config/cluster/v3/outlier_detection.proto#OutlierDetection */
export interface OutlierDetectionConfig {
  readonly consecutive_5xx?: number;
  readonly consecutive_gateway_failure?: number;
  readonly interval?: string;
  readonly base_ejection_time?: string;
  readonly max_ejection_time?: string;
  readonly max_ejection_percent?: number;
  readonly enforcing_consecutive_5xx?: number;
  readonly enforcing_consecutive_gateway_failure?: number;
  readonly split_external_local_origin_errors?: boolean;
  readonly consecutive_local_origin_failure?: number;
  readonly enforcing_consecutive_local_origin_failure?: number;
}

/** @see envoy:api/envoy/config/cluster/v3/circuit_breaker.proto#CircuitBreakers */
export interface CircuitBreakers {
  readonly thresholds?: readonly {
    readonly priority?: 'DEFAULT' | 'HIGH';
    readonly max_connections?: number;
    readonly max_pending_requests?: number;
    readonly max_requests?: number;
    readonly max_retries?: number;
  }[];
}

/** @see envoy:api/envoy/config/cluster/v3/cluster.proto#Cluster */
export interface Cluster {
  readonly name: string;
  readonly type?: ClusterType;
  readonly connect_timeout?: string;
  readonly lb_policy?: LbPolicy;
  readonly eds_cluster_config?: { readonly service_name?: string; readonly eds_config?: unknown };
  readonly load_assignment?: ClusterLoadAssignment;
  readonly outlier_detection?: OutlierDetectionConfig;
  readonly circuit_breakers?: CircuitBreakers;
  readonly transport_socket?: TransportSocket;
  readonly typed_extension_protocol_options?: Readonly<Record<string, { readonly '@type': string; readonly [field: string]: unknown }>>;
}

/** Discovery types that are modelled; the first is the default. */
export const CLUSTER_TYPES = ['STATIC', 'EDS', 'ORIGINAL_DST'] as const;
export type ClusterType = (typeof CLUSTER_TYPES)[number];

/** Load balancing policies that are modelled; the first is the default. */
export const LB_POLICIES = ['ROUND_ROBIN', 'LEAST_REQUEST', 'RANDOM', 'CLUSTER_PROVIDED'] as const;
export type LbPolicy = (typeof LB_POLICIES)[number];

/** @see envoy:api/envoy/config/endpoint/v3/endpoint_components.proto#LbEndpoint */
export interface LbEndpoint {
  readonly endpoint: { readonly address: { readonly socket_address: SocketAddress } };
  readonly load_balancing_weight?: number;
  readonly health_status?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';
}

/** @see envoy:api/envoy/config/endpoint/v3/endpoint.proto#ClusterLoadAssignment */
export interface ClusterLoadAssignment {
  readonly cluster_name: string;
  readonly endpoints?: readonly { readonly lb_endpoints?: readonly LbEndpoint[] }[];
}

/** @see envoy:api/envoy/config/core/v3/base.proto#DataSource */
export interface DataSource {
  /** Base64. */
  readonly inline_bytes?: string;
  readonly inline_string?: string;
}

/** @see envoy:api/envoy/extensions/transport_sockets/tls/v3/secret.proto#Secret */
export interface Secret {
  readonly name: string;
  readonly tls_certificate?: { readonly certificate_chain?: DataSource; readonly private_key?: DataSource };
  readonly validation_context?: { readonly trusted_ca?: DataSource };
}
