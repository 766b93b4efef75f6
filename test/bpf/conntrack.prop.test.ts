/** The invariants of connection tracking, over random packets of a few connections. Numbers are those of the list they come from. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../src/agent/ctmap/gc.ts';
import {
  CT_EGRESS,
  CT_ESTABLISHED,
  CT_INGRESS,
  CT_NEW,
  CT_REOPENED,
  CT_REPLY,
  type CtDir,
  ctCreate4,
  ctLookup4,
  ipv4CtTupleReverse,
} from '../../src/bpf/lib/conntrack.ts';
import { CtState } from '../../src/bpf/lib/ct_state.ts';
import { CT_PROXY_REDIRECT, CT_RX_CLOSING, CT_SEEN_NON_SYN, CT_TX_CLOSING, type CtEntry, type Ipv4CtTuple } from '../../src/maps/ctmap.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../src/net/protocol.ts';
import { tcp, testEnv, udp } from './support.ts';

const BOTH = CT_RX_CLOSING | CT_TX_CLOSING;
const POD = 0x0a000001;
const PEER = 0x0a000002;

interface Seen {
  readonly packet: Step;
  readonly status: number;
  /** The entry before and after the packet; `before` is `null` for a new one. */
  readonly before: CtEntry | null;
  readonly after: CtEntry;
  readonly now: number;
  readonly length: number;
}

interface Step {
  readonly port: number;
  readonly udp: boolean;
  /** Out of the pod, or into it. */
  readonly out: boolean;
  readonly flags: number;
  readonly payload: number;
  readonly wait: number;
  readonly redirect: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  port: fc.integer({ min: 1, max: 3 }),
  udp: fc.boolean(),
  out: fc.boolean(),
  flags: fc.constantFrom(TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK),
  payload: fc.nat(100),
  wait: fc.constantFrom(0, 0, 0, 1, 4, 6, 70),
  redirect: fc.boolean(),
});

/** Lets the pod's two programs track packets; what each did, by connection. */
function run(steps: readonly Step[]): { readonly seen: Seen[][]; readonly t: ReturnType<typeof testEnv> } {
  const t = testEnv();
  const { env } = t;
  const seen = new Map<CtEntry, Seen[]>();
  for (const packet of steps) {
    t.advance(packet.wait);
    const pod = { address: POD, port: 1000 + packet.port };
    const peer = { address: PEER, port: 80 };
    const [from, to] = packet.out ? [pod, peer] : [peer, pod];
    const skb = packet.udp ? udp(from, to, packet.payload) : tcp(from, to, packet.flags, packet.payload);
    const map = packet.udp ? env.maps.ctAny4 : env.maps.ct4;
    const dir: CtDir = packet.out ? CT_EGRESS : CT_INGRESS;
    const copies = new Map([...map.entries()].map(([, entry]) => [entry, { ...entry }]));
    const { tuple } = env.scratch;
    const status = ctLookup4(env, map, tuple, skb, dir, new CtState());
    if (status === CT_NEW) {
      const state = new CtState();
      state.srcSecId = 1000 + packet.port;
      state.revNatIndex = packet.port;
      expect(ctCreate4(env, map, env.maps.ctAny4, tuple, skb, dir, state, packet.redirect, false)).toBe(0);
    }
    const entry = map.lookup(tuple);
    if (entry === undefined) {
      throw new Error('the tuple is not the key of the entry');
    }
    const log = seen.get(entry) ?? [];
    log.push({
      packet,
      status,
      before: copies.get(entry) ?? null,
      after: { ...entry },
      now: env.clock.seconds(),
      length: skb.packet.length,
    });
    seen.set(entry, log);
  }
  return { seen: [...seen.values()], t };
}

const each = (check: (log: readonly Seen[]) => void): void => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => run(steps).seen.forEach(check)));
};

