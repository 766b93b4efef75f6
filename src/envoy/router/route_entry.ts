/**
 * One route with its texts compiled: when it matches, and what it makes of a request.
 * @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase
 */
import type { HeaderChanges, RedirectAction, RetryPolicyConfig, Route, RouteAction, RouteMatch } from '../../xds/route.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { compileHeaderMatcher, type HeaderData } from '../http/header_matcher.ts';
import { hasGrpcContentType } from '../http/header_utility.ts';
import { compileRegex } from '../regex.ts';
import { durationMillis } from './duration.ts';
import { type HeaderParser, headerParser, NO_CHANGES } from './header_parser.ts';
import { type PathRewrite, pathRewrite, withoutQuery } from './path_rewrite.ts';
import { type QueryData, queryMatchers } from './query_matcher.ts';
import { parseRetryPolicy, type RetryPolicy } from './retry_state.ts';
import { type WeightedCluster, weightedClusters } from './weighted_clusters.ts';

/** Where a request goes. */
export interface ForwardAction {
  readonly kind: 'forward';
  /** One cluster's name, or several with weights. */
  readonly cluster: string | readonly WeightedCluster[];
  readonly retry: RetryPolicy;
  /** Global timeout; 0 = none. */
  readonly timeoutMs: number;
  /** Neither the global timeout nor the client's own wish applies. */
  readonly newTimeouts: boolean;
  /** How long a stream may take; 0: as long as it wants. */
  readonly maxDurationMs: number;
  /** Whether a client's own deadline counts, and how long it may be at most (0: any); `null`: it does not. */
  readonly grpcTimeoutMaxMs: number | null;
  readonly hostRewrite: string;
  readonly rewrite: PathRewrite | null;
}

/** What the proxy answers itself. */
export type DirectAction =
  | { readonly kind: 'redirect'; readonly redirect: RedirectAction; readonly rewrite: PathRewrite | null }
  | { readonly kind: 'response'; readonly status: number; readonly body: string };

/** A compiled route. */
export interface RouteEntry {
  /** What is asked of a request, in words: `prefix /`. */
  readonly text: string;
  readonly action: ForwardAction | DirectAction;
  /** Changes of headers, the most specific first. */
  readonly requestHeaders: readonly HeaderParser[];
  readonly responseHeaders: readonly HeaderParser[];
  matches(headers: HeaderMap, path: string): boolean;
}

/** What a route makes of a request that it forwards. @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::finalizeRequestHeaders */
export function finalizeRequestHeaders(
  entry: RouteEntry,
  { rewrite, hostRewrite }: ForwardAction,
  weighted: WeightedCluster | null,
  headers: HeaderMap,
): void {
  weighted?.requestHeaders.evaluateHeaders(headers);
  for (const parser of entry.requestHeaders) {
    parser.evaluateHeaders(headers);
  }
  const host = weighted === null || weighted.hostRewrite === '' ? hostRewrite : weighted.hostRewrite;
  if (host !== '') {
    headers.set(':authority', host);
  }
  const path = headers.get(':path');
  if (rewrite !== null && path !== null) {
    headers.set('x-envoy-original-path', path);
    headers.set(':path', rewrite(path));
  }
}

/** … and of the response. @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::finalizeResponseHeaders */
export function finalizeResponseHeaders(entry: RouteEntry, weighted: WeightedCluster | null, headers: HeaderMap): void {
  weighted?.responseHeaders.evaluateHeaders(headers);
  for (const parser of entry.responseHeaders) {
    parser.evaluateHeaders(headers);
  }
}

/** What a route inherits. */
export interface RouteParents {
  readonly levels: readonly HeaderChanges[];
  readonly retryPolicy: RetryPolicyConfig | undefined;
  readonly maxProgramSize: number;
}

const DEFAULT_TIMEOUT = '15s';

/** Compiles a route; a text is the exception that refuses the configuration. */
export function routeEntry(route: Route, parents: RouteParents): RouteEntry | string {
  const path = pathMatcher(route.match, parents.maxProgramSize);
  const headers = collect(route.match.headers ?? [], (one) => compileHeaderMatcher(one, parents.maxProgramSize));
  const query = queryMatchers(route.match.query_parameters ?? [], parents.maxProgramSize);
  const action = routeAction(route, parents);
  const levels = [route, ...parents.levels];
  const requestHeaders = changing(collect(levels, (one) => headerParser(one.request_headers_to_add, one.request_headers_to_remove)));
  const responseHeaders = changing(collect(levels, (one) => headerParser(one.response_headers_to_add, one.response_headers_to_remove)));
  for (const part of [path, headers, query, action, requestHeaders, responseHeaders]) {
    if (typeof part === 'string') {
      return part;
    }
  }
  const compiled = { path, headers, query } as { path: PathMatcher; headers: readonly HeaderData[]; query: readonly QueryData[] };
  return {
    text: `${compiled.path.text}${conditionsText(route.match, compiled)}`,
    action: action as ForwardAction | DirectAction,
    requestHeaders: requestHeaders as readonly HeaderParser[],
    responseHeaders: responseHeaders as readonly HeaderParser[],
    matches: matcher(compiled, route.match.grpc !== undefined),
  };
}

