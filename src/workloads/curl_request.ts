/**
 * The request as curl writes it.
 * @see curl:lib/http.c#Curl_http
 */
import { utf8 } from '../net/bytes.ts';
import type { CurlOptions, CurlUrl } from './curl_options.ts';

/** The settings of 7.58 as `--http2` sends them in a request of HTTP/1.1. @see curl:lib/http2.c#Curl_http2_request_upgrade */
const HTTP2_SETTINGS = 'AAMAAABkAARAAAAAAAIAAAAA';

/** A request's method and its headers, in order. */
export interface CurlRequest {
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What the options ask for. */
export function curlRequest(options: CurlOptions, url: CurlUrl, version: string): CurlRequest {
  const method = options.method ?? (options.head ? 'HEAD' : options.data === null ? 'GET' : 'POST');
  const own: [string, string][] = [
    ['Host', url.explicitPort && url.port !== (url.scheme === 'https' ? 443 : 80) ? `${url.host}:${url.port}` : url.host],
    ['User-Agent', options.userAgent ?? `curl/${version}`],
    ['Accept', '*/*'],
  ];
  const extra: [string, string][] = [];
  for (const text of options.headers) {
    const colon = text.search(/[:;]/);
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).trim();
    const empty = value === '' && text[colon] !== ';';
    const index = own.findIndex(([key]) => key.toLowerCase() === name.toLowerCase());
    if (index >= 0) {
      if (empty) {
        own.splice(index, 1);
      } else {
        own[index] = [own[index]?.[0] as string, value];
      }
    } else if (!empty) {
      extra.push([name, value]);
    }
  }
  if (options.data !== null) {
    extra.push(['Content-Length', String(utf8(options.data).length)]);
    if (!extra.some(([key]) => key.toLowerCase() === 'content-type')) {
      extra.push(['Content-Type', 'application/x-www-form-urlencoded']);
    }
  }
  const upgrade: readonly (readonly [string, string])[] =
    options.http2 === 'upgrade' && url.scheme === 'http'
      ? [
          ['Connection', 'Upgrade, HTTP2-Settings'],
          ['Upgrade', 'h2c'],
          ['HTTP2-Settings', HTTP2_SETTINGS],
        ]
      : [];
  return { method, headers: [...own, ...upgrade, ...extra] };
}

/** Start line and headers as text, as `-v` shows them and HTTP/1 sends them. */
export function requestHead(options: CurlOptions, url: CurlUrl, version: string, protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'): string {
  const { method, headers } = curlRequest(options, url, version);
  const lines = headers.map(([key, value]) => `${key}: ${value}\r\n`).join('');
  return `${method} ${url.target} ${protocol}\r\n${lines}\r\n`;
}