describe('conntrack invariants', () => {
  test('2, 3: a look-up changes neither proxy redirect nor identity nor reverse NAT index', () => {
    each((log) => {
      for (const { before, after } of log) {
        expect(after.flags & CT_PROXY_REDIRECT).toBe((before ?? after).flags & CT_PROXY_REDIRECT);
        expect([after.srcSecId, after.revNatIndex]).toEqual([(before ?? after).srcSecId, (before ?? after).revNatIndex]);
      }
      const first = log[0];
      expect(((first?.after.flags ?? 0) & CT_PROXY_REDIRECT) !== 0).toBe(first?.packet.redirect);
    });
  });

  test('4, 5: packets and bytes are those of the packets that hit, once each', () => {
    each((log) => {
      const last = log.at(-1)?.after;
      const out = log.filter(({ packet }) => packet.out);
      const into = log.filter(({ packet }) => !packet.out);
      const bytes = (part: readonly Seen[]): number => part.reduce((sum, { length }) => sum + length, 0);
      expect([last?.txPackets, last?.rxPackets]).toEqual([out.length, into.length]);
      expect([last?.txBytes, last?.rxBytes]).toEqual([bytes(out), bytes(into)]);
    });
  });

  test('6: flags seen only grow, and the creating direction has the SYN', () => {
    each((log) => {
      for (const { before, after } of log) {
        expect((before?.txFlagsSeen ?? 0) & ~after.txFlagsSeen).toBe(0);
        expect((before?.rxFlagsSeen ?? 0) & ~after.rxFlagsSeen).toBe(0);
      }
      const first = log[0];
      if (first !== undefined && !first.packet.udp) {
        expect((first.packet.out ? first.after.txFlagsSeen : first.after.rxFlagsSeen) & TCP_SYN).toBe(TCP_SYN);
      }
    });
  });

  test('7, 8: reports are not of the future, and a live entry lasts 60 or 21600 seconds from its last packet, a closed one 10', () => {
    each((log) => {
      for (const { before, after, now, packet } of log) {
        expect(Math.max(after.lastRxReport, after.lastTxReport)).toBeLessThanOrEqual(now);
        const wasClosed = before !== null && (before.flags & BOTH) === BOTH;
        const isClosed = (after.flags & BOTH) === BOTH;
        if (!isClosed) {
          const lifetime = packet.udp || (after.flags & CT_SEEN_NON_SYN) === 0 ? 60 : 21600;
          expect(after.lifetime - now).toBe(lifetime);
        } else if (!wasClosed) {
          expect(after.lifetime - now).toBe(10);
        }
      }
    });
  });

  test('9: an entry that has seen no other than SYNs was hit by no other', () => {
    each((log) => {
      for (const [i, { after, packet }] of log.entries()) {
        if (!packet.udp && (after.flags & CT_SEEN_NON_SYN) === 0) {
          const hits = log.slice(1, i + 1).filter(({ before }) => before !== null && (before.flags & BOTH) !== BOTH);
          expect(hits.every((hit) => (hit.packet.flags & TCP_SYN) !== 0)).toBe(true);
        }
      }
    });
  });

  test('the other way round of 9: an entry that was hit by another than a SYN while it lived has seen it', () => {
    each((log) => {
      for (const { before, after, packet } of log) {
        const lived = before !== null && (before.flags & BOTH) !== BOTH;
        if (lived && !packet.udp && (packet.flags & TCP_SYN) === 0) {
          expect(after.flags & CT_SEEN_NON_SYN).toBe(CT_SEEN_NON_SYN);
        }
      }
    });
  });

  test('10: a closed entry still counts, and changes in nothing else', () => {
    each((log) => {
      for (const { before, after, packet } of log) {
        // Another FIN or RST starts the ten seconds anew.
        const quiet = packet.udp || (packet.flags & (TCP_SYN | TCP_FIN | TCP_RST)) === 0;
        if (before !== null && (before.flags & BOTH) === BOTH && quiet) {
          const { txPackets, txBytes, rxPackets, rxBytes, ...rest } = after;
          expect(rest).toEqual({ ...before, txPackets: undefined, txBytes: undefined, rxPackets: undefined, rxBytes: undefined });
          expect(txPackets + rxPackets).toBe(before.txPackets + before.rxPackets + 1);
          expect(txBytes + rxBytes).toBeGreaterThan(before.txBytes + before.rxBytes);
        }
      }
    });
  });

  test('11: what is reopened is not closing', () => {
    each((log) => {
      for (const { status, after, packet } of log) {
        // The SYN of a packet that resets as well never reopens.
        if (status === CT_REOPENED) {
          expect(after.flags & BOTH).toBe(0);
          expect(packet.flags & TCP_SYN).toBe(TCP_SYN);
        }
      }
    });
  });

  test('14: every entry of a pod has a companion for ICMP errors', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { t } = run(steps);
        const any = [...t.env.maps.ctAny4.entries()];
        const all = [...t.env.maps.ct4.entries(), ...any.filter(([key]) => key.nexthdr !== 1)];
        for (const [key] of all) {
          const companion: Ipv4CtTuple = { ...key, sport: 0, dport: 0, nexthdr: 1, flags: key.flags | 2 };
          expect(t.env.maps.ctAny4.lookup(companion)).toBeDefined();
        }
      }),
    );
  });

  test('16: the reverse of the reverse is the same, and the other program sees an answer as established', () => {
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    const port = fc.nat(65535);
    fc.assert(
      fc.property(u32, u32, port, port, fc.constantFrom(0, 1), (saddr, daddr, sport, dport, flags) => {
        const tuple: Ipv4CtTuple = { saddr, daddr, sport, dport, nexthdr: 6, flags };
        ipv4CtTupleReverse(tuple);
        ipv4CtTupleReverse(tuple);
        expect(tuple).toEqual({ saddr, daddr, sport, dport, nexthdr: 6, flags });
        fc.pre(saddr !== daddr);
        const t = testEnv();
        const from = { address: saddr, port: sport };
        const to = { address: daddr, port: dport };
        const look = (out: boolean, dir: CtDir): number => {
          const skb = out ? tcp(from, to, TCP_ACK) : tcp(to, from, TCP_ACK);
          const status = ctLookup4(t.env, t.env.maps.ct4, t.env.scratch.tuple, skb, dir, new CtState());
          if (status === CT_NEW) {
            ctCreate4(t.env, t.env.maps.ct4, t.env.maps.ctAny4, t.env.scratch.tuple, skb, dir, new CtState(), false, false);
          }
          return status;
        };
        expect([look(true, CT_EGRESS), look(true, CT_EGRESS), look(false, CT_INGRESS)]).toEqual([CT_NEW, CT_ESTABLISHED, CT_REPLY]);
      }),
    );
  });

  test('36: garbage collection removes exactly what is over', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(80), (steps, wait) => {
        const { t } = run(steps);
        t.advance(wait);
        const now = t.env.clock.seconds();
        for (const map of [t.env.maps.ct4, t.env.maps.ctAny4]) {
          const alive = [...map.entries()].filter(([, entry]) => entry.lifetime >= now);
          collectGarbage(map, now);
          expect([...map.entries()]).toEqual(alive);
        }
      }),
    );
  });
});
