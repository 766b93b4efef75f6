/** What a proxy makes of a request before its rules see it. Told from the description of its settings, apart from the model of the proxy itself. */
import type { OracleRequest } from './http.ts';

/** Methods that HTTP/1.1 parsers of the proxy's kind know. */
const METHODS: ReadonlySet<string> = new Set(
  (
    'DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT ' +
    'MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE'
  ).split(' '),
);

/**
 * The request as rules see it and as it goes on; `null` if the proxy answers itself: a method it does not know, a path it cannot read, an escaped slash (it redirects
 * the client to the path without the escape).
 * @see cilium:pkg/envoy/server.go#getHttpFilterChainProto (normalize_path, merge_slashes, path_with_escaped_slashes_action)
 */
export function proxied(request: OracleRequest, normalize: boolean): OracleRequest | null {
  if (!METHODS.has(request.method) || request.path.includes('#')) {
    return null;
  }
  if (!normalize) {
    return request;
  }
  const mark = request.path.indexOf('?');
  const [path, query] = mark < 0 ? [request.path, ''] : [request.path.slice(0, mark), request.path.slice(mark)];
  if (/%2f|%5c/i.test(path) || /%00|%(?![0-9a-f]{2})/i.test(path)) {
    return null;
  }
  return { ...request, path: `/${kept(path).join('/')}`.replace(/\/+/g, '/') + query };
}

/** The segments that are left: `.` goes, `..` takes the one before it away. */
function kept(path: string): string[] {
  const left: string[] = [];
  const segments = path.replaceAll('\\', '/').slice(1).split('/').map(decoded);
  for (const [i, segment] of segments.entries()) {
    if (segment === '..') {
      left.pop();
    }
    if (segment !== '.' && segment !== '..') {
      left.push(segment);
    } else if (i === segments.length - 1) {
      left.push('');
    }
  }
  return left;
}

/** Escapes of letters, digits and `-._~` are undone, others stay. */
function decoded(segment: string): string {
  return segment.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const sign = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[-\w.~]/.test(sign) ? sign : escape;
  });
}
