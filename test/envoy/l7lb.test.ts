import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/sim/clock.ts';
import type { Cluster, ClusterLoadAssignment } from '../../src/xds/cluster.ts';
import type { BpfMetadataConfig, Listener } from '../../src/xds/listener.ts';
import type { Route, RouteConfiguration } from '../../src/xds/route.ts';
import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL } from '../../src/xds/stream.ts';
import { allowAll, answer, CLIENT, ip, OK_RESPONSE, POD, Rig, sentText } from './support.ts';

const A = '10.0.0.13';
const B = '10.0.0.14';
const VIP = '10.96.0.7';
const status = (text: string): number => Number(text.slice(9, 12));

function listener(metadata: Partial<BpfMetadataConfig> = {}, rest: Partial<Listener> = {}): Listener {
  return {
    name: 'lb/listener',
    address: { socket_address: { address: '0.0.0.0', port_value: 12000 } },
    filter_chains: [
      {
        filters: [
          { name: 'cilium.network' },
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: 'lb',
              rds: { route_config_name: 'lb/route' },
              http_filters: [{ name: 'cilium.l7policy' }, { name: 'envoy.filters.http.router' }],
            },
          },
        ],
      },
    ],
    listener_filters: [
      {
        name: 'cilium.bpf_metadata',
        typed_config: {
          '@type': 'type.googleapis.com/cilium.BpfMetadata',
          bpf_root: '/sys/fs/bpf',
          is_l7lb: true,
          use_original_source_address: true,
          ...metadata,
        },
      },
    ],
    transparent: true,
    ...rest,
  };
}

const routes = (...list: Route[]): RouteConfiguration => ({
  name: 'lb/route',
  virtual_hosts: [{ name: 'lb', domains: ['*'], routes: list }],
});
const cluster = (name: string, more: Partial<Cluster> = {}): Cluster => ({
  name,
  type: 'EDS',
  connect_timeout: '5s',
  eds_cluster_config: { eds_config: {} },
  ...more,
});
const endpoints = (name: string, ...ips: string[]): ClusterLoadAssignment => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: ips.map((address) => ({ endpoint: { address: { socket_address: { address, port_value: 8080 } } } })) }],
});

interface Choices {
  readonly route?: RouteConfiguration | null;
  readonly clusters?: readonly Cluster[];
  readonly endpoints?: readonly ClusterLoadAssignment[];
  readonly metadata?: Partial<BpfMetadataConfig>;
}

/** A proxy that balances `VIP:8080` over A and B, each of which says who it is. */
function rigOf(choices: Choices = {}): Rig {
  const rig = new Rig({ listener: listener(choices.metadata), policies: [allowAll(CLIENT)], backend: null });
  rig.net.redirect({ address: ip(VIP), port: 8080 }, 12000);
  for (const address of [A, B]) {
    rig.identity(address, 4000);
    rig.serve(address, 8080, answer(OK_RESPONSE.replace('Ship landed\n', `${address}   `)));
  }
  rig.xds.set(
    CLUSTER_TYPE_URL,
    (choices.clusters ?? [cluster('a'), cluster('b')]).map((one) => ({ name: one.name, resource: one })),
  );
  rig.xds.set(
    ENDPOINT_TYPE_URL,
    (choices.endpoints ?? [endpoints('a', A), endpoints('b', B)]).map((one) => ({ name: one.cluster_name, resource: one })),
  );
  const route = choices.route === undefined ? routes({ match: { prefix: '/' }, route: { cluster: 'a' } }) : choices.route;
  rig.xds.set(ROUTE_TYPE_URL, route === null ? [] : [{ name: 'lb/route', resource: route }]);
  rig.settle();
  return rig;
}

function ask(rig: Rig, path = '/', host = 'echo:8080', nanos = 0): string {
  const client = rig.client(CLIENT, VIP, 8080);
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  rig.settle(nanos);
  return client.received;
}