interface PathMatcher {
  readonly text: string;
  matches(path: string): boolean;
}

/** @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::matchRoute */
function matcher(
  { path, headers, query }: { readonly path: PathMatcher; readonly headers: readonly HeaderData[]; readonly query: readonly QueryData[] },
  grpc: boolean,
): RouteEntry['matches'] {
  if (headers.length + query.length === 0 && !grpc) {
    return (_request, target) => path.matches(target);
  }
  return (request, target) =>
    path.matches(target) &&
    (!grpc || hasGrpcContentType(request)) &&
    headers.every((one) => one.matches(request)) &&
    (query.length === 0 || query.every((one) => one.matches(target)));
}

function pathMatcher(match: RouteMatch, maxProgramSize: number): PathMatcher | string {
  const fold = match.case_sensitive === false;
  const sensed = (text: string): string => (fold ? text.toLowerCase() : text);
  if (match.safe_regex !== undefined) {
    const regex = compileRegex(match.safe_regex.regex, maxProgramSize);
    return 'error' in regex
      ? regex.error
      : { text: `regex ${match.safe_regex.regex}`, matches: (path) => regex.matches(withoutQuery(path)) };
  }
  if (match.path !== undefined) {
    const wanted = sensed(match.path);
    return { text: `path ${match.path}`, matches: (path) => sensed(withoutQuery(path)) === wanted };
  }
  if (match.path_separated_prefix !== undefined) {
    const wanted = sensed(match.path_separated_prefix);
    return {
      text: `path prefix ${match.path_separated_prefix}`,
      matches: (path) => {
        const bare = sensed(withoutQuery(path));
        return bare === wanted || bare.startsWith(`${wanted}/`);
      },
    };
  }
  const prefix = match.prefix ?? '';
  const wanted = sensed(prefix);
  // A prefix of one character cannot reach into the query.
  const short = wanted.length <= 1;
  return { text: `prefix ${prefix}`, matches: (path) => sensed(short ? path : withoutQuery(path)).startsWith(wanted) };
}

function conditionsText(
  { grpc }: RouteMatch,
  { headers, query }: { readonly headers: readonly HeaderData[]; readonly query: readonly QueryData[] },
): string {
  const conditions = [
    ...(grpc === undefined ? [] : [' with gRPC content']),
    ...headers.map(({ name, text }) => `, ${name} ${text}`),
    ...query.map(({ name, text }) => `, query ${name} ${text}`),
  ];
  return conditions.join('');
}

function routeAction(route: Route, { retryPolicy, maxProgramSize }: RouteParents): ForwardAction | DirectAction | string {
  if (route.route !== undefined) {
    return forwardAction(route.route, route.match, retryPolicy, maxProgramSize);
  }
  if (route.redirect !== undefined) {
    const rewrite = pathRewrite(route.redirect, route.match, maxProgramSize);
    return rewrite !== null && 'error' in rewrite ? rewrite.error : { kind: 'redirect', redirect: route.redirect, rewrite };
  }
  const { status = 500, body } = route.direct_response ?? {};
  return { kind: 'response', status, body: body?.inline_string ?? '' };
}

function forwardAction(
  action: RouteAction,
  match: RouteMatch,
  inherited: RetryPolicyConfig | undefined,
  maxProgramSize: number,
): ForwardAction | string {
  const rewrite = pathRewrite(action, match, maxProgramSize);
  if (rewrite !== null && 'error' in rewrite) {
    return rewrite.error;
  }
  const cluster = action.weighted_clusters === undefined ? (action.cluster ?? '') : weightedClusters(action.weighted_clusters);
  if (typeof cluster === 'object' && 'error' in cluster) {
    return cluster.error;
  }
  return {
    kind: 'forward',
    cluster,
    retry: parseRetryPolicy(action.retry_policy ?? inherited),
    timeoutMs: action.max_stream_duration !== undefined ? 0 : durationMillis(action.timeout ?? DEFAULT_TIMEOUT),
    newTimeouts: action.max_stream_duration !== undefined,
    maxDurationMs: durationMillis(action.max_stream_duration?.max_stream_duration ?? '0s'),
    grpcTimeoutMaxMs:
      action.max_stream_duration?.grpc_timeout_header_max === undefined
        ? null
        : durationMillis(action.max_stream_duration.grpc_timeout_header_max),
    hostRewrite: action.host_rewrite_literal ?? '',
    rewrite,
  };
}

/** Those that change something. */
function changing(parsers: readonly HeaderParser[] | string): readonly HeaderParser[] | string {
  return typeof parsers === 'string' ? parsers : parsers.filter((one) => one !== NO_CHANGES);
}

/** All results, or the first that is a text. */
export function collect<T, R extends object>(items: readonly T[], compile: (item: T) => R | string): readonly R[] | string {
  const found: R[] = [];
  for (const item of items) {
    const one = compile(item);
    if (typeof one === 'string') {
      return one;
    }
    found.push(one);
  }
  return found;
}
