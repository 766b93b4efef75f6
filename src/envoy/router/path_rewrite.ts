/**
 * What routes make of a request's path and host, and where redirects send the client.
 * @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::finalizePathHeader
 * @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::newUri
 */
import type { RedirectAction, RegexMatchAndSubstitute, RouteAction, RouteMatch } from '../../xds/route.ts';
import type { HeaderMap } from '../http/header_map.ts';
import { compileReplace } from '../regex_replace.ts';

/** Rewrites the path of a request. */
export type PathRewrite = (path: string) => string;

/** The path without query and fragment. @see envoy:source/common/http/path_utility.cc#PathUtil::removeQueryAndFragment */
export function withoutQuery(path: string): string {
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}

/** The rewriting a route action asks for; `null`: none; or why it is refused. */
export function pathRewrite(
  action: Pick<RouteAction, 'prefix_rewrite' | 'regex_rewrite'>,
  match: RouteMatch,
  maxProgramSize: number,
): PathRewrite | { readonly error: string } | null {
  const { prefix_rewrite: prefix = '', regex_rewrite: regex } = action;
  if (prefix !== '') {
    // A regular expression has matched the whole path, a prefix only so much of it.
    const fixed = match.prefix ?? match.path ?? match.path_separated_prefix;
    return (path) => prefix + path.slice(fixed === undefined ? withoutQuery(path).length : fixed.length);
  }
  return regex === undefined ? null : regexRewrite(regex, maxProgramSize);
}

function regexRewrite(
  { pattern, substitution = '' }: RegexMatchAndSubstitute,
  maxProgramSize: number,
): PathRewrite | { readonly error: string } {
  const replace = compileReplace(pattern.regex, substitution, maxProgramSize);
  if (typeof replace !== 'function') {
    return replace;
  }
  return (path) => {
    const bare = withoutQuery(path);
    return replace(bare) + path.slice(bare.length);
  };
}

/** Where a redirect sends a request. */
export function redirectUri(redirect: RedirectAction, rewrite: PathRewrite | null, headers: HeaderMap): string {
  const forwarded = headers.get('x-forwarded-proto') ?? 'http';
  const scheme = redirect.https_redirect === true ? 'https' : (redirect.scheme_redirect ?? headers.get(':scheme') ?? 'http');
  const port = (redirect.port_redirect ?? 0) === 0 ? '' : `:${redirect.port_redirect}`;
  const wanted = redirect.host_redirect ?? '';
  const host = wanted === '' ? requestHost(headers.get(':authority') ?? '', forwarded, scheme, port !== '') : wanted;
  return `${scheme}://${host}${port}${redirectPath(redirect, rewrite, headers.get(':path') ?? '')}`;
}

/** @see envoy:source/common/router/config_impl.cc#RouteEntryImplBase::processRequestHost */
function requestHost(host: string, forwarded: string, scheme: string, newPort: boolean): string {
  const colon = host.startsWith('[') ? host.indexOf(':', host.indexOf(']')) : host.lastIndexOf(':');
  if (colon < 0) {
    return host;
  }
  const port = host.slice(colon);
  const implied = scheme !== forwarded && ((forwarded === 'https' && port === ':443') || (forwarded === 'http' && port === ':80'));
  return newPort || implied ? host.slice(0, colon) : host;
}

function redirectPath(redirect: RedirectAction, rewrite: PathRewrite | null, current: string): string {
  const { path_redirect: wanted = '', strip_query: strip = false } = redirect;
  if (wanted.includes('?')) {
    return rooted(wanted);
  }
  const rewritten = rewrite === null ? current : rewrite(current);
  const path = wanted === '' ? rewritten : wanted + current.slice(withoutQuery(current).length);
  return rooted(strip ? withoutQuery(path) : path);
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