describe('routes by RDS', () => {
  it('a listener is used once its routes have come, or 15 s later without them', () => {
    const rig = new Rig({ listener: listener(), policies: [allowAll(CLIENT)], backend: null });
    expect(rig.xds.last(LISTENER_TYPE_URL)?.versionInfo).toBe('1');
    expect(rig.net.listening(12000)).toBe(false);
    rig.settle(14 * SECOND);
    expect(rig.net.listening(12000)).toBe(false);
    rig.settle(2 * SECOND);
    expect(rig.net.listening(12000)).toBe(true);
    expect(rigOf().net.listening(12000)).toBe(true);
  });

  it('a change of routes holds for the next request of an open connection', () => {
    const rig = rigOf();
    const client = rig.client(CLIENT, VIP, 8080);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    rig.settle();
    rig.xds.set(ROUTE_TYPE_URL, [{ name: 'lb/route', resource: routes({ match: { prefix: '/' }, route: { cluster: 'b' } }) }]);
    rig.settle();
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    rig.settle();
    expect(client.received.match(/10\.0\.0\.1\d/g)).toEqual([A, B]);
  });

  it('a configuration that Envoy refuses leaves the one before', () => {
    const rig = rigOf();
    for (const [bad, error] of [
      [routes({ match: { safe_regex: { google_re2: {}, regex: '(' } }, route: { cluster: 'a' } }), /missing/],
      [
        { ...routes(), virtual_hosts: [{ name: 'x', domains: ['*', '*'] }] },
        /Only a single wildcard domain is permitted in route lb\/route/,
      ],
      [{ ...routes(), virtual_hosts: [{ name: 'x', domains: ['a.b', 'A.b'] }] }, /Duplicate entry of domain a\.b in route lb\/route/],
      [
        routes({ match: { prefix: '/' }, route: { weighted_clusters: { clusters: [{ name: 'a', weight: 1 }], total_weight: 100 } } }),
        /Sum of weights in the weighted_cluster should add up to 100/,
      ],
      [
        routes({ match: { prefix: '/' }, route: { cluster: 'a' }, request_headers_to_add: [{ header: { key: ':path', value: 'x' } }] }),
        /:-prefixed or host headers may not be modified/,
      ],
    ] as const) {
      rig.xds.set(ROUTE_TYPE_URL, [{ name: 'lb/route', resource: bad }]);
      rig.settle();
      expect(rig.xds.last(ROUTE_TYPE_URL)?.errorDetail).toMatch(error);
      expect(ask(rig)).toContain(A);
    }
  });

  it('paths are rewritten before policy and server see them, the query stays', () => {
    const rewriting = (route: Partial<Route['route'] & object>) => routes({ match: { prefix: '/' }, route: { cluster: 'a', ...route } });
    const upstreamLine = (route: RouteConfiguration, path: string): string => {
      const rig = rigOf({ route });
      ask(rig, path);
      return rig.backendReceived[0]?.split('\r\n')[0] ?? '';
    };
    const regex = { pattern: { google_re2: {}, regex: '^/foo.*$' }, substitution: '/' };
    expect(upstreamLine(rewriting({ regex_rewrite: regex }), '/foo/bar?x=1')).toBe('GET /?x=1 HTTP/1.1');
    expect(upstreamLine(rewriting({ regex_rewrite: regex }), '/bar')).toBe('GET /bar HTTP/1.1');
    const group = { pattern: { google_re2: {}, regex: '^/([a-z]+)/([a-z]+)$' }, substitution: '/\\2/\\1' };
    expect(upstreamLine(rewriting({ regex_rewrite: group }), '/a/b')).toBe('GET /b/a HTTP/1.1');
    const prefix = routes({ match: { prefix: '/api' }, route: { cluster: 'a', prefix_rewrite: '/v1' } });
    expect(upstreamLine(prefix, '/api/x?y')).toBe('GET /v1/x?y HTTP/1.1');
    const rig = rigOf({ route: rewriting({ regex_rewrite: regex }) });
    ask(rig, '/foo');
    expect(rig.backendReceived[0]).toContain('x-envoy-original-path: /foo\r\n');
  });

  it('redirects and answers itself', () => {
    const secure = rigOf({ route: routes({ match: { prefix: '/' }, redirect: { https_redirect: true } }) });
    expect(ask(secure, '/a?b', 'foo.com:80')).toMatch(/^HTTP\/1\.1 301 Moved Permanently\r\nlocation: https:\/\/foo\.com\/a\?b\r\n/);
    const direct = rigOf({ route: routes({ match: { path: '/x' }, direct_response: { status: 418, body: { inline_string: 'tea' } } }) });
    expect(ask(direct, '/x')).toMatch(/^HTTP\/1\.1 418 .*tea$/s);
    expect(status(ask(direct, '/y'))).toBe(404);
  });
});

