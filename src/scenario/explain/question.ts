/** Questions as people write them: `PUT /v1/exhaust-port`, `53/UDP`. */
import type { Found } from './place.ts';

/** `METHOD /path`; a path alone is a GET. */
export function parseHttp(text: string): Found<{ readonly method: string; readonly path: string }> {
  const words = text.trim().split(/\s+/);
  const [first = '', second] = words;
  const [method, path] = second === undefined && first.startsWith('/') ? ['GET', first] : [first, second ?? ''];
  if (words.length > 2 || !/^[A-Za-z][A-Za-z-]*$/.test(method) || !path.startsWith('/')) {
    return { ok: false, error: `"${text}" is no request: write a method and a path, for instance "PUT /v1/exhaust-port"` };
  }
  return { ok: true, value: { method: method.toUpperCase(), path } };
}

/** `N`, `N/TCP` or `N/UDP`. */
export function parsePort(text: string): Found<{ readonly port: number; readonly protocol: 'TCP' | 'UDP' }> {
  const match = /^(\d{1,5})(?:\/([A-Za-z]+))?$/.exec(text.trim());
  const port = Number(match?.[1] ?? 0);
  const protocol = (match?.[2] ?? 'TCP').toUpperCase();
  if (port < 1 || port > 65_535) {
    return { ok: false, error: `"${text}" is no port: write a number from 1 to 65535, for instance 53/UDP` };
  }
  if (protocol !== 'TCP' && protocol !== 'UDP') {
    return { ok: false, error: `a question can be asked for TCP and UDP, not for ${protocol}` };
  }
  return { ok: true, value: { port, protocol } };
}

/** `Name: value` */
export function isHeader(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*[:;]/.test(text);
}
