/**
 * The messages of Envoy's configuration that users write in CiliumEnvoyConfigs, field by field. Every field that is not here is refused, so
 * that nothing is left out in silence; those marked `opaque` are taken and change nothing that is modelled.
 * @see envoy:api/envoy/config/listener/v3/listener.proto
 * @remarks Not modelled: fields, filters and cluster types that are not in these tables.
 */
import { CLUSTER_TYPES, LB_POLICIES } from './cluster.ts';
import { listOf, type MessageType, messageType, of, typeUrls } from './proto_json.ts';
import { ROUTE_CONFIGURATION, STRINGS } from './route_messages.ts';

const SDS_CONFIG = messageType('envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig', { name: 'string', sds_config: 'opaque' });
const COMMON_TLS = messageType('envoy.extensions.transport_sockets.tls.v3.CommonTlsContext', {
  tls_certificate_sds_secret_configs: listOf(SDS_CONFIG),
  validation_context_sds_secret_config: of(SDS_CONFIG),
  alpn_protocols: STRINGS,
  tls_params: 'opaque',
});
const TRANSPORT_SOCKET = messageType(
  'envoy.config.core.v3.TransportSocket',
  {
    name: 'string',
    typed_config: {
      any: () =>
        typeUrls([
          messageType('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', { common_tls_context: of(COMMON_TLS) }),
          messageType('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
            common_tls_context: of(COMMON_TLS),
            sni: 'string',
          }),
        ]),
    },
  },
  { required: [['name']] },
);
const HTTP_FILTER = messageType(
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter',
  {
    name: 'string',
    typed_config: {
      any: () =>
        typeUrls([
          messageType('envoy.extensions.filters.http.router.v3.Router', { dynamic_stats: 'opaque', start_child_span: 'opaque' }),
          messageType('cilium.L7Policy', { access_log_path: 'string', denied_403_body: 'string' }),
        ]),
    },
  },
  { required: [['name']] },
);
const ROUTE_SPECIFIERS = ['rds', 'route_config'];
const HTTP_CONNECTION_MANAGER = messageType(
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  {
    codec_type: { values: ['AUTO', 'HTTP1'] },
    stat_prefix: 'string',
    rds: of(
      messageType(
        'envoy.extensions.filters.network.http_connection_manager.v3.Rds',
        { route_config_name: 'string', config_source: 'opaque' },
        { required: [['route_config_name']] },
      ),
    ),
    route_config: of(ROUTE_CONFIGURATION),
    http_filters: listOf(HTTP_FILTER),
    stream_idle_timeout: 'opaque',
    normalize_path: 'bool',
    merge_slashes: 'bool',
    path_with_escaped_slashes_action: {
      values: [
        ...['IMPLEMENTATION_SPECIFIC_DEFAULT', 'KEEP_UNCHANGED', 'REJECT_REQUEST'],
        ...['UNESCAPE_AND_REDIRECT', 'UNESCAPE_AND_FORWARD'],
      ],
    },
    upgrade_configs: 'opaque',
  },
  { oneofs: [ROUTE_SPECIFIERS], required: [['stat_prefix'], ROUTE_SPECIFIERS] },
);
const TCP_PROXY = messageType(
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  { stat_prefix: 'string', cluster: 'string' },
  { required: [['stat_prefix'], ['cluster']] },
);
const FILTER = messageType(
  'envoy.config.listener.v3.Filter',
  {
    name: 'string',
    typed_config: { any: () => typeUrls([HTTP_CONNECTION_MANAGER, TCP_PROXY, messageType('cilium.NetworkFilter', {})]) },
  },
  { required: [['name']] },
);
const FILTER_CHAIN = messageType('envoy.config.listener.v3.FilterChain', {
  name: 'string',
  filter_chain_match: of(
    messageType('envoy.config.listener.v3.FilterChainMatch', {
      transport_protocol: 'string',
      application_protocols: STRINGS,
      server_names: STRINGS,
    }),
  ),
  filters: listOf(FILTER),
  transport_socket: of(TRANSPORT_SOCKET),
});
const SOCKET_ADDRESS = messageType(
  'envoy.config.core.v3.SocketAddress',
  { address: 'string', port_value: 'uint32', protocol: { values: ['TCP'] }, ipv4_compat: 'bool' },
  { required: [['address']] },
);
const ADDRESS = messageType('envoy.config.core.v3.Address', { socket_address: of(SOCKET_ADDRESS) }, { required: [['socket_address']] });
const BPF_METADATA = messageType('cilium.BpfMetadata', {
  bpf_root: 'string',
  is_ingress: 'bool',
  use_original_source_address: 'bool',
  is_l7lb: 'bool',
  ipv4_source_address: 'string',
  ipv6_source_address: 'string',
});
const LISTENER_FILTER = messageType(
  'envoy.config.listener.v3.ListenerFilter',
  {
    name: 'string',
    typed_config: {
      any: () => typeUrls([messageType('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', {}), BPF_METADATA]),
    },
  },
  { required: [['name']] },
);

