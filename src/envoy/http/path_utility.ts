/**
 * Path normalisation before any policy sees the path.
 * @see envoy:source/common/http/path_utility.cc#PathUtil
 */

/** What `maybeNormalizePath` does with a request. */
export type NormalizeAction = { readonly action: 'continue' | 'redirect'; readonly path: string } | { readonly action: 'reject' };

/** The switches of the HTTP connection manager. */
export interface PathOptions {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_REDIRECT' | 'UNESCAPE_AND_FORWARD';
}

/** @see envoy:source/common/http/conn_manager_utility.cc#ConnectionManagerUtility::maybeNormalizePath */
export function maybeNormalizePath(path: string, options: PathOptions): NormalizeAction {
  if (path.includes('#')) {
    return { action: 'reject' };
  }
  let result = path;
  let action: 'continue' | 'redirect' = 'continue';
  if (options.escapedSlashes !== 'KEEP_UNCHANGED') {
    const unescaped = unescapeSlashes(result);
    if (unescaped.found) {
      if (options.escapedSlashes === 'REJECT_REQUEST') {
        return { action: 'reject' };
      }
      action = options.escapedSlashes === 'UNESCAPE_AND_REDIRECT' ? 'redirect' : 'continue';
    }
    result = unescaped.path;
  }
  if (options.normalizePath) {
    const canonical = canonicalPath(result);
    if (canonical === null) {
      return { action: 'reject' };
    }
    result = canonical;
  }
  return { action, path: options.mergeSlashes ? mergeSlashes(result) : result };
}

/** Decodes %2F and %5C in the path part. @see envoy:source/common/http/path_utility.cc#PathUtil::unescapeSlashes */
export function unescapeSlashes(path: string): { readonly path: string; readonly found: boolean } {
  const [own, query] = splitQuery(path);
  const unescaped = own.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
  return { path: unescaped + query, found: unescaped !== own };
}

/** Collapses runs of slashes in the path part. @see envoy:source/common/http/path_utility.cc#PathUtil::mergeSlashes */
export function mergeSlashes(path: string): string {
  const [own, query] = splitQuery(path);
  return own.includes('//') ? own.replace(/\/{2,}/g, '/') + query : path;
}

/**
 * Removes dot segments, turns backslashes into slashes and adds a leading slash; `null`: refused, for a NUL. A percent sign that begins no escape is
 * kept, so what stands behind it can become one: `%%32e` becomes `%2e`.
 * @see envoy:source/common/http/path_utility.cc#PathUtil::canonicalPath
 * @see https://quiche.googlesource.com/googleurl (url_canon_path.cc)
 */
export function canonicalPath(path: string): string | null {
  const [own, query] = splitQuery(path);
  if (PLAIN.test(own) && !own.includes('/.')) {
    return path;
  }
  if (/%00|\u0000/.test(own)) {
    return null;
  }
  const segments = own.replace(/\\/g, '/').replace(/^\//, '').split('/');
  const kept: string[] = [];
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') {
      kept.pop();
    }
    if (plain === '..' || plain === '.') {
      if (last) {
        kept.push('');
      }
      return;
    }
    kept.push(segment.replace(/%[0-9A-Fa-f]{2}|[\s\S]/g, canonicalCharacter));
  });
  return `/${kept.join('/')}${query}`;
}

/** Paths that canonicalisation leaves alone, apart from dot segments. */
const PLAIN = /^\/[A-Za-z0-9/._~!$&'()*+,;=:@-]*$/;

/** Escapes of unreserved characters are undone, other escapes and a lone percent sign stay, unsafe characters are escaped. */
function canonicalCharacter(part: string): string {
  if (part.length === 3) {
    const character = String.fromCharCode(Number.parseInt(part.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : part;
  }
  return /[A-Za-z0-9!$%&'()*+,\-.:;=@[\]_~]/.test(part) ? part : `%${part.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** The part before the first question mark, and the rest with it. */
function splitQuery(path: string): readonly [string, string] {
  const mark = path.indexOf('?');
  return mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark)];
}
