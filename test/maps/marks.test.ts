import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ctTupleText, TUPLE_F_IN, TUPLE_F_RELATED, TUPLE_F_SERVICE } from '../../src/maps/ctmap.ts';
import {
  identityMark,
  MARK_MAGIC_HOST_MASK,
  MARK_MAGIC_PROXY_EGRESS,
  MARK_MAGIC_PROXY_INGRESS,
  MARK_MAGIC_TO_PROXY,
  markIdentity,
  swap16,
  toProxyMark,
} from '../../src/maps/marks.ts';
import { formatIpv4, parseIpv4 } from '../../src/net/ipv4.ts';

describe('marks', () => {
  test('the ones of the article', () => {
    expect(toProxyMark(19313)).toBe(0x714b0200);
    expect(identityMark(MARK_MAGIC_PROXY_INGRESS, 29439)).toBe(0x72ff0a00);
    expect(markIdentity(0x72ff0a00)).toBe(29439);
  });

  test('28: identity and magic come back for every identity of 24 bits', () => {
    fc.assert(
      fc.property(fc.nat(0xffffff), fc.constantFrom(MARK_MAGIC_PROXY_INGRESS, MARK_MAGIC_PROXY_EGRESS, 0xf00), (identity, magic) => {
        const mark = identityMark(magic, identity);
        expect(mark >>> 0).toBe(mark);
        expect(markIdentity(mark)).toBe(identity);
        expect(mark & MARK_MAGIC_HOST_MASK).toBe(magic);
      }),
    );
  });

  test('the proxy port is in network byte order, and swapping twice is nothing', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), (port) => {
        expect(swap16(swap16(port))).toBe(port);
        expect(toProxyMark(port) & 0xffff).toBe(MARK_MAGIC_TO_PROXY);
        expect(swap16(toProxyMark(port) >>> 16)).toBe(port);
      }),
    );
  });
});

describe('conntrack keys as text', () => {
  test('15: read back to the same tuple', () => {
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    const tuple = fc.record({
      daddr: u32,
      saddr: u32,
      dport: fc.nat(65535),
      sport: fc.nat(65535),
      nexthdr: fc.constantFrom(1, 6, 17),
      flags: fc.constantFrom(0, TUPLE_F_IN, TUPLE_F_RELATED, TUPLE_F_IN | TUPLE_F_RELATED, TUPLE_F_SERVICE),
    });
    fc.assert(
      fc.property(tuple, (key) => {
        const line = /^(ICMP|TCP|UDP) (IN|OUT) ([\d.]+):(\d+) -> ([\d.]+):(\d+) (related )?(service )?$/.exec(ctTupleText(key));
        expect(line).not.toBeNull();
        const [, protocol, direction, source, sport, destination, dport, related, service] = line ?? [];
        expect({
          daddr: parseIpv4(source ?? ''),
          saddr: parseIpv4(destination ?? ''),
          dport: Number(dport),
          sport: Number(sport),
          nexthdr: { ICMP: 1, TCP: 6, UDP: 17 }[protocol ?? ''],
          flags:
            (direction === 'IN' ? TUPLE_F_IN : 0) |
            (related === undefined ? 0 : TUPLE_F_RELATED) |
            (service === undefined ? 0 : TUPLE_F_SERVICE),
        }).toEqual(key);
        expect(formatIpv4(key.daddr)).toBe(source);
      }),
    );
  });
});
