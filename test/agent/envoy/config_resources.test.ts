/** What the agent makes of the resources in a CiliumEnvoyConfig. */
import { describe, expect, it } from 'vitest';
import {
  type ParsedResources,
  parseResources,
  type ResourcesSource,
  resourceQualifiedName,
} from '../../../src/agent/envoy/config_resources.ts';
import { parseOptions } from '../../../src/agent/option/config.ts';

const LISTENER = 'type.googleapis.com/envoy.config.listener.v3.Listener';
const ROUTE = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';
const CLUSTER = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
const ENDPOINTS = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';
const SECRET = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

const ports: string[] = [];

function parse(resources: readonly unknown[], more: Partial<ResourcesSource> = {}): ParsedResources {
  ports.length = 0;
  return parseResources(
    { namespace: 'shop', name: 'lb', resources, l7Lb: true, useOriginalSourceAddress: true, validate: true, ...more },
    {
      options: parseOptions({ 'http-403-msg': 'no' }).options,
      ingressIp: '10.0.0.9',
      allocateProxyPort: (name) => {
        ports.push(name);
        return 10_000 + ports.length;
      },
    },
  );
}

function http(more: object = {}): object {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': MANAGER,
      stat_prefix: 'x',
      rds: { route_config_name: 'routes' },
      http_filters: [{ name: 'envoy.filters.http.router' }],
      ...more,
    },
  };
}

function listener(filters: readonly object[], more: object = {}): object {
  return { '@type': LISTENER, name: 'in', filter_chains: [{ filters }], ...more };
}

describe('a listener without an address', () => {
  const { resources, issues } = parse([listener([http()])]);
  const [made] = resources?.listeners ?? [];

  it('gets one, a name with that of its object, and the way to the proxy', () => {
    expect(issues).toEqual([]);
    expect(made).toMatchObject({
      name: 'shop/lb/in',
      address: { socket_address: { address: '0.0.0.0', port_value: 10_001 } },
      transparent: true,
      socket_options: [{ level: '1', name: '36', int_value: '2816' }],
    });
    expect([ports, [...(resources?.portAllocations ?? [])]]).toEqual([['shop/lb/in'], ['shop/lb/in']]);
  });

  it('gets the filters that enforce policies, before those that end the connection and route the request', () => {
    const [network, manager] = made?.filter_chains[0]?.filters ?? [];
    expect(network?.name).toBe('cilium.network');
    expect(manager?.typed_config).toMatchObject({
      rds: { route_config_name: 'shop/lb/routes', config_source: { resource_api_version: 'V3' } },
      http_filters: [{ name: 'cilium.l7policy', typed_config: { denied_403_body: 'no' } }, { name: 'envoy.filters.http.router' }],
    });
    expect(made?.listener_filters).toEqual([
      {
        name: 'cilium.bpf_metadata',
        typed_config: {
          '@type': 'type.googleapis.com/cilium.BpfMetadata',
          bpf_root: '/sys/fs/bpf',
          use_original_source_address: true,
          is_l7lb: true,
          ipv4_source_address: '10.0.0.9',
        },
      },
    ]);
  });

  it('of an Ingress does not keep the client’s address', () => {
    const config = parse([listener([http()])], { useOriginalSourceAddress: false }).resources?.listeners[0]?.listener_filters?.[0];
    expect(config?.typed_config).not.toHaveProperty('use_original_source_address');
    expect(parse([listener([http()])], { l7Lb: false }).resources?.listeners[0]?.listener_filters?.[0]?.typed_config).not.toHaveProperty(
      'is_l7lb',
    );
  });

  it('keeps filters of its own', () => {
    const own = [
      { name: 'cilium.network', typed_config: { '@type': 'type.googleapis.com/cilium.NetworkFilter' } },
      http({
        http_filters: [
          { name: 'cilium.l7policy', typed_config: { '@type': 'type.googleapis.com/cilium.L7Policy' } },
          { name: 'envoy.filters.http.router' },
        ],
      }),
    ];
    const chain = parse([listener(own)]).resources?.listeners[0]?.filter_chains[0];
    expect(chain?.filters.map(({ name }) => name)).toEqual(['cilium.network', 'envoy.filters.network.http_connection_manager']);
    expect(chain?.filters[1]?.typed_config?.['http_filters']).toHaveLength(2);
  });

  it('may pass TCP on', () => {
    const proxy = { name: 'envoy.filters.network.tcp_proxy', typed_config: { '@type': TCP_PROXY, stat_prefix: 'x', cluster: 'there' } };
    const chain = parse([listener([proxy])]).resources?.listeners[0]?.filter_chains[0];
    expect(chain?.filters.map(({ name }) => name)).toEqual(['cilium.network', 'envoy.filters.network.tcp_proxy']);
  });
});

