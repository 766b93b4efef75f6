/** What the operator makes of an Ingress, against the examples of its own tests and properties. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseResources } from '../../src/agent/envoy/config_resources.ts';
import { parseOptions } from '../../src/agent/option/config.ts';
import type { Ingress } from '../../src/k8s/objects.ts';
import { ingestIngress } from '../../src/operator/model/ingestion.ts';
import type { HttpRoute, PathMatch } from '../../src/operator/model/model.ts';
import { translate } from '../../src/operator/model/translation/translator.ts';
import { newVirtualHost } from '../../src/operator/model/translation/virtual_host.ts';

const BACKEND = { namespace: 'shop', name: 'web', port: '80' };

function ingress(spec: Ingress['spec'], annotations: Readonly<Record<string, string>> = {}): Ingress {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'i', namespace: 'shop', uid: 'u', annotations }, spec };
}

function backend(port: number | string, name = 'web'): { service: { name: string; port: { name?: string; number?: number } } } {
  return { service: { name, port: typeof port === 'number' ? { number: port } : { name: port } } };
}

function translated(one: Ingress, enforceHttps = true) {
  return translate(ingestIngress(one), {
    name: 'cilium-ingress-shop-i',
    namespace: 'shop',
    service: 'cilium-ingress-i',
    secretsNamespace: 'secrets',
    enforceHttps,
  });
}

function match(kind: PathMatch['kind'], text: string): HttpRoute {
  return { path: { kind, text }, backends: [BACKEND] };
}

/** What the agent reads of it. */
function resourcesOf(one: Ingress, enforceHttps = true) {
  const config = translated(one, enforceHttps);
  const source = { namespace: 'shop', name: 'c', l7Lb: true, useOriginalSourceAddress: false, validate: true };
  return parseResources(
    { ...source, resources: config.spec.resources ?? [] },
    { options: parseOptions({}).options, ingressIp: null, allocateProxyPort: () => 10_000 },
  );
}

describe('routes of a host', () => {
  const matchOf = (route: HttpRoute, host = '*') => newVirtualHost(host, false, [route]).routes?.[0]?.match;

  it('are matched by path', () => {
    expect(matchOf(match('exact', '/foo'))).toEqual({ path: '/foo' });
    expect(matchOf(match('prefix', '/foo/'))).toEqual({ safe_regex: { google_re2: {}, regex: '/foo(/.*)?$' } });
    expect(matchOf(match('prefix', '/'))).toEqual({ safe_regex: { google_re2: {}, regex: '(/.*)?$' } });
    expect(matchOf(match('regex', '/[a-z]+'))).toEqual({ safe_regex: { google_re2: {}, regex: '/[a-z]+' } });
    expect(matchOf({ path: null, backends: [BACKEND] })).toEqual({ prefix: '/' });
  });

  it('of a wildcard are for one label', () => {
    const { name, domains } = newVirtualHost('*.foo.com', false, [match('exact', '/')]);
    expect([name, domains]).toEqual(['*.foo.com', ['*.foo.com', '*.foo.com:*']]);
    expect(matchOf(match('exact', '/'), '*.foo.com')?.headers).toEqual([
      { name: ':authority', string_match: { safe_regex: { google_re2: {}, regex: '^[^.]+[.]foo[.]com$' } } },
    ]);
  });

  it('share requests among backends of one path', () => {
    const two = newVirtualHost('*', false, [match('exact', '/'), { ...match('exact', '/'), backends: [{ ...BACKEND, name: 'b' }] }]);
    expect(two.routes?.[0]?.route?.weighted_clusters).toEqual({
      clusters: [
        { name: 'shop/web:80', weight: 1 },
        { name: 'shop/b:80', weight: 1 },
      ],
      total_weight: 2,
    });
  });

  it('are in the order in which Envoy must look: exact before patterns, long before short', () => {
    const path = fc.string({ unit: fc.constantFrom('a', '/', 'b'), maxLength: 6 }).map((text) => `/${text}`);
    const route = fc.tuple(fc.constantFrom('exact', 'prefix', 'regex' as const), path).map(([kind, text]) => match(kind as 'exact', text));
    fc.assert(
      fc.property(fc.array(route, { maxLength: 8 }), (routes) => {
        const lengths = (newVirtualHost('*', false, routes).routes ?? []).map(({ match: one }) =>
          one.path === undefined ? (one.safe_regex?.regex.length ?? 0) : 1000 + one.path.length,
        );
        expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
      }),
      { numRuns: 100 },
    );
  });
});

