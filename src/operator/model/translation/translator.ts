/**
 * From hosts and routes to a CiliumEnvoyConfig.
 * @see cilium:operator/pkg/model/translation/translator.go#defaultTranslator.Translate
 * @remarks Simplified: where 1.13.3 follows the random order of a map (virtual hosts, route configurations), the order is that of the Ingress.
 */
import type { CiliumEnvoyConfig } from '../../../k8s/objects.ts';
import type { Cluster } from '../../../xds/cluster.ts';
import type { RouteConfiguration, VirtualHost } from '../../../xds/route.ts';
import type { Backend, HttpListener, HttpRoute } from '../model.ts';
import { newListener } from './listener.ts';
import { clusterName, newVirtualHost } from './virtual_host.ts';

/** What the object is called and how it is made. */
export interface Translation {
  readonly name: string;
  readonly namespace: string;
  /** The service whose traffic it takes, in the same namespace. */
  readonly service: string;
  /** Where the agent finds secrets. */
  readonly secretsNamespace: string;
  readonly enforceHttps: boolean;
}

const LISTENER = 'listener';

/** The object. */
export function translate(listeners: readonly HttpListener[], translation: Translation): CiliumEnvoyConfig {
  const { name, namespace, service, secretsNamespace, enforceHttps } = translation;
  const backends = listeners.flatMap(({ routes }) => routes.flatMap((route) => route.backends));
  const sources = new Map(listeners.map(({ source }) => [source.name, source]));
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumEnvoyConfig',
    metadata: {
      name,
      namespace,
      ownerReferences: [...sources.values()].map((source) => ({ apiVersion: 'v1', kind: 'Ingress', name: source.name, uid: source.uid })),
    },
    spec: {
      backendServices: backendServices(backends),
      services: [{ name: service, namespace, listener: '' }],
      resources: [
        resource('envoy.config.listener.v3.Listener', newListener(LISTENER, secretsNamespace, listeners)),
        ...routeConfigurations(listeners, enforceHttps).map((one) => resource('envoy.config.route.v3.RouteConfiguration', one)),
        ...[...new Set(backends.map(clusterName))].sort().map((one) => resource('envoy.config.cluster.v3.Cluster', newCluster(one))),
      ],
    },
  };
}

/** @see cilium:operator/pkg/model/translation/translator.go#defaultTranslator.getBackendServices */
function backendServices(backends: readonly Backend[]): NonNullable<CiliumEnvoyConfig['spec']['backendServices']> {
  const ports = new Map<string, Set<string>>();
  for (const { namespace, name, port } of backends) {
    const key = `${namespace}/${name}`;
    ports.set(key, (ports.get(key) ?? new Set()).add(port));
  }
  return [...ports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, numbers]) => {
      const [namespace = '', name = ''] = key.split('/');
      return { name, namespace, number: [...numbers].sort() };
    });
}

/**
 * Routes of plain HTTP and of TLS. A host with TLS gets a redirect under plain HTTP, besides its routes there: 1.13.3 so makes two virtual hosts of
 * one name, which the proxy refuses.
 * @see cilium:operator/pkg/model/translation/translator.go#defaultTranslator.getRouteConfiguration
 */
function routeConfigurations(listeners: readonly HttpListener[], enforceHttps: boolean): RouteConfiguration[] {
  const [insecure, secure] = [
    routesByHost(listeners.filter(({ tls }) => tls === null)),
    routesByHost(listeners.filter(({ tls }) => tls !== null)),
  ];
  const redirects = enforceHttps ? hosts(secure, true) : [];
  return [
    ...(insecure.size === 0 ? [] : [{ name: `${LISTENER}-insecure`, virtual_hosts: [...redirects, ...hosts(insecure, false)] }]),
    ...(secure.size === 0 ? [] : [{ name: `${LISTENER}-secure`, virtual_hosts: hosts(secure, false) }]),
  ];
}

function routesByHost(listeners: readonly HttpListener[]): Map<string, HttpRoute[]> {
  const found = new Map<string, HttpRoute[]>();
  for (const { hostname, routes } of listeners.filter((one) => one.routes.length > 0)) {
    found.set(hostname, [...(found.get(hostname) ?? []), ...routes]);
  }
  return found;
}

function hosts(routes: ReadonlyMap<string, readonly HttpRoute[]>, httpsRedirect: boolean): VirtualHost[] {
  return [...routes].map(([host, some]) => newVirtualHost(host, httpsRedirect, some));
}

/** @see cilium:operator/pkg/model/translation/envoy_cluster.go#NewClusterWithDefaults */
function newCluster(name: string): Cluster {
  return {
    name,
    type: 'EDS',
    connect_timeout: '5s',
    outlier_detection: { split_external_local_origin_errors: true },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        use_downstream_protocol_config: { http2_protocol_options: {} },
      },
    },
  };
}

/** A message as protojson prints it. */
function resource(type: string, message: object): Readonly<Record<string, unknown>> {
  return { '@type': `type.googleapis.com/${type}`, ...(jsonNames(message) as object) };
}

function jsonNames(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(jsonNames);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [jsonName(key), jsonNames(one)]))
    : value;
}

/** `max_stream_duration` is `maxStreamDuration`; names of messages stay. */
function jsonName(key: string): string {
  return key.includes('.') ? key : key.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}
