/**
 * TLS records and the ClientHello, as far as anybody on the way reads them.
 * @see https://www.rfc-editor.org/rfc/rfc8446#section-5.1
 */
import { concatBytes, latin1, NO_BYTES } from './bytes.ts';

/** Content types of records. */
export const TLS_CHANGE_CIPHER_SPEC = 20;
export const TLS_ALERT = 21;
export const TLS_HANDSHAKE = 22;
export const TLS_APPLICATION_DATA = 23;

const HEADER = 5;
const MAX_FRAGMENT = 16_384;
const VERSION_1_2 = [3, 3] as const;

/** One record. */
export interface TlsRecord {
  readonly type: number;
  readonly fragment: Uint8Array;
}

/** A record's bytes. */
export function encodeRecord(type: number, fragment: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.from([type, ...VERSION_1_2, fragment.length >>> 8, fragment.length & 255]), fragment]);
}

/** The whole records at the start of the bytes, and what is left; `null` when the bytes are not TLS. */
export function takeRecords(bytes: Uint8Array): { readonly records: readonly TlsRecord[]; readonly rest: Uint8Array } | null {
  const records: TlsRecord[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER) {
    const type = bytes[at] as number;
    const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    if (type < TLS_CHANGE_CIPHER_SPEC || type > TLS_APPLICATION_DATA || bytes[at + 1] !== 3 || length > MAX_FRAGMENT + 256) {
      return null;
    }
    if (bytes.length - at < HEADER + length) {
      break;
    }
    records.push({ type, fragment: bytes.subarray(at + HEADER, at + HEADER + length) });
    at += HEADER + length;
  }
  return { records, rest: at === 0 ? bytes : bytes.slice(at) };
}

/** Pieces no longer than a record may carry. */
export function fragments(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += MAX_FRAGMENT) {
    pieces.push(bytes.subarray(at, at + MAX_FRAGMENT));
  }
  return pieces;
}

/** A ClientHello message; an address as server name gives no extension. @see https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2 */
export function clientHello(random: Uint8Array, serverName: string): Uint8Array {
  const name = /^[\d.]+$/.test(serverName) ? NO_BYTES : latin1(serverName);
  const sni = name.length === 0 ? NO_BYTES : sized16(0, sized16Plain(concatBytes([Uint8Array.from([0]), sized16Plain(name)])));
  const groups = sized16(10, sized16Plain(Uint8Array.from([0, 29, 0, 23])));
  const versions = sized16(43, Uint8Array.from([4, 3, 4, 3, 3]));
  const alpn = sized16(16, sized16Plain(concatBytes([Uint8Array.from([8]), latin1('http/1.1')])));
  const keyShare = sized16(51, sized16Plain(concatBytes([Uint8Array.from([0, 29]), sized16Plain(random)])));
  const body = concatBytes([
    Uint8Array.from(VERSION_1_2),
    random,
    Uint8Array.from([0]),
    sized16Plain(Uint8Array.from([0x13, 1, 0x13, 2, 0x13, 3])),
    Uint8Array.from([1, 0]),
    sized16Plain(concatBytes([sni, groups, alpn, versions, keyShare])),
  ]);
  return concatBytes([Uint8Array.from([1, 0, body.length >>> 8, body.length & 255]), body]);
}

function sized16Plain(bytes: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.from([bytes.length >>> 8, bytes.length & 255]), bytes]);
}

/** An extension. */
function sized16(kind: number, bytes: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.from([kind >>> 8, kind & 255]), sized16Plain(bytes)]);
}