describe('other resources', () => {
  it('a listener with an address of its own has no policies enforced', () => {
    const { resources } = parse([listener([http()], { address: { socket_address: { address: '127.0.0.1', port_value: 9000 } } })]);
    const [made] = resources?.listeners ?? [];
    expect(made?.filter_chains[0]?.filters.map(({ name }) => name)).toEqual(['envoy.filters.network.http_connection_manager']);
    expect([ports, made?.transparent, resources?.portAllocations.size]).toEqual([[], undefined, 0]);
  });

  it('only listeners and routes carry the name of their object; the spelling of fields does not matter', () => {
    const { resources, issues } = parse([
      { '@type': ROUTE, name: 'routes', virtualHosts: [{ name: 'all', domains: ['*'] }] },
      { '@type': CLUSTER, name: 'shop/web', type: 'EDS', connectTimeout: '5s' },
      { '@type': ENDPOINTS, clusterName: 'shop/web' },
      { '@type': SECRET, name: 'key' },
    ]);
    expect(issues).toEqual([]);
    expect(resources).toMatchObject({
      routes: [{ name: 'shop/lb/routes', virtual_hosts: [{ domains: ['*'] }] }],
      clusters: [{ name: 'shop/web', connect_timeout: '5s', eds_cluster_config: { eds_config: { resource_api_version: 'V3' } } }],
      endpoints: [{ cluster_name: 'shop/web' }],
      secrets: [{ name: 'key' }],
    });
  });

  it('secrets come from the agent where nobody is named', () => {
    const transport_socket = {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': TLS,
        common_tls_context: { tls_certificate_sds_secret_configs: [{ name: 'a' }, { name: 'b', sds_config: { mine: true } }] },
      },
    };
    const made = parse([{ '@type': LISTENER, name: 'in', filter_chains: [{ filters: [http()], transport_socket }] }]);
    expect(made.resources?.listeners[0]?.filter_chains[0]?.transport_socket?.typed_config?.['common_tls_context']).toMatchObject({
      tls_certificate_sds_secret_configs: [
        { name: 'a', sds_config: { resource_api_version: 'V3' } },
        { name: 'b', sds_config: { mine: true } },
      ],
    });
  });

  it('names leave out what is empty', () => {
    expect([resourceQualifiedName('', 'lb', 'in'), resourceQualifiedName('', '', 'in')]).toEqual(['lb/in', 'in']);
  });
});

describe('what is wrong', () => {
  const issuesOf = (resources: readonly unknown[]): unknown[] =>
    parse(resources).issues.map(({ path, message }) => [path.slice(2), message]);

  it('a resource that cannot be read is left out, and the others count', () => {
    const { resources, issues } = parse([
      { '@type': CLUSTER, name: 'good' },
      { '@type': CLUSTER, name: 'bad', conect_timeout: '5s' },
      { '@type': `${CLUSTER}x`, name: 'bad' },
      { name: 'bad' },
      'bad',
      { '@type': CLUSTER, name: 'bad', connect_timeout: 5 },
    ]);
    expect(resources?.clusters.map(({ name }) => name)).toEqual(['good']);
    expect(issues.map(({ path }) => path)).toEqual([
      ['spec', 'resources', 1, 'conect_timeout'],
      ['spec', 'resources', 2, '@type'],
      ['spec', 'resources', 3],
      ['spec', 'resources', 4],
      ['spec', 'resources', 5, 'connect_timeout'],
    ]);
    expect(issues[0]?.message).toMatch(/did you mean connect_timeout\?/);
  });

  it.each([
    ["'Listener name not provided", { '@type': LISTENER }],
    ['RouteConfiguration name not provided', { '@type': ROUTE }],
    ['Cluster name not provided', { '@type': CLUSTER }],
    ['ClusterLoadAssignment cluster_name not provided', { '@type': ENDPOINTS }],
    ['Secret name not provided', { '@type': SECRET }],
  ])('%s', (message, resource) => {
    expect(parse([resource])).toEqual({ resources: null, issues: [{ path: ['spec', 'resources', 0], message }] });
  });

  it('two of one name', () => {
    const twice = (one: object): unknown[] => issuesOf([one, one]);
    expect(twice({ '@type': CLUSTER, name: 'a' })).toEqual([[[1, 'name'], 'Duplicate Cluster name "a"']]);
    expect(twice({ '@type': ENDPOINTS, cluster_name: 'a' })).toEqual([[[1, 'cluster_name'], 'Duplicate cluster_name "a"']]);
    expect(twice({ '@type': SECRET, name: 'a' })).toEqual([[[1, 'name'], 'Duplicate Secret name "a"']]);
  });

  it('as 1.13.3, two listeners or routes of one name are not noticed: those before carry longer names', () => {
    expect(issuesOf([listener([http()]), listener([http()])])).toEqual([]);
    expect(
      issuesOf([
        { '@type': ROUTE, name: 'a' },
        { '@type': ROUTE, name: 'shop/lb/a' },
      ]),
    ).toEqual([[[1, 'name'], 'Duplicate Route name "shop/lb/a"']]);
  });

  it('what the message’s own rules ask refuses the object, but not one that goes', () => {
    const route = { '@type': ROUTE, name: 'a', virtual_hosts: [{ name: 'v', domains: [] }] };
    expect(parse([route]).resources).toBeNull();
    expect(parse([route], { validate: false }).resources?.routes).toHaveLength(1);
  });
});
