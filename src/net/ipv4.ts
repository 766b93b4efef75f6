/**
 * IPv4 addresses as unsigned 32-bit numbers (10.0.0.1 is 0x0a000001) and CIDR prefixes.
 * Parsing is as strict as Go's: four decimal parts, no leading zeros.
 */

/** An IPv4 address. */
export type Ipv4 = number;

/** 0.0.0.0 */
export const IPV4_ANY: Ipv4 = 0;
/** 127.0.0.1 */
export const IPV4_LOOPBACK: Ipv4 = 0x7f000001;

/** The address of a dotted-quad text, or `null`. @see https://pkg.go.dev/net/netip#ParseAddr */
export function parseIpv4(text: string): Ipv4 | null {
  let address = 0;
  let at = 0;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== 0x2e) {
      return null;
    }
    const start = at;
    let value = 0;
    for (let digit = text.charCodeAt(at) - 0x30; digit >= 0 && digit <= 9 && at - start < 3; digit = text.charCodeAt(at) - 0x30) {
      value = value * 10 + digit;
      at += 1;
    }
    if (at === start || value > 255 || (at - start > 1 && text.charCodeAt(start) === 0x30)) {
      return null;
    }
    address = address * 256 + value;
  }
  return at === text.length ? address : null;
}

/** The address that lies in a word of typed memory, where numbers have a sign. */
export function asIpv4(word: number | undefined): Ipv4 {
  return (word as number) >>> 0;
}

/** The dotted-quad text of an address. */
export function formatIpv4(address: Ipv4): string {
  return `${(address >>> 24) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** An IPv4 prefix; host bits are zero. */
export interface Cidr4 {
  readonly address: Ipv4;
  /** Prefix length, 0 to 32. */
  readonly length: number;
}

/** The netmask of a prefix length as an unsigned number. */
export function netmask4(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** The prefix of a text like 10.0.0.0/24, host bits cleared, or `null`. */
export function parseCidr4(text: string): Cidr4 | null {
  const slash = text.indexOf('/');
  if (slash < 0) {
    return null;
  }
  const address = parseIpv4(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === null || !/^(0|[1-9][0-9]?)$/.test(digits) || Number(digits) > 32) {
    return null;
  }
  const length = Number(digits);
  return { address: (address & netmask4(length)) >>> 0, length };
}

/** The text of a prefix. */
export function formatCidr4(cidr: Cidr4): string {
  return `${formatIpv4(cidr.address)}/${cidr.length}`;
}

/** Whether the prefix holds the address. */
export function containsIpv4(cidr: Cidr4, address: Ipv4): boolean {
  return (address & netmask4(cidr.length)) >>> 0 === cidr.address;
}
