/** Base64. @see https://www.rfc-editor.org/rfc/rfc4648#section-4 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The bytes of a base64 text, blanks and line breaks skipped; `null` if it is none. */
export function decodeBase64(text: string): Uint8Array | null {
  const digits = text.replace(/[\s]/g, '');
  const match = /^([A-Za-z0-9+/]*)={0,2}$/.exec(digits);
  if (match === null || digits.length % 4 !== 0) {
    return null;
  }
  const body = match[1] as string;
  const bytes = new Uint8Array(Math.floor((body.length * 6) / 8));
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (const digit of body) {
    buffer = ((buffer << 6) | ALPHABET.indexOf(digit)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (buffer >>> bits) & 255;
    }
  }
  return bytes;
}

/** The base64 text of bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let k = 0; k < 4; k++) {
      text += i + k > bytes.length ? '=' : ALPHABET.charAt((group >>> (18 - 6 * k)) & 63);
    }
  }
  return text;
}
