/**
 * `/config_dump`: bootstrap, clusters, listeners, network policies and routes as protobuf JSON.
 * @see envoy:source/server/admin/config_dump_handler.cc#ConfigDumpHandler::handlerConfigDump
 * @see proxy:cilium/network_policy.cc#NetworkPolicyMap::dumpNetworkPolicyConfigs
 */

import { civilTime } from '../../net/http_date.ts';
import { formatIp, parseIp } from '../../net/prefix.ts';
import type { HttpConnectionManagerConfig } from '../../xds/listener.ts';
import type { NetworkPolicy, PortNetworkPolicy } from '../../xds/npds.ts';
import type { CdsApi, CdsEntry } from '../config/cds_api.ts';
import type { ListenerManager } from '../network/listener_manager.ts';
import { compileRegex } from '../regex.ts';
import type { ServerContext } from '../server_context.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { ORIGINAL_DST_CLUSTERS } from '../upstream/cluster_manager.ts';
import type { AdminResponse } from './admin.ts';
import { applyFieldMask } from './field_mask.ts';

const TYPE = 'type.googleapis.com/';

/** What the dump shows. */
export interface DumpedParts {
  readonly context: ServerContext;
  readonly listeners: ListenerManager;
  readonly cds: CdsApi;
}

/** The dump; `include_eds`, `resource`, `mask` and `name_regex` are understood. */
export function configDump(parts: DumpedParts, query: ReadonlyMap<string, string>): AdminResponse {
  const { context, listeners, cds } = parts;
  const pattern = query.get('name_regex') ?? '';
  const regex = pattern === '' ? null : compileRegex(pattern, 1_000_000);
  if (regex !== null && 'error' in regex) {
    return {
      status: 400,
      contentType: 'text/plain; charset=UTF-8',
      body: `Error while parsing name_regex from ${pattern}: ${regex.error}\n`,
    };
  }
  const keep = (name: string): boolean => regex === null || regex.matches(name);
  const configs: object[] = [bootstrapDump(context), clustersDump(context, cds, keep)];
  if (query.has('include_eds')) {
    configs.push(endpointsDump(context, cds, keep));
  }
  configs.push(listenersDump(listeners, keep));
  const policies = context.cilium.policies;
  if (policies !== null) {
    const kept = policies.dump().filter(([ip]) => keep(ip));
    configs.push({ '@type': `${TYPE}cilium.NetworkPoliciesConfigDump`, networkpolicies: kept.map(([, policy]) => policyToJson(policy)) });
  }
  configs.push(routesDump(context, listeners, keep), secretsDump(context, keep));
  return filterResource(configs, query.get('resource') ?? '', query.get('mask') ?? '');
}

/** The node of the bootstrap file. @see cilium:pkg/envoy/server.go#createBootstrap */
export function bootstrapNode(id: string): object {
  return {
    id,
    cluster: 'ingress-cluster',
    user_agent_name: 'envoy',
    user_agent_build_version: { version: { major_number: 1, minor_number: 23, patch: 9 } },
  };
}

/** Protobuf JSON of a policy: 64-bit numbers are text, defaults are absent, members in the order of the proto file. */
export function policyToJson(policy: NetworkPolicy): object {
  const {
    endpoint_ips: ips,
    endpoint_id: id,
    ingress_per_port_policies: ingress,
    egress_per_port_policies: egress,
    conntrack_map_name: name,
  } = policy;
  return {
    endpoint_ips: ips,
    ...(id === 0 ? {} : { endpoint_id: String(id) }),
    ...(ingress === undefined || ingress.length === 0 ? {} : { ingress_per_port_policies: ingress.map(portToJson) }),
    ...(egress === undefined || egress.length === 0 ? {} : { egress_per_port_policies: egress.map(portToJson) }),
    ...(name === undefined || name === '' ? {} : { conntrack_map_name: name }),
  };
}

function portToJson(port: PortNetworkPolicy): object {
  return {
    ...((port.port ?? 0) === 0 ? {} : { port: port.port }),
    ...((port.protocol ?? 'TCP') === 'TCP' ? {} : { protocol: port.protocol }),
    ...((port.rules ?? []).length === 0
      ? {}
      : {
          rules: port.rules?.map((rule) => {
            const { remote_policies: remotes, ...rest } = rule;
            return { ...((remotes ?? []).length === 0 ? {} : { remote_policies: remotes?.map(String) }), ...rest };
          }),
        }),
  };
}

