/**
 * The listener filter that looks at the first bytes for a TLS hello.
 * @see envoy:source/extensions/filters/listener/tls_inspector/tls_inspector.cc#Filter
 */
import { fromLatin1 } from '../../net/bytes.ts';

/** What the first bytes are; `more`: too few to tell. */
export type Inspection = { readonly kind: 'more' } | { readonly kind: 'plain' } | { readonly kind: 'tls'; readonly sni: string };

/** A record header must be complete before anything is decided. */
const RECORD_HEADER = 5;
const MAX_HELLO = 64 * 1024;

/** Inspects the bytes received so far. */
export function inspectTls(bytes: Uint8Array): Inspection {
  if (bytes.length < RECORD_HEADER) {
    return { kind: 'more' };
  }
  if (bytes[0] !== 0x16 || bytes[1] !== 3) {
    return { kind: 'plain' };
  }
  const length = u16(bytes, 3);
  if (bytes.length < RECORD_HEADER + length && bytes.length < MAX_HELLO) {
    return { kind: 'more' };
  }
  return bytes[RECORD_HEADER] === 1
    ? { kind: 'tls', sni: serverName(bytes.subarray(RECORD_HEADER, RECORD_HEADER + length)) }
    : { kind: 'plain' };
}

/** The server_name extension of a ClientHello, or empty. @see https://www.rfc-editor.org/rfc/rfc6066#section-3 */
function serverName(hello: Uint8Array): string {
  let at = 4 + 2 + 32;
  at += 1 + (hello[at] ?? 0);
  at += 2 + u16(hello, at);
  at += 1 + (hello[at] ?? 0);
  const end = Math.min(hello.length, at + 2 + u16(hello, at));
  at += 2;
  while (at + 4 <= end) {
    const size = u16(hello, at + 2);
    if (u16(hello, at) === 0 && hello[at + 6] === 0) {
      return fromLatin1(hello, at + 9, Math.min(at + 9 + u16(hello, at + 7), hello.length)).toLowerCase();
    }
    at += 4 + size;
  }
  return '';
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