describe('clusters by CDS and EDS', () => {
  it('a request for an unknown cluster is answered 503, one without endpoints too', () => {
    expect(ask(rigOf({ clusters: [] }))).toMatch(/^HTTP\/1\.1 503 /);
    const rig = rigOf({ endpoints: [] });
    rig.settle(16 * SECOND);
    expect(ask(rig)).toMatch(/^HTTP\/1\.1 503 .*no healthy upstream$/s);
  });

  it('weights decide between clusters, turns between hosts', () => {
    const weighted = (weight: number) =>
      routes({
        match: { prefix: '/' },
        route: {
          weighted_clusters: {
            clusters: [
              { name: 'a', weight },
              { name: 'b', weight: 100 - weight },
            ],
          },
        },
      });
    const share = (rig: Rig): number => Array.from({ length: 200 }, () => ask(rig)).filter((text) => text.includes(A)).length;
    expect(share(rigOf({ route: weighted(100) }))).toBe(200);
    expect(share(rigOf({ route: weighted(0) }))).toBe(0);
    expect(Math.abs(share(rigOf({ route: weighted(30) })) - 60)).toBeLessThan(25);
    const turns = rigOf({ endpoints: [endpoints('a', A, B)] });
    expect(share(turns)).toBe(100);
  });

  it('endpoints that go are used no more, those that stay keep their connections', () => {
    const rig = rigOf({ endpoints: [endpoints('a', A, B)] });
    ask(rig);
    ask(rig);
    rig.xds.set(ENDPOINT_TYPE_URL, [{ name: 'a', resource: endpoints('a', B) }]);
    rig.settle();
    const before = rig.upstreams().length;
    expect([ask(rig), ask(rig)].every((text) => text.includes(B))).toBe(true);
    expect(rig.upstreams()).toHaveLength(before);
  });

  it('a host that cannot be reached is tried no more after so many failures, and again half a minute later', () => {
    const outlier_detection = { split_external_local_origin_errors: true, consecutive_local_origin_failure: 2 };
    const rig = rigOf({ clusters: [cluster('a', { outlier_detection })], endpoints: [endpoints('a', A, '10.0.0.99')] });
    const failures = (times: number): number =>
      Array.from({ length: times }, () => status(ask(rig, '/', 'x', 2 * SECOND))).filter((code) => code === 503).length;
    expect(failures(4)).toBe(2);
    expect(failures(12)).toBe(0);
    rig.settle(30 * SECOND);
    expect(failures(2)).toBe(1);
  });
});

describe('who the upstream sees', () => {
  it('the pod itself, with its address, port and the mark of its endpoint, where the source may be kept', () => {
    const rig = rigOf();
    const client = rig.client(CLIENT, VIP, 8080);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    rig.settle();
    const [upstream] = rig.upstreams();
    expect(upstream?.mark).toBe(((863 << 16) | 0x0900) >>> 0);
    expect(upstream?.local).toEqual(client.socket.local);
  });

  it('the ingress otherwise, whatever policy the pod has', () => {
    const rig = rigOf({ metadata: { use_original_source_address: false, ipv4_source_address: '10.0.0.200' } });
    rig.identity('10.0.0.200', 8);
    expect(ask(rig)).toContain(A);
    const [upstream] = rig.upstreams();
    expect(upstream?.mark).toBe(0x00080b00);
    expect(upstream?.local.address).toBe(ip('10.0.0.200'));
  });

  it("the pod's HTTP rules are about the backend that was chosen and the path after rewriting", () => {
    const rule = (path: string) => ({ name: ':path', safe_regex_match: { google_re2: {}, regex: path } });
    const policy = {
      ...allowAll(CLIENT),
      egress_per_port_policies: [
        { port: 8080, rules: [{ remote_policies: [4000], http_rules: { http_rules: [{ headers: [rule('/')] }] } }] },
      ],
    };
    const regex = { pattern: { google_re2: {}, regex: '^/foo.*$' }, substitution: '/' };
    const rig = rigOf({ route: routes({ match: { prefix: '/' }, route: { cluster: 'a', regex_rewrite: regex } }) });
    rig.policies([policy]);
    rig.settle();
    expect([ask(rig, '/'), ask(rig, '/foo'), ask(rig, '/bar')].map(status)).toEqual([200, 200, 403]);
    rig.identity(A, 4001);
    expect(status(ask(rig, '/'))).toBe(403);
    expect(POD).not.toBe(A);
    expect(rig.upstreams().every((socket) => !sentText(socket).includes('/bar'))).toBe(true);
  });
});
