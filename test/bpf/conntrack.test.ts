import { describe, expect, test } from 'vitest';
import {
  CT_EGRESS,
  CT_ESTABLISHED,
  CT_INGRESS,
  CT_NEW,
  CT_RELATED,
  CT_REOPENED,
  CT_REPLY,
  type CtDir,
  ctCreate4,
  ctLookup4,
} from '../../src/bpf/lib/conntrack.ts';
import { CtState } from '../../src/bpf/lib/ct_state.ts';
import type { Skb } from '../../src/kernel/skb.ts';
import { CT_PROXY_REDIRECT, CT_RX_CLOSING, CT_SEEN_NON_SYN, CT_TX_CLOSING, type CtEntry, ctTupleText } from '../../src/maps/ctmap.ts';
import { DROP_CT_UNKNOWN_PROTO, DROP_FRAG_NOT_FOUND } from '../../src/maps/drop_reasons.ts';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../src/net/protocol.ts';
import { fragment, icmp, type TestEnv, tcp, testEnv, udp } from './support.ts';

const CLIENT = { address: 0x0a00007b, port: 48954 };
const SERVER = { address: 0x0a00006f, port: 80 };

function track({ env }: TestEnv, skb: Skb, dir: CtDir, proxyRedirect = false): number {
  const map = skb.packet.ip.protocol === 6 ? env.maps.ct4 : env.maps.ctAny4;
  const { tuple } = env.scratch;
  const status = ctLookup4(env, map, tuple, skb, dir, new CtState());
  if (status === CT_NEW) {
    const state = new CtState();
    state.srcSecId = 29439;
    expect(ctCreate4(env, map, env.maps.ctAny4, tuple, skb, dir, state, proxyRedirect, false)).toBe(0);
  }
  return status;
}

const lines = ({ env }: TestEnv): string[] =>
  [...env.maps.ct4.entries(), ...env.maps.ctAny4.entries()].map(([key]) => ctTupleText(key).trim());
const only = ({ env }: TestEnv): CtEntry => [...env.maps.ct4.entries()][0]?.[1] as CtEntry;

describe('conntrack', () => {
  test('a SYN makes an OUT entry and the entry for ICMP errors about it', () => {
    const t = testEnv();
    expect(track(t, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS)).toBe(CT_NEW);
    expect(lines(t)).toEqual(['TCP OUT 10.0.0.123:48954 -> 10.0.0.111:80', 'ICMP OUT 10.0.0.123:0 -> 10.0.0.111:0 related']);
    expect(only(t)).toMatchObject({ txPackets: 1, txBytes: 54, rxPackets: 0, lifetime: 1060, srcSecId: 29439, txFlagsSeen: TCP_SYN });
  });

  test('the life of a connection: SYN, answer, data, both FINs', () => {
    const t = testEnv();
    track(t, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS);
    expect(track(t, tcp(SERVER, CLIENT, TCP_SYN | TCP_ACK), CT_INGRESS)).toBe(CT_REPLY);
    expect(only(t).lifetime).toBe(1060);
    t.advance(1);
    expect(track(t, tcp(CLIENT, SERVER, TCP_ACK, 100), CT_EGRESS)).toBe(CT_ESTABLISHED);
    expect(only(t)).toMatchObject({ lifetime: 1001 + 21600, flags: CT_SEEN_NON_SYN, txPackets: 2, txBytes: 54 + 154 });
    track(t, tcp(CLIENT, SERVER, TCP_FIN | TCP_ACK), CT_EGRESS);
    expect(only(t).flags).toBe(CT_SEEN_NON_SYN | CT_TX_CLOSING);
    track(t, tcp(SERVER, CLIENT, TCP_FIN | TCP_ACK), CT_INGRESS);
    expect(only(t)).toMatchObject({ flags: CT_SEEN_NON_SYN | CT_TX_CLOSING | CT_RX_CLOSING, lifetime: 1011 });
    t.advance(3);
    track(t, tcp(CLIENT, SERVER, TCP_ACK), CT_EGRESS);
    expect(only(t)).toMatchObject({ lifetime: 1011, txPackets: 4 });
  });

  test('a SYN of the same ports opens the entry again and keeps what it knows', () => {
    const t = testEnv();
    track(t, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS, true);
    track(t, tcp(CLIENT, SERVER, TCP_FIN), CT_EGRESS);
    expect(track(t, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS)).toBe(CT_REOPENED);
    expect(only(t).flags & (CT_RX_CLOSING | CT_TX_CLOSING)).toBe(0);
    expect(only(t).flags & CT_PROXY_REDIRECT).toBe(CT_PROXY_REDIRECT);
  });

  test('an RST before both SYNs were seen closes both directions, later only its own', () => {
    const early = testEnv();
    track(early, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS);
    track(early, tcp(SERVER, CLIENT, TCP_RST | TCP_ACK), CT_INGRESS);
    expect(only(early).flags & (CT_RX_CLOSING | CT_TX_CLOSING)).toBe(CT_RX_CLOSING | CT_TX_CLOSING);
    const late = testEnv();
    track(late, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS);
    track(late, tcp(SERVER, CLIENT, TCP_SYN | TCP_ACK), CT_INGRESS);
    track(late, tcp(CLIENT, SERVER, TCP_RST), CT_EGRESS);
    expect(only(late).flags & (CT_RX_CLOSING | CT_TX_CLOSING)).toBe(CT_TX_CLOSING);
  });

  test('an ICMP error about a connection is related to it, another one is new', () => {
    const t = testEnv();
    track(t, tcp(CLIENT, SERVER, TCP_SYN), CT_EGRESS);
    expect(track(t, icmp(SERVER.address, CLIENT.address, 3, 1), CT_INGRESS)).toBe(CT_RELATED);
    expect(ctLookup4(t.env, t.env.maps.ctAny4, t.env.scratch.tuple, icmp(SERVER.address, 1, 3, 1), CT_INGRESS, new CtState())).toBe(CT_NEW);
  });

  test('echo request and reply meet by their identifier', () => {
    const t = testEnv();
    expect(track(t, icmp(CLIENT.address, SERVER.address, 8, 0, 77), CT_EGRESS)).toBe(CT_NEW);
    expect(track(t, icmp(SERVER.address, CLIENT.address, 0, 0, 77), CT_INGRESS)).toBe(CT_REPLY);
    expect(track(t, icmp(SERVER.address, CLIENT.address, 0, 0, 78), CT_INGRESS)).toBe(CT_NEW);
  });

  test('UDP entries live for a minute from the last packet', () => {
    const t = testEnv();
    track(t, udp(CLIENT, SERVER), CT_EGRESS);
    t.advance(50);
    track(t, udp(SERVER, CLIENT), CT_INGRESS);
    const [entry] = [...t.env.maps.ctAny4.entries()].map(([, value]) => value);
    expect(entry?.lifetime).toBe(1110);
  });

  test('a packet without ports is nothing conntrack knows', () => {
    const t = testEnv();
    const look = (skb: Skb): number => ctLookup4(t.env, t.env.maps.ctAny4, t.env.scratch.tuple, skb, CT_EGRESS, new CtState());
    const none = fragment(CLIENT.address, SERVER.address);
    expect(look(none)).toBe(DROP_FRAG_NOT_FOUND);
    none.packet = { ...none.packet, ip: { ...none.packet.ip, fragmentOffset: 0 } };
    expect(look(none)).toBe(DROP_CT_UNKNOWN_PROTO);
  });
});
