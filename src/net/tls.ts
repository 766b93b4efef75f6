/**
 * TLS as it looks on the wire, without cryptography: records and handshake messages have their real frames, a ClientHello is a real one, so that
 * whoever reads server names reads true bytes; certificates travel as text and application data as it is.
 * @see https://www.rfc-editor.org/rfc/rfc5246
 * @remarks Not modelled: cryptography, key exchange, session resumption, TLS 1.3's own flights; lengths differ from a real handshake's.
 */
import { concatBytes, fromUtf8, latin1, NO_BYTES, utf8 } from './bytes.ts';
import { type Certificate, certificateText, parseCertificates } from './certificate.ts';

/** Content types of records. */
export const TLS_CHANGE_CIPHER_SPEC = 20;
export const TLS_ALERT = 21;
export const TLS_HANDSHAKE = 22;
export const TLS_APPLICATION_DATA = 23;

/** Types of handshake messages. */
export const TLS_CLIENT_HELLO = 1;
export const TLS_SERVER_HELLO = 2;
export const TLS_CERTIFICATE = 11;
export const TLS_SERVER_HELLO_DONE = 14;
export const TLS_FINISHED = 20;

/** Alerts. */
export const ALERT_CLOSE_NOTIFY = 0;
export const ALERT_UNEXPECTED_MESSAGE = 10;
export const ALERT_BAD_CERTIFICATE = 42;
export const ALERT_UNKNOWN_CA = 48;

const EXT_SERVER_NAME = 0;
const EXT_SUPPORTED_GROUPS = 10;
const EXT_ALPN = 16;
const EXT_SUPPORTED_VERSIONS = 43;

/** Bytes of one record at most. */
const MAX_RECORD = 16384;

/** One record. */
export interface TlsRecord {
  readonly type: number;
  readonly body: Uint8Array;
}

/** Records with a body; a long body takes several. */
export function tlsRecords(type: number, body: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < body.length || at === 0; at += MAX_RECORD) {
    const piece = body.subarray(at, at + MAX_RECORD);
    parts.push(Uint8Array.of(type, 3, 3, piece.length >>> 8, piece.length & 255), piece);
  }
  return concatBytes(parts);
}

/** A handshake message. */
export function handshakeMessage(type: number, body: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(type, body.length >>> 16, (body.length >>> 8) & 255, body.length & 255), body]);
}

/** An alert record; all but the end of the conversation are fatal. */
export function alertRecord(description: number): Uint8Array {
  return tlsRecords(TLS_ALERT, Uint8Array.of(description === ALERT_CLOSE_NOTIFY ? 1 : 2, description));
}

/** A ClientHello record. `random` are its 32 bytes; an empty server name leaves the extension out. @see https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2 */
export function clientHello(serverName: string, random: Uint8Array): Uint8Array {
  const host = sized(concatBytes([Uint8Array.of(0), sized(latin1(serverName))]));
  const extensions = concatBytes([
    ...(serverName === '' ? [] : [extension(EXT_SERVER_NAME, host)]),
    extension(EXT_SUPPORTED_GROUPS, sized(Uint8Array.of(0, 29, 0, 23))),
    extension(EXT_ALPN, sized(concatBytes([Uint8Array.of(8), latin1('http/1.1')]))),
    extension(EXT_SUPPORTED_VERSIONS, Uint8Array.of(2, 3, 3)),
  ]);
  const suites = concatBytes([0xc02f, 0xc030].map(u16));
  const body = concatBytes([
    Uint8Array.of(3, 3),
    random.subarray(0, 32),
    Uint8Array.of(0),
    sized(suites),
    Uint8Array.of(1, 0),
    sized(extensions),
  ]);
  return tlsRecords(TLS_HANDSHAKE, handshakeMessage(TLS_CLIENT_HELLO, body));
}

/** The body of a Certificate message. */
export function certificateBody(certificate: Certificate): Uint8Array {
  const text = utf8(certificateText(certificate));
  return concatBytes([u24(text.length + 3), u24(text.length), text]);
}

/** The certificate in a Certificate message, or `null`. */
export function readCertificateBody(body: Uint8Array): Certificate | null {
  return parseCertificates(fromUtf8(body.subarray(6)))[0] ?? null;
}

/** Cuts a stream into records. */
export class TlsRecordReader {
  #rest: Uint8Array = NO_BYTES;

  /** Adds bytes; the records complete now, or `null` when the stream is no TLS. */
  push(bytes: Uint8Array): TlsRecord[] | null {
    let data = this.#rest.length === 0 ? bytes : concatBytes([this.#rest, bytes]);
    const records: TlsRecord[] = [];
    while (data.length >= 5) {
      const [type, major] = [data[0] as number, data[1] as number];
      const length = (data[3] as number) * 256 + (data[4] as number);
      if (type < TLS_CHANGE_CIPHER_SPEC || type > TLS_APPLICATION_DATA || major !== 3 || length > MAX_RECORD + 2048) {
        return null;
      }
      if (data.length < 5 + length) {
        break;
      }
      records.push({ type, body: data.slice(5, 5 + length) });
      data = data.subarray(5 + length);
    }
    this.#rest = data.slice();
    return records;
  }
}

/** The handshake messages of a record. */
export function handshakeMessages(body: Uint8Array): { readonly type: number; readonly body: Uint8Array }[] {
  const found: { type: number; body: Uint8Array }[] = [];
  for (let at = 0; at + 4 <= body.length; ) {
    const length = ((body[at + 1] as number) << 16) | ((body[at + 2] as number) << 8) | (body[at + 3] as number);
    found.push({ type: body[at] as number, body: body.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return found;
}

function extension(kind: number, body: Uint8Array): Uint8Array {
  return concatBytes([u16(kind), sized(body)]);
}

/** Bytes with their length, two bytes, in front. */
function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes([u16(bytes.length), bytes]);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 255);
}

function u24(value: number): Uint8Array {
  return Uint8Array.of(value >>> 16, (value >>> 8) & 255, value & 255);
}
