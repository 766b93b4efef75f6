/** A node's programs without a node: maps, a clock that moves by hand, and packets in one line. */
import { initMaps } from '../../src/agent/datapath/node.ts';
import { parseOptions } from '../../src/agent/option/config.ts';
import { type BpfEnv, type NodeConfig, newBpfEnv } from '../../src/bpf/env.ts';
import { BpfFs } from '../../src/kernel/bpffs.ts';
import { Skb } from '../../src/kernel/skb.ts';
import { NO_BYTES, newBytes } from '../../src/net/bytes.ts';
import { type L4Header, makePacket } from '../../src/net/packet.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../../src/net/protocol.ts';
import { SECOND, SimClock } from '../../src/sim/clock.ts';
import { Journey } from '../../src/sim/journey.ts';
import { Rng } from '../../src/sim/rng.ts';

const CONFIG: NodeConfig = {
  routerIp: 0x0a000043,
  ipv4Loopback: 0xa9fe2a01,
  hostEpId: 9,
  ciliumIfindex: 1,
  hostIfindex: 2,
  hostMac: 2,
  ciliumNetMac: 3,
  routerMac: 4,
  monitorAggregation: 3,
  ctLifetimeTcp: 21600,
  ctLifetimeNonTcp: 60,
  ctServiceLifetimeTcp: 21600,
  ctServiceLifetimeNonTcp: 60,
  ctServiceCloseRebalance: 60,
  ctSynTimeout: 60,
  ctCloseTimeout: 10,
  ctReportInterval: 5,
  ctReportFlags: 0xff,
  perPacketLb: true,
  enableRouting: true,
  tunnel: true,
  tunnelPort: 8472,
  l7Lb: false,
  encapIfindex: 5,
  ipv4Mask: 0xffffff00,
  enableIcmpRule: true,
  enableSctp: false,
  allowIcmpFragNeeded: true,
  enableIpv4Fragments: true,
  sessionAffinity: false,
  nodePort: false,
  masquerade: false,
  hostFirewall: false,
  directRoutingIp: 0xc0a8010a,
  snatExclusion: null,
  quirks: { policyIdProtoAny: true, loopbackBypass: true, replyPolicyAccounting: true },
};

/** Programs' surroundings, and the hand that moves the clock. */
export interface TestEnv {
  readonly env: BpfEnv;
  advance(seconds: number): void;
}

/** Surroundings with the given constants changed. */
export function testEnv(changes: Partial<NodeConfig> = {}): TestEnv {
  const clock = new SimClock(1000 * SECOND, 0);
  const bpffs = new BpfFs();
  initMaps(bpffs, parseOptions({}).options);
  const env = newBpfEnv({
    clock,
    rng: new Rng(1),
    journey: new Journey(() => clock.now()),
    config: { ...CONFIG, ...changes },
    bpffs,
    fibLookup: () => null,
  });
  return { env, advance: (seconds) => clock.advanceTo(clock.now() + seconds * SECOND) };
}

/** An address and a port. */
export interface End {
  readonly address: number;
  readonly port: number;
}

/** A TCP segment from one end to another. */
export function tcp(from: End, to: End, flags: number, payload = 0): Skb {
  const l4: L4Header = {
    kind: 'tcp',
    sport: from.port,
    dport: to.port,
    seq: 1,
    ack: 1,
    flags,
    window: 1,
    options: null,
    headerLength: 20,
  };
  return new Skb(makePacket({ id: 1, src: from.address, dst: to.address, protocol: IPPROTO_TCP, l4, payload: newBytes(payload) }));
}

/** A UDP datagram. */
export function udp(from: End, to: End, payload = 0): Skb {
  const l4: L4Header = { kind: 'udp', sport: from.port, dport: to.port };
  return new Skb(makePacket({ id: 1, src: from.address, dst: to.address, protocol: IPPROTO_UDP, l4, payload: newBytes(payload) }));
}

/** An ICMP message without a quoted packet. */
export function icmp(src: number, dst: number, type: number, code = 0, identifier = 0): Skb {
  const l4: L4Header = { kind: 'icmp', type, code, identifier, sequence: 0, quoted: null };
  return new Skb(makePacket({ id: 1, src, dst, protocol: IPPROTO_ICMP, l4, payload: NO_BYTES }));
}

/** A fragment after the first one of a datagram. */
export function fragment(src: number, dst: number): Skb {
  const packet = makePacket({ id: 1, src, dst, protocol: IPPROTO_UDP, l4: { kind: 'none' }, payload: newBytes(8) });
  return new Skb({ ...packet, ip: { ...packet.ip, fragmentOffset: 185 } });
}
