/**
 * IP addresses and prefixes of both families, as Go's `net/netip` and `net` treat them. Used where policies name addresses; the packet path
 * uses the numbers of ipv4.ts. An address is its family and its bits as a bigint.
 */

/** Address family: 4 or 6. */
export type Family = 4 | 6;

/** An address of either family. IPv4-mapped IPv6 addresses stay IPv6. */
export interface IpAddress {
  readonly family: Family;
  readonly bits: bigint;
}

/** A prefix. Host bits may be set; see {@link maskPrefix}. */
export interface IpPrefix extends IpAddress {
  /** Prefix length, 0 to 32 or 128. */
  readonly length: number;
}

/** Number of bits of a family's addresses. */
export function familyBits(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** The address of a text, or `null`. No leading zeros, no zone. @see https://pkg.go.dev/net/netip#ParseAddr */
export function parseIp(text: string): IpAddress | null {
  if (text.includes(':')) {
    const bits = parse6(text);
    return bits === null ? null : { family: 6, bits };
  }
  const bits = parse4(text);
  return bits === null ? null : { family: 4, bits };
}

/** The prefix of a text like fd00::/8, host bits kept, or `null`. @see https://pkg.go.dev/net/netip#ParsePrefix */
export function parsePrefix(text: string): IpPrefix | null {
  const slash = text.lastIndexOf('/');
  if (slash < 0) {
    return null;
  }
  const address = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === null || !/^(0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > familyBits(address.family)) {
    return null;
  }
  return { ...address, length: Number(digits) };
}

/** The same prefix with its host bits cleared. */
export function maskPrefix(prefix: IpPrefix): IpPrefix {
  const host = BigInt(familyBits(prefix.family) - prefix.length);
  return { family: prefix.family, bits: (prefix.bits >> host) << host, length: prefix.length };
}

/** The prefix of full length that holds one address. */
export function hostPrefix(address: IpAddress): IpPrefix {
  return { family: address.family, bits: address.bits, length: familyBits(address.family) };
}

/** Whether the prefix holds the address; never across families. */
export function prefixContains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.family !== address.family) {
    return false;
  }
  const host = BigInt(familyBits(prefix.family) - prefix.length);
  return prefix.bits >> host === address.bits >> host;
}

/** The text of an address; IPv6 with the longest run of zeros shortened. @see https://www.rfc-editor.org/rfc/rfc5952 */
export function formatIp(address: IpAddress): string {
  return address.family === 4 ? format4(address.bits) : format6(address.bits);
}

/** The text of a prefix. */
export function formatPrefix(prefix: IpPrefix): string {
  return `${formatIp(prefix)}/${prefix.length}`;
}

/**
 * The allowed prefixes without the removed ones, which must be parts of them: each removed prefix splits the one that holds it.
 * @see cilium:pkg/ip/ip.go#RemoveCIDRs
 */
export function removePrefixes(allowed: readonly IpPrefix[], removed: readonly IpPrefix[]): IpPrefix[] {
  const cuts = dropContained([...removed].map(maskPrefix).sort(byMask));
  let left = dropContained(allowed.map(maskPrefix));
  for (const cut of cuts) {
    const kept: IpPrefix[] = [];
    const pieces: IpPrefix[] = [];
    for (const prefix of left) {
      if (prefixContains(prefix, cut) && cut.length >= prefix.length) {
        pieces.push(...split(prefix, cut));
      } else if (!prefixContains(cut, prefix)) {
        kept.push(prefix);
      }
    }
    left = [...kept, ...pieces];
  }
  return left;
}

function byMask(a: IpPrefix, b: IpPrefix): number {
  return a.length - b.length || (a.bits < b.bits ? -1 : a.bits > b.bits ? 1 : 0);
}

function dropContained(prefixes: readonly IpPrefix[]): IpPrefix[] {
  const redundant = new Set<number>();
  prefixes.forEach((outer, j) => {
    if (redundant.has(j)) {
      return;
    }
    prefixes.forEach((inner, i) => {
      if (i !== j && !redundant.has(i) && prefixContains(outer, inner)) {
        redundant.add(i);
      }
    });
  });
  return prefixes.filter((_, i) => !redundant.has(i));
}

/** The siblings along the way from `prefix` down to `cut`, widest first. @see cilium:pkg/ip/ip.go#excludeContainedCIDR */
function split(prefix: IpPrefix, cut: IpPrefix): IpPrefix[] {
  const total = familyBits(prefix.family);
  const pieces: IpPrefix[] = [];
  for (let length = prefix.length + 1; length <= cut.length; length++) {
    const bit = 1n << BigInt(total - length);
    pieces.push(maskPrefix({ family: prefix.family, bits: cut.bits ^ bit, length }));
  }
  return pieces;
}

function parse4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) {
    return null;
  }
  let bits = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) {
      return null;
    }
    bits = bits * 256n + BigInt(part);
  }
  return bits;
}

function parse6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) {
    return null;
  }
  const head = groups6(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups6(halves[1] as string, true) : [];
  if (head === null || tail === null) {
    return null;
  }
  const count = head.length + tail.length;
  if (halves.length === 1 ? count !== 8 : count > 7) {
    return null;
  }
  const all = [...head, ...new Array<number>(8 - count).fill(0), ...tail];
  return all.reduce((bits, group) => bits * 65536n + BigInt(group), 0n);
}

/** The 16-bit groups of one side of `::`; the last may be written as an IPv4 address. */
function groups6(text: string, last: boolean): number[] | null {
  if (text === '') {
    return [];
  }
  const groups: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (part.includes('.')) {
      const low = last && i === parts.length - 1 ? parse4(part) : null;
      if (low === null) {
        return null;
      }
      groups.push(Number(low >> 16n), Number(low & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return groups;
}

function format4(bits: bigint): string {
  const n = Number(bits);
  return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

function format6(bits: bigint): string {
  if (bits >> 32n === 0xffffn) {
    return `::ffff:${format4(bits & 0xffffffffn)}`;
  }
  const groups: number[] = [];
  for (let i = 7n; i >= 0n; i--) {
    groups.push(Number((bits >> (i * 16n)) & 0xffffn));
  }
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) {
      end++;
    }
    if (end - i > best.length) {
      best = { start: i, length: end - i };
    }
  }
  const hex = (list: readonly number[]): string => list.map((group) => group.toString(16)).join(':');
  if (best.start < 0) {
    return hex(groups);
  }
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}
