/**
 * What the HTTP connection manager changes in requests and responses that pass.
 * @see envoy:source/common/http/conn_manager_utility.cc#ConnectionManagerUtility
 */
import { parseIp } from '../../net/prefix.ts';
import type { HeaderMap } from './header_map.ts';
import { isUpgrade } from './header_utility.ts';
import { parseAbsoluteUrl } from './url.ts';

/** Control headers that only internal clients may send. @see envoy:source/common/http/conn_manager_utility.cc#ConnectionManagerUtility::cleanInternalHeaders */
const INTERNAL_HEADERS: ReadonlySet<string> = new Set([
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-hedge-on-per-try-timeout',
]);

/** Headers that end at this hop, and one that only the proxy itself sets. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(['x-envoy-internal', 'keep-alive', 'proxy-connection', 'transfer-encoding']);
const CONNECTION_HEADERS: ReadonlySet<string> = new Set(['connection', 'upgrade']);
const RESPONSE_HOP_BY_HOP: ReadonlySet<string> = new Set(['transfer-encoding', 'keep-alive', 'proxy-connection']);

/** What the caller adds to a request. */
export interface RequestMutation {
  readonly nextRequestId: () => string;
  readonly tls: boolean;
}

/**
 * Hop-by-hop removal, trust decisions and additions, in Envoy's order. Returns the address x-forwarded-for claims, or `null`.
 * @see envoy:source/common/http/conn_manager_utility.cc#ConnectionManagerUtility::mutateRequestHeaders
 */
export function mutateRequestHeaders(headers: HeaderMap, mutation: RequestMutation): string | null {
  if (isUpgrade(headers)) {
    if (!headers.has('transfer-encoding') && !headers.has('content-length')) {
      headers.set('content-length', '0');
    }
  } else {
    headers.removeAll(CONNECTION_HEADERS);
  }
  headers.removeAll(HOP_BY_HOP);
  const referers = headers.count('referer');
  if (referers > 1 || (referers === 1 && parseAbsoluteUrl(headers.get('referer') as string) === null)) {
    headers.remove('referer');
  }
  const forwarded = forwardedFor(headers.get('x-forwarded-for'));
  const scheme = mutation.tls ? 'https' : 'http';
  if (!headers.has('x-forwarded-proto')) {
    headers.set('x-forwarded-proto', scheme);
  }
  if (!headers.has(':scheme')) {
    const claimed = headers.get('x-forwarded-proto') as string;
    headers.set(':scheme', claimed === 'http' || claimed === 'https' ? claimed : scheme);
  }
  if (forwarded.single && forwarded.address !== null && isInternalAddress(forwarded.address)) {
    headers.set('x-envoy-internal', 'true');
  } else {
    headers.removeAll(INTERNAL_HEADERS);
  }
  if (!headers.has('x-request-id')) {
    headers.set('x-request-id', mutation.nextRequestId());
  }
  headers.remove('x-forwarded-client-cert');
  return forwarded.address;
}

/** Removes hop-by-hop headers of a response. @see envoy:source/common/http/conn_manager_utility.cc#ConnectionManagerUtility::mutateResponseHeaders */
export function mutateResponseHeaders(headers: HeaderMap): void {
  if (!isUpgrade(headers)) {
    headers.removeAll(CONNECTION_HEADERS);
  }
  headers.removeAll(RESPONSE_HOP_BY_HOP);
}

/** The last element, if it is an address. @see envoy:source/common/http/utility.cc#Utility::getLastAddressFromXFF */
function forwardedFor(value: string | null): { readonly address: string | null; readonly single: boolean } {
  if (value === null) {
    return { address: null, single: false };
  }
  const last = value.slice(value.lastIndexOf(',') + 1).replace(/^ +| +$/g, '');
  return { address: parseIp(last) === null ? null : last, single: !value.includes(',') };
}

/** RFC 1918, loopback, and the IPv6 likes. @see envoy:source/common/network/utility.cc#Utility::isInternalAddress */
function isInternalAddress(text: string): boolean {
  const address = parseIp(text);
  if (address === null) {
    return false;
  }
  if (address.family === 6) {
    return address.bits === 1n || address.bits >> 121n === 0x7en;
  }
  const value = Number(address.bits);
  const first = value >>> 24;
  return first === 10 || first === 127 || value >>> 20 === 0xac1 || value >>> 16 === 0xc0a8;
}
