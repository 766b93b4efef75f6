/**
 * Bytes and text. The engine runs where no encoder exists, so both directions are written out here.
 */

/** No bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Small arrays are cut from slabs: a buffer of its own costs more than filling it. */
const SLAB_BYTES = 8192;
let slab: Uint8Array = NO_BYTES;
let slabUsed = 0;

/** An array of zeros. */
export function newBytes(length: number): Uint8Array {
  if (length > SLAB_BYTES / 8) {
    return new Uint8Array(length);
  }
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

/** Texts read lately, by a hash of their bytes: protocols say the same words again and again. */
const LONGEST_WORD = 128;
const WORDS: string[] = new Array<string>(1024).fill('');

/** Bytes of a text whose characters are all below U+0100, one byte a character (ISO 8859-1, as HTTP fields are treated). */
export function latin1(text: string): Uint8Array {
  const bytes = newBytes(text.length);
  for (let i = 0; i < text.length; i++) {
    bytes[i] = text.charCodeAt(i);
  }
  return bytes;
}

/** The text with one character per byte. */
export function fromLatin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const length = end - start;
  if (length > LONGEST_WORD) {
    return characters(bytes, start, end);
  }
  let hash = length;
  for (let i = start; i < end; i++) {
    hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  }
  const slot = (hash ^ (hash >>> 10)) & (WORDS.length - 1);
  const word = WORDS[slot] as string;
  if (word.length === length && startsWith(bytes, start, word)) {
    return word;
  }
  const text = characters(bytes, start, end);
  WORDS[slot] = text;
  return text;
}

/** Whether the bytes from `start` on are those of the text; the text is no longer than what is left. */
function startsWith(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) {
      return false;
    }
  }
  return true;
}

function characters(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let i = start;
  if (end - start > 512) {
    for (; i < end; i += 4096) {
      text += String.fromCharCode.apply(null, bytes.subarray(i, Math.min(i + 4096, end)) as unknown as number[]);
    }
    return text;
  }
  // Eight characters a call: several times faster than spreading, for the short pieces protocols are made of.
  for (; i + 8 <= end; i += 8) {
    const a = bytes[i] as number;
    const b = bytes[i + 1] as number;
    const c = bytes[i + 2] as number;
    const d = bytes[i + 3] as number;
    text += String.fromCharCode(a, b, c, d, bytes[i + 4] as number, bytes[i + 5] as number, bytes[i + 6] as number, bytes[i + 7] as number);
  }
  for (; i < end; i++) {
    text += String.fromCharCode(bytes[i] as number);
  }
  return text;
}

/** UTF-8 bytes of a text; lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  if (isAscii(text)) {
    return latin1(text);
  }
  const out: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) {
      code = 0xfffd;
    }
    if (code < 0x80) {
      out.push(code);
    } else if (code < 0x800) {
      out.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    } else if (code < 0x1_0000) {
      out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    } else {
      out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return Uint8Array.from(out);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) {
      return false;
    }
  }
  return true;
}

/** The text of UTF-8 bytes; ill-formed sequences become U+FFFD, one for each byte that fits nowhere. */
export function fromUtf8(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte < 0x80)) {
    return fromLatin1(bytes);
  }
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number;
    const length =
      lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    let code = length === 1 ? lead : lead & (0xff >> (length + 1));
    let good = length > 0 && i + length <= bytes.length;
    for (let k = 1; good && k < length; k++) {
      const next = bytes[i + k] as number;
      good = (next & 0xc0) === 0x80;
      code = (code << 6) | (next & 0x3f);
    }
    good &&= !(length === 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)));
    good &&= !(length === 4 && (code < 0x1_0000 || code > 0x10_ffff));
    text += good ? String.fromCodePoint(code) : '\ufffd';
    i += good ? length : 1;
  }
  return text;
}

/** One array holding the given ones in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) {
    return parts[0] as Uint8Array;
  }
  let length = 0;
  for (const part of parts) {
    length += part.length;
  }
  const all = newBytes(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