/** A Listener. */
export const LISTENER = messageType('envoy.config.listener.v3.Listener', {
  name: 'string',
  address: of(ADDRESS),
  filter_chains: listOf(FILTER_CHAIN),
  listener_filters: listOf(LISTENER_FILTER),
  transparent: 'bool',
  socket_options: listOf(
    messageType('envoy.config.core.v3.SocketOption', {
      description: 'string',
      level: 'int64',
      name: 'int64',
      int_value: 'int64',
      state: { values: ['STATE_PREBIND', 'STATE_BOUND', 'STATE_LISTENING'] },
    }),
  ),
  enable_reuse_port: 'bool',
});

/** A ClusterLoadAssignment. */
export const CLUSTER_LOAD_ASSIGNMENT = messageType('envoy.config.endpoint.v3.ClusterLoadAssignment', {
  cluster_name: 'string',
  endpoints: listOf(
    messageType('envoy.config.endpoint.v3.LocalityLbEndpoints', {
      lb_endpoints: listOf(
        messageType(
          'envoy.config.endpoint.v3.LbEndpoint',
          {
            endpoint: of(messageType('envoy.config.endpoint.v3.Endpoint', { address: of(ADDRESS) }, { required: [['address']] })),
            load_balancing_weight: 'uint32',
            health_status: { values: ['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED'] },
          },
          { required: [['endpoint']] },
        ),
      ),
    }),
  ),
});

const HTTP_PROTOCOL_OPTIONS = messageType('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
  common_http_protocol_options: 'opaque',
  use_downstream_protocol_config: of(
    messageType('envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig', {
      http_protocol_options: 'opaque',
      http2_protocol_options: 'opaque',
    }),
  ),
  explicit_http_config: of(
    messageType('envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig', {
      http_protocol_options: 'opaque',
      http2_protocol_options: 'opaque',
    }),
  ),
});

/** A Cluster. */
export const CLUSTER = messageType('envoy.config.cluster.v3.Cluster', {
  name: 'string',
  type: { values: CLUSTER_TYPES },
  connect_timeout: 'duration',
  lb_policy: { values: LB_POLICIES },
  eds_cluster_config: of(messageType('envoy.config.cluster.v3.Cluster.EdsClusterConfig', { service_name: 'string', eds_config: 'opaque' })),
  load_assignment: of(CLUSTER_LOAD_ASSIGNMENT),
  outlier_detection: of(
    messageType('envoy.config.cluster.v3.OutlierDetection', {
      consecutive_5xx: 'uint32',
      consecutive_gateway_failure: 'uint32',
      interval: 'duration',
      base_ejection_time: 'duration',
      max_ejection_time: 'duration',
      max_ejection_percent: 'uint32',
      enforcing_consecutive_5xx: 'uint32',
      enforcing_consecutive_gateway_failure: 'uint32',
      split_external_local_origin_errors: 'bool',
      consecutive_local_origin_failure: 'uint32',
      enforcing_consecutive_local_origin_failure: 'uint32',
    }),
  ),
  circuit_breakers: of(
    messageType('envoy.config.cluster.v3.CircuitBreakers', {
      thresholds: listOf(
        messageType('envoy.config.cluster.v3.CircuitBreakers.Thresholds', {
          priority: { values: ['DEFAULT', 'HIGH'] },
          max_connections: 'uint32',
          max_pending_requests: 'uint32',
          max_requests: 'uint32',
          max_retries: 'uint32',
        }),
      ),
    }),
  ),
  transport_socket: of(TRANSPORT_SOCKET),
  typed_extension_protocol_options: {
    map: { any: () => typeUrls([HTTP_PROTOCOL_OPTIONS]) },
  },
});

const DATA_SOURCE = messageType('envoy.config.core.v3.DataSource', { inline_bytes: 'bytes', inline_string: 'string' });

/** A Secret. */
export const SECRET = messageType('envoy.extensions.transport_sockets.tls.v3.Secret', {
  name: 'string',
  tls_certificate: of(
    messageType('envoy.extensions.transport_sockets.tls.v3.TlsCertificate', {
      certificate_chain: of(DATA_SOURCE),
      private_key: of(DATA_SOURCE),
    }),
  ),
  validation_context: of(
    messageType('envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext', { trusted_ca: of(DATA_SOURCE) }),
  ),
});

/** What may stand in a CiliumEnvoyConfig, by type URL. */
export const RESOURCE_TYPES: Readonly<Record<string, MessageType>> = typeUrls([
  LISTENER,
  ROUTE_CONFIGURATION,
  CLUSTER,
  CLUSTER_LOAD_ASSIGNMENT,
  SECRET,
]);
