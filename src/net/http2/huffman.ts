/**
 * The Huffman code of HPACK. It is canonical, so the lengths of its codes say everything.
 * @see https://www.rfc-editor.org/rfc/rfc7541#appendix-B
 * @see nghttp2:lib/nghttp2_hd_huffman.c
 */

/** Length of each octet's code, and of EOS, as digits of base 36. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const EOS = 256;
const LONGEST = 30;

interface Code {
  /** By octet: bits of the code, right aligned, and how many. */
  readonly bits: Uint32Array;
  readonly lengths: Uint8Array;
  /** By length: the first code, its place in `order`, and how many codes there are. */
  readonly first: Uint32Array;
  readonly place: Uint16Array;
  readonly count: Uint16Array;
  /** Octets by code. */
  readonly order: Uint16Array;
}

let code: Code | null = null;

/** The tables, made when they are first needed. */
function table(): Code {
  code ??= makeTable();
  return code;
}

function makeTable(): Code {
  const lengths = Uint8Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));
  const order = Uint16Array.from(lengths.keys()).sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const bits = new Uint32Array(lengths.length);
  const first = new Uint32Array(LONGEST + 1);
  const place = new Uint16Array(LONGEST + 1);
  const count = new Uint16Array(LONGEST + 1);
  let next = 0;
  let length = 0;
  order.forEach((octet, index) => {
    const own = lengths[octet] as number;
    next = (next << (own - length)) >>> 0;
    if (count[own] === 0) {
      first[own] = next;
      place[own] = index;
    }
    length = own;
    count[own] = (count[own] as number) + 1;
    bits[octet] = next;
    next += 1;
  });
  return { bits, lengths, first, place, count, order };
}

/** Number of bytes a text takes; its characters are octets. */
export function huffmanLength(text: string): number {
  const { lengths } = table();
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    bits += lengths[text.charCodeAt(i)] as number;
  }
  return (bits + 7) >> 3;
}

/** Appends the code of a text, padded with ones. */
export function huffmanEncode(text: string, out: number[]): void {
  const { bits, lengths } = table();
  let pending = 0;
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    let left = lengths[octet] as number;
    const own = bits[octet] as number;
    while (left > 0) {
      const take = Math.min(left, 8 - held);
      left -= take;
      pending = (pending << take) | ((own >>> left) & ((1 << take) - 1));
      held += take;
      if (held === 8) {
        out.push(pending);
        pending = 0;
        held = 0;
      }
    }
  }
  if (held > 0) {
    out.push((pending << (8 - held)) | ((1 << (8 - held)) - 1));
  }
}

/** The text of a code, or `null`: an EOS inside, a padding of more than seven bits or not of ones. */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number): string | null {
  const { first, place, count, order } = table();
  let text = '';
  let value = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    for (let bit = 7; bit >= 0; bit--) {
      value = ((value << 1) | ((byte >> bit) & 1)) >>> 0;
      length += 1;
      const index = value - (first[length] as number);
      if (index >= 0 && index < (count[length] as number)) {
        const octet = order[(place[length] as number) + index] as number;
        if (octet === EOS) {
          return null;
        }
        text += String.fromCharCode(octet);
        value = 0;
        length = 0;
      } else if (length === LONGEST) {
        return null;
      }
    }
  }
  return length < 8 && value === (1 << length) - 1 ? text : null;
}
