/**
 * The routes of one host name as Envoy's virtual host.
 * @see cilium:operator/pkg/model/translation/envoy_virtual_host.go#NewVirtualHost
 */
import type { Route, RouteMatch, VirtualHost } from '../../../xds/route.ts';
import { type Backend, type HttpRoute, matchKey, type PathMatch } from '../model.ts';

const WILDCARD = '*';

/** The virtual host; with `httpsRedirect` its routes only send clients to https. */
export function newVirtualHost(hostname: string, httpsRedirect: boolean, httpRoutes: readonly HttpRoute[]): VirtualHost {
  const byMatch = new Map<string, HttpRoute[]>();
  for (const route of httpRoutes) {
    byMatch.set(matchKey(route), [...(byMatch.get(matchKey(route)) ?? []), route]);
  }
  const routes = [...byMatch.values()].map((same): Route => {
    const match = routeMatch(hostname, same[0]?.path ?? null);
    if (httpsRedirect) {
      return { match, redirect: { https_redirect: true } };
    }
    const backends = same.flatMap((route) => route.backends);
    return { match, route: { ...clusterSpecifier(backends), max_stream_duration: { max_stream_duration: '0s' } } };
  });
  // An authority may come with its port.
  const domains = hostname === WILDCARD ? [WILDCARD] : [hostname, `${hostname}:*`];
  return { name: domains[0] ?? '', domains, routes: routes.sort(compareRoutes) };
}

/** `namespace/name:port`. */
export function clusterName({ namespace, name, port }: Backend): string {
  return `${namespace}/${name}:${port}`;
}

/** Several backends share the requests equally. */
function clusterSpecifier(backends: readonly Backend[]): NonNullable<Route['route']> {
  const [first] = backends;
  return backends.length === 1 && first !== undefined
    ? { cluster: clusterName(first) }
    : {
        weighted_clusters: {
          clusters: backends.map((backend) => ({ name: clusterName(backend), weight: 1 })),
          total_weight: backends.length,
        },
      };
}

/** @see cilium:operator/pkg/model/translation/envoy_virtual_host.go#getRouteMatch */
function routeMatch(hostname: string, path: PathMatch | null): RouteMatch {
  const headers =
    hostname !== WILDCARD && hostname.includes(WILDCARD)
      ? { headers: [{ name: ':authority', string_match: { safe_regex: { google_re2: {}, regex: hostRegex(hostname) } } }] }
      : {};
  switch (path?.kind) {
    case 'exact':
      return { path: path.text, ...headers };
    case 'prefix':
      return { safe_regex: { google_re2: {}, regex: prefixRegex(path.text) }, ...headers };
    case 'regex':
      return { safe_regex: { google_re2: {}, regex: path.text }, ...headers };
    case undefined:
      return { prefix: '/', ...headers };
  }
}

/** `/foo` takes `/foo` and `/foo/...`, not `/foobar`. @see cilium:operator/pkg/model/translation/envoy_virtual_host.go#getMatchingPrefixRegex */
function prefixRegex(path: string): string {
  return `${path.replace(/\/$/, '')}(/.*)?$`;
}

/** `*` stands for one label. @see cilium:operator/pkg/model/translation/envoy_virtual_host.go#getMatchingHeaderRegex */
function hostRegex(host: string): string {
  return host.startsWith('*.') ? `^[^.]+[.]${host.slice(2).replaceAll('.', '[.]')}$` : `^${host.replaceAll('.', '[.]')}$`;
}

/** Envoy takes the first that matches: exact paths before patterns, long ones before short ones. @see cilium:operator/pkg/model/translation/envoy_virtual_host.go#SortableRoute.Less */
function compareRoutes(a: Route, b: Route): number {
  const rank = ({ match }: Route): readonly number[] => [
    match.path?.length ?? 0,
    match.safe_regex === undefined ? 0 : JSON.stringify(match.safe_regex.regex).length,
    match.headers?.length ?? 0,
  ];
  const [first, second] = [rank(a), rank(b)];
  const at = first.findIndex((value, index) => value !== second[index]);
  return at < 0 ? 0 : (second[at] ?? 0) - (first[at] ?? 0);
}
