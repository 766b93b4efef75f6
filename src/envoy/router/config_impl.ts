/**
 * A route configuration at work: the virtual host by the request's host, the first route of it that matches.
 * @see envoy:source/common/router/config_impl.cc#RouteMatcher
 */
import type { RouteConfiguration, VirtualHost } from '../../xds/route.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { type HeaderParser, headerParser } from './header_parser.ts';
import { collect, type RouteEntry, routeEntry } from './route_entry.ts';

/** A virtual host with its routes compiled. */
interface VirtualHostEntry {
  readonly requireTls: NonNullable<VirtualHost['require_tls']>;
  readonly routes: readonly RouteEntry[];
}

const NO_CHANGES: readonly HeaderParser[] = [];

/** Sends clients to HTTPS. @see envoy:source/common/router/config_impl.cc#SslRedirectRoute */
const SSL_REDIRECT_ROUTE: RouteEntry = {
  text: 'require_tls of the virtual host',
  action: { kind: 'redirect', redirect: { https_redirect: true }, rewrite: null },
  requestHeaders: NO_CHANGES,
  responseHeaders: NO_CHANGES,
  matches: () => true,
};

/** Where connection managers find their routes: as they are at the moment. */
export interface RouteSource {
  readonly table: RouteTable | null;
}

/** The routes of one configuration. */
export class RouteTable {
  readonly config: RouteConfiguration;
  #default: VirtualHostEntry | null = null;
  readonly #exact = new Map<string, VirtualHostEntry>();
  /** By what follows or precedes the star, the longest first. */
  #suffixes: [string, VirtualHostEntry][] = [];
  #prefixes: [string, VirtualHostEntry][] = [];

  private constructor(config: RouteConfiguration) {
    this.config = config;
  }

  /** Compiles a configuration; a text is the exception that refuses it. */
  static create(config: RouteConfiguration, maxProgramSize: number): RouteTable | string {
    const table = new RouteTable(config);
    for (const host of config.virtual_hosts ?? []) {
      const levels = [host, config];
      const routes = collect(host.routes ?? [], (route) => routeEntry(route, { levels, retryPolicy: host.retry_policy, maxProgramSize }));
      if (typeof routes === 'string') {
        return routes;
      }
      // What the levels change is compiled with each route; without routes it has to be right too.
      const unused = headerParser(host.request_headers_to_add, host.request_headers_to_remove);
      const error = typeof unused === 'string' ? unused : table.#add(host, { requireTls: host.require_tls ?? 'NONE', routes });
      if (error !== null) {
        return error;
      }
    }
    const longestFirst = (a: [string, unknown], b: [string, unknown]): number => b[0].length - a[0].length;
    table.#suffixes.sort(longestFirst);
    table.#prefixes.sort(longestFirst);
    return table;
  }

  /** The route of a request, or `null`. @see envoy:source/common/router/config_impl.cc#VirtualHostImpl::getRouteFromEntries */
  match(headers: HeaderMap): RouteEntry | null {
    const host = this.#virtualHost(headers);
    const path = headers.get(':path');
    if (host === null) {
      return null;
    }
    if (host.requireTls !== 'NONE' && headers.get('x-forwarded-proto') !== 'https') {
      const internal = headers.get('x-envoy-internal') === 'true';
      if (host.requireTls === 'ALL' || !internal) {
        return SSL_REDIRECT_ROUTE;
      }
    }
    if (path === null) {
      return null;
    }
    for (const route of host.routes) {
      if (route.matches(headers, path)) {
        return route;
      }
    }
    return null;
  }

  #add(host: VirtualHost, entry: VirtualHostEntry): string | null {
    const name = this.config.name ?? '';
    for (const written of host.domains) {
      const domain = written.toLowerCase();
      if (domain === '*') {
        if (this.#default !== null) {
          return `Only a single wildcard domain is permitted in route ${name}`;
        }
        this.#default = entry;
        continue;
      }
      const [known, key] = domain.startsWith('*')
        ? [this.#suffixes, domain.slice(1)]
        : domain.endsWith('*')
          ? [this.#prefixes, domain.slice(0, -1)]
          : [null, domain];
      if (known === null ? this.#exact.has(key) : known.some(([one]) => one === key)) {
        return `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${name}`;
      }
      if (known === null) {
        this.#exact.set(key, entry);
      } else {
        known.push([key, entry]);
      }
    }
    return null;
  }

  /** @see envoy:source/common/router/config_impl.cc#RouteMatcher::findVirtualHost */
  #virtualHost(headers: HeaderMap): VirtualHostEntry | null {
    if (this.#exact.size + this.#suffixes.length + this.#prefixes.length === 0) {
      return this.#default;
    }
    const host = (headers.get(':authority') ?? '').toLowerCase();
    // The star stands for something: `*.foo.com` does not match `.foo.com`.
    const wild = (list: readonly [string, VirtualHostEntry][], fits: (part: string) => boolean): VirtualHostEntry | undefined =>
      list.find(([part]) => part.length < host.length && fits(part))?.[1];
    return (
      this.#exact.get(host) ??
      wild(this.#suffixes, (part) => host.endsWith(part)) ??
      wild(this.#prefixes, (part) => host.startsWith(part)) ??
      this.#default
    );
  }
}
