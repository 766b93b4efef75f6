/**
 * Questions asked of request and response headers.
 * @see envoy:source/common/http/header_utility.cc#HeaderUtility
 * @see envoy:source/common/http/utility.cc#Utility
 */
import type { HeaderMap } from './header_map.ts';

/** HTTP versions as Envoy tells them apart: of the first everything that is not 1.1 is 1.0. */
export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

/** Whether a comma-separated header holds a token, case-insensitively. */
export function hasToken(value: string | null, token: string): boolean {
  return value !== null && value !== '' && value.split(',').some((part) => part.trim().toLowerCase() === token);
}

/** Whether the connection ends with this message. @see envoy:source/common/http/header_utility.cc#HeaderUtility::shouldCloseConnection */
export function shouldCloseConnection(protocol: Protocol, headers: HeaderMap): boolean {
  const connection = headers.get('connection');
  const proxyConnection = headers.get('proxy-connection');
  if (protocol === 'HTTP/1.0' && !hasToken(connection, 'keep-alive')) {
    return true;
  }
  return protocol === 'HTTP/1.1' && (hasToken(connection, 'close') || hasToken(proxyConnection, 'close'));
}

/** Whether the message asks for, or confirms, an upgrade. @see envoy:source/common/http/utility.cc#Utility::isUpgrade */
export function isUpgrade(headers: HeaderMap): boolean {
  return headers.has('upgrade') && hasToken(headers.get('connection'), 'upgrade');
}

/** Whether the content is gRPC. @see envoy:source/common/grpc/common.cc#Common::hasGrpcContentType */
export function hasGrpcContentType(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  return type !== null && /^application\/grpc(\+|$)/.test(type);
}

/** gRPC content with a path. @see envoy:source/common/grpc/common.cc#Common::isGrpcRequestHeaders */
export function isGrpcRequest(headers: HeaderMap): boolean {
  return headers.has(':path') && hasGrpcContentType(headers);
}

/** Characters nghttp2 accepts in an authority. @see envoy:source/common/http/header_utility.cc#HeaderUtility::authorityIsValid */
export function authorityIsValid(authority: string): boolean {
  return /^[!$%&'()*+,\-.0-9:;=@A-Z[\]_a-z~]*$/.test(authority);
}

/**
 * Removes the headers the Connection header nominates; `false`: the nomination is not acceptable.
 * @see envoy:source/common/http/utility.cc#Utility::sanitizeConnectionHeader
 */
export function sanitizeConnectionHeader(headers: HeaderMap): boolean {
  const value = headers.get('connection') ?? '';
  const tokens = value
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  if (tokens.length >= 10) {
    return false;
  }
  const left: string[] = [];
  for (const token of tokens) {
    const name = token.toLowerCase();
    if (name === 'close' || name === 'http2-settings' || name === 'keep-alive' || name === 'upgrade') {
      left.push(token);
    } else if (name.startsWith(':') || name === 'x-forwarded-for' || name === 'x-forwarded-host' || name === 'x-forwarded-proto') {
      return false;
    } else if (name === 'te') {
      const te = headers.get('te') ?? '';
      if (te.length >= 256) {
        return false;
      }
      if (hasToken(te, 'trailers')) {
        headers.set('te', 'trailers');
      } else {
        headers.remove('te');
      }
    } else if (name !== 'connection') {
      headers.remove(name);
    }
  }
  if (left.length === 0) {
    headers.remove('connection');
  } else if (left.length !== tokens.length) {
    headers.set('connection', left.join(','));
  }
  return true;
}