/** `resource=` names one repeated member; the dump is then its elements. `mask=` names what of each is shown. */
function filterResource(configs: readonly object[], resource: string, mask: string): AdminResponse {
  const shown = (list: readonly unknown[]): readonly unknown[] => (mask === '' ? list : list.map((one) => applyFieldMask(one, mask)));
  if (resource === '') {
    return answer({ configs: shown(configs) });
  }
  for (const config of configs) {
    const member = (config as Readonly<Record<string, unknown>>)[resource];
    if (Array.isArray(member)) {
      return answer({ configs: shown(member) });
    }
    if (member !== undefined) {
      const body = `${resource} is not a repeated field. Use ?mask=${resource} to get only this field`;
      return { status: 400, contentType: 'text/plain; charset=UTF-8', body };
    }
  }
  return { status: 404, contentType: 'text/plain; charset=UTF-8', body: `${resource} not found in config dump` };
}

function answer(value: object): AdminResponse {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value, null, 1) };
}

function bootstrapDump(context: ServerContext): object {
  return {
    '@type': `${TYPE}envoy.admin.v3.BootstrapConfigDump`,
    bootstrap: {
      node: bootstrapNode(context.options.nodeId),
      static_resources: { clusters: staticClusters(context) },
      dynamic_resources: { lds_config: XDS_SOURCE, cds_config: XDS_SOURCE },
      admin: { address: { pipe: { path: '/var/run/cilium/envoy-admin.sock' } } },
      layered_runtime: { layers: [{ name: 'static_layer_0', static_layer: { overload: { global_downstream_max_connections: 50000 } } }] },
    },
    last_updated: timestamp(startMillis(context)),
  };
}

const XDS_SOURCE = {
  api_config_source: {
    api_type: 'GRPC',
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc-cilium' } }],
    set_node_on_first_message_only: true,
    transport_api_version: 'V3',
  },
  resource_api_version: 'V3',
};

/** @see cilium:pkg/envoy/server.go#createBootstrap */
function staticClusters(context: ServerContext): object[] {
  const timeout = `${context.options.proxyConnectTimeout / 1_000_000_000}s`;
  const options = (tls: boolean): object => ({
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': `${TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
      common_http_protocol_options: { max_connection_duration: '0s', max_requests_per_connection: 0 },
      ...(tls ? { upstream_http_protocol_options: {} } : {}),
      use_downstream_protocol_config: {},
    },
  });
  const original = ORIGINAL_DST_CLUSTERS.map((name) => ({
    name,
    type: 'ORIGINAL_DST',
    connect_timeout: timeout,
    lb_policy: 'CLUSTER_PROVIDED',
    cleanup_interval: '1.500s',
    typed_extension_protocol_options: options(name.endsWith('-tls')),
    ...(name.endsWith('-tls')
      ? { transport_socket: { name: 'cilium.tls_wrapper', typed_config: { '@type': `${TYPE}cilium.UpstreamTlsWrapperContext` } } }
      : {}),
  }));
  return [
    ...original,
    {
      ...pipeCluster('xds-grpc-cilium', '/var/run/cilium/xds.sock', timeout),
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': `${TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
          explicit_http_config: { http2_protocol_options: {} },
        },
      },
    },
    pipeCluster('/envoy-admin', '/var/run/cilium/envoy-admin.sock', timeout),
  ];
}

function pipeCluster(name: string, path: string, timeout: string): object {
  const endpoint = { endpoint: { address: { pipe: { path } } } };
  return {
    name,
    type: 'STATIC',
    connect_timeout: timeout,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpoint] }] },
  };
}

function clustersDump(context: ServerContext, cds: CdsApi, keep: (name: string) => boolean): object {
  const updated = timestamp(startMillis(context));
  const clusters = staticClusters(context)
    .filter((cluster) => keep((cluster as { readonly name: string }).name))
    .map((cluster) => ({ cluster: { '@type': `${TYPE}envoy.config.cluster.v3.Cluster`, ...cluster }, last_updated: updated }));
  const dynamic = (entries: readonly CdsEntry[]): object[] =>
    entries
      .filter(({ cluster }) => keep(cluster.name))
      .map(({ cluster, version, lastUpdated }) => ({
        version_info: version,
        cluster: { '@type': `${TYPE}envoy.config.cluster.v3.Cluster`, ...cluster.config },
        last_updated: timestamp(lastUpdated),
      }));
  const active = dynamic(cds.active());
  const warming = dynamic(cds.warming());
  return {
    '@type': `${TYPE}envoy.admin.v3.ClustersConfigDump`,
    // A version without clusters says nothing.
    ...(active.length + warming.length === 0 ? {} : { version_info: cds.version }),
    static_clusters: clusters,
    ...(active.length === 0 ? {} : { dynamic_active_clusters: active }),
    ...(warming.length === 0 ? {} : { dynamic_warming_clusters: warming }),
  };
}

