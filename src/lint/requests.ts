/** Requests that an HTTP rule allows, and requests that it does not. */
import type { PortRuleHttp } from '../agent/policy/api/rule.ts';
import { proxyRegexMatches } from '../cluster/policy_facts.ts';

/** Method and path of a request. */
export interface RequestLine {
  readonly method: string;
  readonly path: string;
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];
/** A method the proxy's parser knows and nobody allows by name. */
const ODD: RequestLine = { method: 'PURGE', path: '/not/in/any/rule' };

/** A request that a rule allows, found by trying; `null` if none was found, or the rule asks for more than method and path. */
export function requestFor({ method, path, host, headers, headerMatches }: PortRuleHttp): RequestLine | null {
  if (host !== '' || headers.length + headerMatches.length > 0) {
    return null;
  }
  const goodMethod = method === '' ? 'GET' : METHODS.find((one) => proxyRegexMatches(method, one));
  const goodPath = path === '' ? '/' : pathsOf(path).find((one) => proxyRegexMatches(path, one));
  return goodMethod === undefined || goodPath === undefined ? null : { method: goodMethod, path: goodPath };
}

/** A request that none of some rules allows by method or path; `null` if one rule allows everything. */
export function oddRequest(rules: readonly PortRuleHttp[]): RequestLine | null {
  const allows = rules.some(
    ({ method, path }) => (method === '' || proxyRegexMatches(method, ODD.method)) && (path === '' || proxyRegexMatches(path, ODD.path)),
  );
  return allows ? null : ODD;
}

/** Paths an expression could mean: itself without its signs. */
function pathsOf(expression: string): string[] {
  const bare = expression
    .replace(/^\^|\$$/g, '')
    .replaceAll('\\', '')
    .replace(/\.[*+]/g, 'x')
    .replace(/\[[^\]]*\][*+]?/g, '1')
    .replace(/[()?]/g, '');
  return [bare, bare.split('|')[0] ?? bare, expression, '/', '/x'].filter((path) => path.startsWith('/') && /^[\x21-\x7e]+$/.test(path));
}
