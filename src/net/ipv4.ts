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
  const parts = text.split('.');
  if (parts.length !== 4) {
    return null;
  }
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) {
      return null;
    }
    const value = Number(part);
    if (value > 255) {
      return null;
    }
    address = address * 256 + value;
  }
  return address;
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
