/**
 * Certificates as names: whom they speak for and who says so. Keys and signatures are not looked at.
 *
 * A text is either PEM, of which subject, alternative names and issuer are read, or the model's own short form, one `key: value` a line:
 *
 * ```
 * names: artii.herokuapp.com, *.artii.herokuapp.com
 * issuer: internal CA
 * ```
 * @see https://www.rfc-editor.org/rfc/rfc5280
 * @remarks Not modelled: cryptography. A certificate is believed when its issuer's name is trusted; validity and usage do not count.
 */
import { decodeBase64 } from './base64.ts';
import { fromLatin1, fromUtf8 } from './bytes.ts';

/** What a certificate says. */
export interface Certificate {
  /** DNS names it is for, in small letters; a leading `*.` stands for one label. For an authority its own name. */
  readonly names: readonly string[];
  /** Common name of its issuer. */
  readonly issuer: string;
}

/** All certificates of a text, in order; none if it holds none. */
export function parseCertificates(text: string): Certificate[] {
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g)];
  if (blocks.length > 0) {
    return blocks.flatMap(([, body]) => {
      const der = decodeBase64(body ?? '');
      const certificate = der === null ? null : readDer(der);
      return certificate === null ? [] : [certificate];
    });
  }
  return text
    .split(/\n\s*\n/)
    .map(readShort)
    .filter((one) => one !== null);
}

/** The short form. */
export function certificateText({ names, issuer }: Certificate): string {
  return `names: ${names.join(', ')}\nissuer: ${issuer}\n`;
}

/** Names a bundle of authorities makes trusted. */
export function trustedNames(bundle: string): string[] {
  return parseCertificates(bundle).flatMap(({ names }) => names);
}

/** Whether a certificate speaks for a host. @see https://www.rfc-editor.org/rfc/rfc6125#section-6.4 */
export function speaksFor({ names }: Certificate, host: string): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  return names.some((name) => {
    const lower = name.toLowerCase();
    return lower === wanted || (lower.startsWith('*.') && wanted.includes('.') && lower.slice(1) === wanted.slice(wanted.indexOf('.')));
  });
}

function readShort(text: string): Certificate | null {
  const value = (key: string): string | null => new RegExp(`^\\s*${key}:\\s*(.*?)\\s*$`, 'm').exec(text)?.[1] ?? null;
  const names = value('names');
  return names === null ? null : { names: names.split(',').map((name) => name.trim()), issuer: value('issuer') ?? '' };
}

interface Node {
  readonly tag: number;
  readonly body: Uint8Array;
}

const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const OCTET_STRING = 4;
const DNS_NAME = 0x82;
const COMMON_NAME = '2.5.4.3';
const SUBJECT_ALT_NAME = '2.5.29.17';

/** @see https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
function readDer(der: Uint8Array): Certificate | null {
  const fields = children(children(der)[0]?.body)[0];
  const parts = children(fields?.body).filter(({ tag }) => tag !== VERSION);
  const [, , issuer, , subject] = parts;
  if (issuer?.tag !== SEQUENCE || subject?.tag !== SEQUENCE) {
    return null;
  }
  const alternatives = alternativeNames(parts.find(({ tag }) => tag === EXTENSIONS));
  return { names: alternatives.length > 0 ? alternatives : [commonName(subject)], issuer: commonName(issuer) };
}

function commonName(name: Node): string {
  for (const set of children(name.body)) {
    const [oid, value] = children(children(set.body)[0]?.body);
    if (oid !== undefined && value !== undefined && oidText(oid.body) === COMMON_NAME) {
      return fromUtf8(value.body);
    }
  }
  return '';
}

function alternativeNames(extensions: Node | undefined): string[] {
  for (const extension of children(children(extensions?.body)[0]?.body)) {
    const parts = children(extension.body);
    const value = parts.find(({ tag }) => tag === OCTET_STRING);
    if (parts[0] !== undefined && value !== undefined && oidText(parts[0].body) === SUBJECT_ALT_NAME) {
      const names = children(children(value.body)[0]?.body).filter(({ tag }) => tag === DNS_NAME);
      return names.map(({ body }) => fromLatin1(body).toLowerCase());
    }
  }
  return [];
}

/** The elements of a constructed value; what does not fit its length ends the list. @see https://www.itu.int/rec/T-REC-X.690 */
function children(bytes: Uint8Array | undefined): Node[] {
  const found: Node[] = [];
  const data = bytes ?? new Uint8Array(0);
  for (let at = 0; at + 2 <= data.length; ) {
    const tag = data[at] as number;
    let length = data[at + 1] as number;
    at += 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      length = 0;
      for (let i = 0; i < size; i++) {
        length = length * 256 + (data[at + i] ?? 0);
      }
      at += size;
    }
    if (at + length > data.length) {
      break;
    }
    found.push({ tag, body: data.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function oidText(bytes: Uint8Array): string {
  const parts = [Math.floor((bytes[0] ?? 0) / 40), (bytes[0] ?? 0) % 40];
  let value = 0;
  for (const byte of bytes.subarray(1)) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  return parts.join('.');
}
