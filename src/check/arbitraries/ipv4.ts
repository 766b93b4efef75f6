/** IPv4 addresses and prefixes. They come from few, nested networks, so that what is generated meets. */
import fc from 'fast-check';
import { formatIpv4, parseCidr4 } from '../../net/ipv4.ts';

/** Nested, neighbouring and special prefixes; the first is the simplest. */
export const INTERESTING_CIDRS: readonly string[] = [
  '10.1.0.0/16',
  '10.0.0.0/8',
  '10.1.2.0/24',
  '10.1.2.3/32',
  '10.1.2.2/31',
  '10.2.0.0/16',
  '192.168.0.0/16',
  '0.0.0.0/0',
];

/** Any address as dotted quad; shrinks towards 0.0.0.0. */
export function ipv4(): fc.Arbitrary<string> {
  return fc.oneof({ weight: 3, arbitrary: addressNear(INTERESTING_CIDRS) }, { weight: 1, arbitrary: fc.nat(0xffffffff).map(formatIpv4) });
}

/** A prefix without host bits: mostly one of {@link INTERESTING_CIDRS}; shrinks towards the first of them. */
export function cidr(): fc.Arbitrary<string> {
  const any = fc.tuple(fc.nat(0xffffffff), fc.integer({ min: 1, max: 32 })).map(([address, length]) => {
    const mask = length === 32 ? 0xffffffff : ~(0xffffffff >>> length) >>> 0;
    return `${formatIpv4((address & mask) >>> 0)}/${length}`;
  });
  return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...INTERESTING_CIDRS) }, { weight: 1, arbitrary: any });
}

/** A prefix with exceptions inside it, as `fromCIDRSet` takes it. */
export function cidrSet(): fc.Arbitrary<{ cidr: string; except?: string[] }> {
  return fc.oneof(
    cidr().map((one) => ({ cidr: one })),
    fc.constantFrom<{ cidr: string; except: string[] }>(
      { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
      { cidr: '10.1.0.0/16', except: ['10.1.2.0/24'] },
      { cidr: '10.1.2.0/30', except: ['10.1.2.3/32', '10.1.2.0/32'] },
      { cidr: '0.0.0.0/0', except: ['128.0.0.0/1'] },
    ),
  );
}

/** An address at an edge of one of some prefixes: the first, the last, the one before, the one after. */
export function addressNear(cidrs: readonly string[]): fc.Arbitrary<string> {
  const edges = edgesOf(cidrs);
  return edges.length === 0 ? fc.nat(0xffffffff).map(formatIpv4) : fc.constantFrom(...edges);
}

/** The addresses that {@link addressNear} chooses from. */
export function edgesOf(cidrs: readonly string[]): string[] {
  const edges = cidrs.flatMap((text) => {
    const prefix = parseCidr4(text);
    if (prefix === null) {
      return [];
    }
    const size = 2 ** (32 - prefix.length);
    return [prefix.address, prefix.address + size - 1, prefix.address - 1, prefix.address + size];
  });
  return [...new Set(edges)].filter((edge) => edge >= 0 && edge <= 0xffffffff).map(formatIpv4);
}