describe('an Ingress', () => {
  it('with a default backend and rules', () => {
    const config = translated(
      ingress({
        defaultBackend: backend(80),
        rules: [{ host: 'a.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend('http', 'a') }] } }],
      }),
    );
    expect(config.spec).toMatchObject({
      services: [{ name: 'cilium-ingress-i', namespace: 'shop' }],
      backendServices: [
        { name: 'a', namespace: 'shop', number: ['http'] },
        { name: 'web', namespace: 'shop', number: ['80'] },
      ],
    });
    expect(config.metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'Ingress', name: 'i', uid: 'u' }]);
  });

  it('with TLS has a chain for each secret', () => {
    const one = ingress({
      tls: [{ hosts: ['b.com', 'a.com'], secretName: 's' }],
      rules: ['a.com', 'b.com'].map((host) => ({
        host,
        http: { paths: [{ path: '/', pathType: 'Prefix' as const, backend: backend(80) }] },
      })),
    });
    const { resources, issues } = resourcesOf(one, false);
    expect(issues).toEqual([]);
    const [, secure] = resources?.listeners[0]?.filter_chains ?? [];
    expect(secure).toMatchObject({
      filter_chain_match: { server_names: ['a.com', 'b.com'], transport_protocol: 'tls' },
      transport_socket: { typed_config: { common_tls_context: { tls_certificate_sds_secret_configs: [{ name: 'secrets/shop-s' }] } } },
    });
    expect(resources?.routes.map(({ name }) => name)).toEqual(['shop/c/listener-insecure', 'shop/c/listener-secure']);
  });

  it('as 1.13.3, with enforced https a host has two virtual hosts of one name under plain HTTP', () => {
    const one = ingress({
      tls: [{ hosts: ['a.com'], secretName: 's' }],
      rules: [{ host: 'a.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend(80) }] } }],
    });
    const [insecure] = resourcesOf(one).resources?.routes ?? [];
    expect(insecure?.virtual_hosts?.map(({ name, routes }) => [name, routes?.[0]?.redirect])).toEqual([
      ['a.com', { https_redirect: true }],
      ['a.com', undefined],
    ]);
  });

  it('the routes for any host take the place of those of a host with TLS', () => {
    const listeners = ingestIngress(ingress({ defaultBackend: backend(80), tls: [{ hosts: ['a.com'], secretName: 's' }] }));
    expect(listeners.map(({ hostname, port, tls, routes }) => [hostname, port, tls?.name, routes.length])).toEqual([
      ['*', 80, undefined, 1],
      ['a.com', 443, 's', 1],
    ]);
  });

  it('a host with TLS and no routes is left out', () => {
    const rules = [{ host: 'a.com', http: { paths: [{ path: '/', pathType: 'Prefix' as const, backend: backend(80) }] } }];
    expect(ingestIngress(ingress({ rules, tls: [{ hosts: ['b.com'], secretName: 's' }] }))).toHaveLength(1);
  });

  it.each([
    ['30080', 30080],
    ['many', null],
    ['', null],
  ])('node port %j is %j', (text, port) => {
    const one = ingress(
      { defaultBackend: backend(80) },
      { 'io.cilium.ingress/service-type': 'NodePort', 'ingress.cilium.io/insecure-node-port': text },
    );
    expect(ingestIngress(one)[0]?.service).toEqual({ insecureNodePort: port, secureNodePort: null });
  });

  it('whatever it is, the agent can read what becomes of it', () => {
    const host = fc.constantFrom(undefined, 'a.com', '*.b.com');
    const path = fc.record({
      path: fc.constantFrom('/', '/a', '/a/b'),
      pathType: fc.constantFrom('Exact' as const, 'Prefix' as const, 'ImplementationSpecific' as const),
      backend: fc.constantFrom(backend(80), backend('http'), backend(8080, 'other')),
    });
    const rule = fc.record({ host, http: fc.record({ paths: fc.array(path, { minLength: 1, maxLength: 3 }) }) });
    const tls = fc.record({ hosts: fc.subarray(['a.com', 'c.com']), secretName: fc.constantFrom('s', 't') });
    const spec = fc.record({ rules: fc.array(rule, { minLength: 1, maxLength: 3 }), tls: fc.array(tls, { maxLength: 2 }) });
    fc.assert(
      fc.property(spec, fc.boolean(), (one, https) => {
        const { resources, issues } = resourcesOf(ingress(one as Ingress['spec']), https);
        expect(issues).toEqual([]);
        const clusters = new Set(resources?.clusters.map(({ name }) => name));
        const used = (resources?.routes ?? [])
          .flatMap(({ virtual_hosts = [] }) => virtual_hosts.flatMap(({ routes = [] }) => routes))
          .flatMap(({ route }) =>
            route === undefined ? [] : (route.weighted_clusters?.clusters.map(({ name }) => name) ?? [route.cluster ?? '']),
          );
        expect(used.filter((name) => !clusters.has(name))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
