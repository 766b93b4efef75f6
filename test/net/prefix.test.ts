import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  familyBits,
  formatIp,
  formatPrefix,
  type IpPrefix,
  maskPrefix,
  parseIp,
  parsePrefix,
  prefixContains,
  removePrefixes,
} from '../../src/net/prefix.ts';

const address = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((bits) => ({ family: 4 as const, bits })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((bits) => ({ family: 6 as const, bits })),
);

describe('addresses', () => {
  it.each([
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '1::',
    'fd00::1:0:0:1',
    '2001:db8::1',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
    '1:0:3:4:5:6:7:8',
  ])('%s prints as it reads', (text) => {
    const parsed = parseIp(text);
    expect(parsed && formatIp(parsed)).toBe(text);
  });

  it.each([
    '',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.256',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::1.2.3',
    'g::',
    '1.2.3.4:',
    'fe80::1%eth0',
  ])('%j is none', (text) => {
    expect(parseIp(text)).toBeNull();
  });

  it('read back', () => {
    fc.assert(
      fc.property(address, (one) => {
        expect(parseIp(formatIp(one))).toEqual(one);
      }),
    );
  });
});

describe('prefixes', () => {
  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '::/129', '/8', '10.0.0.0/-1'])('%j is none', (text) => {
    expect(parsePrefix(text)).toBeNull();
  });

  it('keep host bits until masked', () => {
    const prefix = parsePrefix('10.1.2.3/8') as IpPrefix;
    expect(formatPrefix(prefix)).toBe('10.1.2.3/8');
    expect(formatPrefix(maskPrefix(prefix))).toBe('10.0.0.0/8');
  });

  it('without a part hold what they held before, except that part', () => {
    const part = fc.tuple(address, fc.nat(128), fc.nat(128), address).map(([base, a, b, probe]) => {
      const bits = familyBits(base.family);
      const [wide, narrow] = [Math.min(a, b) % (bits + 1), Math.max(a, b) % (bits + 1)].sort((x, y) => x - y) as [number, number];
      const same = probe.family === base.family ? probe : base;
      return { whole: { ...base, length: wide }, cut: { ...base, length: narrow }, probe: same };
    });
    fc.assert(
      fc.property(part, ({ whole, cut, probe }) => {
        const left = removePrefixes([whole], [cut]);
        expect(left.filter((prefix) => prefixContains(prefix, probe)).length).toBe(
          prefixContains(whole, probe) && !prefixContains(cut, probe) ? 1 : 0,
        );
        expect(left.length).toBe(cut.length - whole.length);
      }),
    );
  });
});
