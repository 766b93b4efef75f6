/**
 * Checksums of byte sequences.
 * @see https://pkg.go.dev/hash/crc32
 */

/** Reversed polynomials of IEEE 802.3 and of Castagnoli. */
const IEEE = 0xedb88320;
const CASTAGNOLI = 0x82f63b78;

/** Made when first asked for: most runs never need one. */
const tables = new Map<number, Uint32Array>();

/** The checksum with the polynomial of IEEE 802.3. */
export function crc32(bytes: Uint8Array): number {
  return checksum(bytes, table(IEEE));
}

/** The checksum with Castagnoli's polynomial. */
export function crc32c(bytes: Uint8Array): number {
  return checksum(bytes, table(CASTAGNOLI));
}

function checksum(bytes: Uint8Array, values: Uint32Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc = (crc >>> 8) ^ (values[(crc ^ byte) & 0xff] as number);
  }
  return ~crc >>> 0;
}

function table(polynomial: number): Uint32Array {
  let values = tables.get(polynomial);
  if (values === undefined) {
    values = Uint32Array.from({ length: 256 }, (_, index) => {
      let value = index;
      for (let bit = 0; bit < 8; bit++) {
        value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      }
      return value;
    });
    tables.set(polynomial, values);
  }
  return values;
}
