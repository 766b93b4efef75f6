/** Questions as people write them: `PUT /v1/exhaust-port`, `53/UDP`. */
import { nearest } from '../../net/nearest_word.ts';
import { ICMP_ECHO } from '../../net/protocol.ts';
import type { ExplainProtocol } from './explanation.ts';
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

const PROTOCOLS: readonly ExplainProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];

/** `N`, `N/TCP`, `N/UDP`, `N/SCTP`; `8/ICMP` or `ICMP` is an echo request. */
export function parsePort(text: string): Found<{ readonly port: number; readonly protocol: ExplainProtocol }> {
  const match = /^(\d{1,5})(?:\/([A-Za-z]+))?$/.exec(text.trim());
  const word = (match?.[2] ?? (/^icmp$/i.test(text.trim()) ? 'ICMP' : 'TCP')).toUpperCase();
  const protocol = PROTOCOLS.find((one) => one === word);
  if (protocol === undefined) {
    const meant = nearest(word, PROTOCOLS);
    return {
      ok: false,
      error: `a question can be asked for ${PROTOCOLS.join(', ')}, not for ${word}${meant === null ? '' : `; did you mean ${meant}?`}`,
    };
  }
  const port = Number(match?.[1] ?? (protocol === 'ICMP' ? ICMP_ECHO : 0));
  if (protocol === 'ICMP') {
    return port === ICMP_ECHO
      ? { ok: true, value: { port, protocol } }
      : { ok: false, error: `the only ICMP message a pod sends of itself is the echo request: write ${ICMP_ECHO}/ICMP` };
  }
  if (port < 1 || port > 65_535) {
    return { ok: false, error: `"${text}" is no port: write a number from 1 to 65535, for instance 53/UDP` };
  }
  return { ok: true, value: { port, protocol } };
}

/** `Name: value` */
export function isHeader(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*[:;]/.test(text);
}
