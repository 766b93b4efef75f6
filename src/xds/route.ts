/**
 * RDS: routes. Proto field names, defaults left out.
 * @see envoy:api/envoy/config/route/v3/route_components.proto
 */
import type { HeaderMatcher, RegexMatcher, StringMatcher } from './npds.ts';

/** @see envoy:api/envoy/config/route/v3/route_components.proto#RouteMatch */
export interface RouteMatch {
  readonly prefix?: string;
  readonly path?: string;
  readonly safe_regex?: RegexMatcher;
  readonly path_separated_prefix?: string;
  readonly case_sensitive?: boolean;
  readonly headers?: readonly HeaderMatcher[];
  readonly query_parameters?: readonly QueryParameterMatcher[];
  readonly grpc?: Readonly<Record<string, never>>;
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#QueryParameterMatcher */
export interface QueryParameterMatcher {
  readonly name: string;
  readonly string_match?: StringMatcher;
  readonly present_match?: boolean;
}

/** @see envoy:api/envoy/type/matcher/v3/regex.proto#RegexMatchAndSubstitute */
export interface RegexMatchAndSubstitute {
  readonly pattern: RegexMatcher;
  readonly substitution?: string;
}

/** @see envoy:api/envoy/config/core/v3/base.proto#HeaderValueOption */
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value?: string };
  /** Default true. */
  readonly append?: boolean;
}

/** Changes of headers, on every level of a route configuration. */
export interface HeaderChanges {
  readonly request_headers_to_add?: readonly HeaderValueOption[];
  readonly request_headers_to_remove?: readonly string[];
  readonly response_headers_to_add?: readonly HeaderValueOption[];
  readonly response_headers_to_remove?: readonly string[];
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#RetryPolicy */
export interface RetryPolicyConfig {
  readonly retry_on?: string;
  readonly num_retries?: number;
  readonly per_try_timeout?: string;
  readonly retriable_status_codes?: readonly number[];
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#RouteAction */
export interface RouteAction {
  readonly cluster?: string;
  readonly weighted_clusters?: WeightedClusters;
  readonly prefix_rewrite?: string;
  readonly regex_rewrite?: RegexMatchAndSubstitute;
  readonly host_rewrite_literal?: string;
  readonly timeout?: string;
  readonly idle_timeout?: string;
  readonly retry_policy?: RetryPolicyConfig;
  readonly max_stream_duration?: { readonly max_stream_duration?: string; readonly grpc_timeout_header_max?: string };
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#WeightedCluster */
export interface WeightedClusters {
  readonly clusters: readonly (HeaderChanges & {
    readonly name: string;
    readonly weight?: number;
    readonly host_rewrite_literal?: string;
  })[];
  readonly total_weight?: number;
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#RedirectAction */
export interface RedirectAction {
  readonly https_redirect?: boolean;
  readonly scheme_redirect?: string;
  readonly host_redirect?: string;
  readonly port_redirect?: number;
  readonly path_redirect?: string;
  readonly prefix_rewrite?: string;
  readonly regex_rewrite?: RegexMatchAndSubstitute;
  readonly response_code?: RedirectCode;
  readonly strip_query?: boolean;
}

/** Status codes of redirects, by their names. */
export const REDIRECT_CODES = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;
/** One of them. */
export type RedirectCode = keyof typeof REDIRECT_CODES;

/** @see envoy:api/envoy/config/route/v3/route_components.proto#Route */
export interface Route extends HeaderChanges {
  readonly name?: string;
  readonly match: RouteMatch;
  readonly route?: RouteAction;
  readonly redirect?: RedirectAction;
  readonly direct_response?: { readonly status: number; readonly body?: { readonly inline_string?: string } };
}

/** @see envoy:api/envoy/config/route/v3/route_components.proto#VirtualHost */
export interface VirtualHost extends HeaderChanges {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes?: readonly Route[];
  readonly require_tls?: 'NONE' | 'EXTERNAL_ONLY' | 'ALL';
  readonly retry_policy?: RetryPolicyConfig;
}

/** @see envoy:api/envoy/config/route/v3/route.proto#RouteConfiguration */
export interface RouteConfiguration extends HeaderChanges {
  readonly name?: string;
  readonly virtual_hosts?: readonly VirtualHost[];
}