function endpointsDump(context: ServerContext, cds: CdsApi, keep: (name: string) => boolean): object {
  const dynamic = new Set(cds.active().map(({ cluster }) => cluster.name));
  const config = (cluster: Cluster): object => ({
    endpoint_config: {
      '@type': `${TYPE}envoy.config.endpoint.v3.ClusterLoadAssignment`,
      cluster_name: cluster.name,
      endpoints: [
        {
          lb_endpoints: cluster.hosts().map((host) => ({
            endpoint: { address: { socket_address: { address: plainIp(host.address.ip), port_value: host.address.port } } },
          })),
        },
      ],
    },
  });
  const kept = context.clusters.all().filter((cluster) => keep(cluster.name));
  const added = kept.filter(({ name }) => dynamic.has(name)).map(config);
  return {
    '@type': `${TYPE}envoy.admin.v3.EndpointsConfigDump`,
    static_endpoint_configs: kept.filter(({ name }) => !dynamic.has(name)).map(config),
    ...(added.length === 0 ? {} : { dynamic_endpoint_configs: added }),
  };
}

function listenersDump(listeners: ListenerManager, keep: (name: string) => boolean): object {
  const dynamic = listeners
    .entries()
    .filter((entry) => keep(entry.listener.config.name))
    .map((entry) => ({
      name: entry.listener.config.name,
      active_state: {
        version_info: entry.version,
        listener: { '@type': `${TYPE}envoy.config.listener.v3.Listener`, ...entry.listener.config },
        last_updated: timestamp(entry.lastUpdated),
      },
    }));
  return {
    '@type': `${TYPE}envoy.admin.v3.ListenersConfigDump`,
    ...(listeners.version === '' ? {} : { version_info: listeners.version }),
    ...(dynamic.length === 0 ? {} : { dynamic_listeners: dynamic }),
  };
}

function routesDump(context: ServerContext, listeners: ListenerManager, keep: (name: string) => boolean): object {
  const routes: object[] = [];
  for (const { listener, lastUpdated } of listeners.entries()) {
    for (const chain of listener.config.filter_chains) {
      const manager = chain.filters.find((filter) => filter.name === 'envoy.filters.network.http_connection_manager');
      const config = (manager?.typed_config as unknown as HttpConnectionManagerConfig | undefined)?.route_config;
      if (config !== undefined && keep(config.name ?? '')) {
        routes.push({
          route_config: { '@type': `${TYPE}envoy.config.route.v3.RouteConfiguration`, ...config },
          last_updated: timestamp(lastUpdated),
        });
      }
    }
  }
  const dynamic = context.routes
    .all()
    .filter(({ name }) => keep(name))
    .map(({ value, version, lastUpdated }) => ({
      version_info: version,
      route_config: { '@type': `${TYPE}envoy.config.route.v3.RouteConfiguration`, ...value?.config },
      last_updated: timestamp(lastUpdated),
    }));
  return {
    '@type': `${TYPE}envoy.admin.v3.RoutesConfigDump`,
    ...(routes.length === 0 ? {} : { static_route_configs: routes }),
    ...(dynamic.length === 0 ? {} : { dynamic_route_configs: dynamic }),
  };
}

/** Private keys are not shown. @see envoy:source/common/secret/secret_manager_impl.cc#SecretManagerImpl::dumpSecretConfigs */
function secretsDump(context: ServerContext, keep: (name: string) => boolean): object {
  const dynamic = context.secrets
    .all()
    .filter(({ name }) => keep(name))
    .map(({ name, value, version, lastUpdated }) => ({
      name,
      version_info: version,
      last_updated: timestamp(lastUpdated),
      secret: {
        '@type': `${TYPE}envoy.extensions.transport_sockets.tls.v3.Secret`,
        ...value,
        ...(value?.tls_certificate?.private_key === undefined
          ? {}
          : { tls_certificate: { ...value.tls_certificate, private_key: { inline_bytes: 'W3JlZGFjdGVkXQ==' } } }),
      },
    }));
  return { '@type': `${TYPE}envoy.admin.v3.SecretsConfigDump`, ...(dynamic.length === 0 ? {} : { dynamic_active_secrets: dynamic }) };
}

function plainIp(text: string): string {
  const address = parseIp(text);
  return address === null ? text : formatIp(address);
}

/** Wall milliseconds at which the process started. */
function startMillis(context: ServerContext): number {
  const clock = context.dispatcher.clock;
  return clock.wallMillis() - Math.floor((clock.now() - context.startedAt) / 1_000_000);
}

/** `2023-06-20T10:00:00.000Z` */
function timestamp(wallMillis: number): string {
  const t = civilTime(wallMillis);
  const pad = (value: number, width: number): string => String(value).padStart(width, '0');
  return `${pad(t.year, 4)}-${pad(t.month, 2)}-${pad(t.day, 2)}T${pad(t.hour, 2)}:${pad(t.minute, 2)}:${pad(t.second, 2)}.${pad(t.millis, 3)}Z`;
}
