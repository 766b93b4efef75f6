/** Two namespaces on one wire that may lose packets. */
import { BpfFs } from '../../src/kernel/bpffs.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import type { NetNs } from '../../src/kernel/netns.ts';
import type { Packet, TcpHeader } from '../../src/net/packet.ts';
import { tcpFlagNames } from '../../src/net/protocol.ts';
import { SECOND, SimClock } from '../../src/sim/clock.ts';
import { Journey } from '../../src/sim/journey.ts';
import { Rng } from '../../src/sim/rng.ts';
import { SimScheduler } from '../../src/sim/scheduler.ts';

export const CLIENT = 0x0a000001;
export const SERVER = 0x0a000002;

/** A packet as the wire saw it. */
export interface WirePacket {
  readonly seconds: number;
  readonly fromClient: boolean;
  readonly tcp: TcpHeader;
  readonly bytes: number;
}

/** The wire and its two ends. */
export interface Wire {
  readonly scheduler: SimScheduler;
  readonly a: NetNs;
  readonly b: NetNs;
  /** TCP segments sent, lost ones too. */
  readonly packets: WirePacket[];
  /** `> SYN`, `< SYN,ACK`, … */
  text(): string[];
}

/** @param lose whether the n-th packet (from 0) is lost */
export function newWire(lose: (packet: WirePacket, n: number) => boolean = () => false): Wire {
  const scheduler = new SimScheduler(new SimClock(0, 0));
  let id = 0;
  const kernel = new Kernel({ scheduler, rng: new Rng(1), journey: new Journey(() => 0), bpffs: new BpfFs(), nextPacketId: () => ++id });
  const [a, b] = [kernel.newNetns('a'), kernel.newNetns('b')];
  const [left, right] = kernel.createVeth({ name: 'eth0', netns: a, mac: 1 }, { name: 'eth0', netns: b, mac: 2 });
  a.addAddress(left, CLIENT, 24);
  b.addAddress(right, SERVER, 24);
  const packets: WirePacket[] = [];
  const watch = ({ ip, l4, payload }: Packet): 0 | 2 => {
    if (l4.kind !== 'tcp') {
      return 0;
    }
    const packet = { seconds: scheduler.clock.now() / SECOND, fromClient: ip.src === CLIENT, tcp: l4, bytes: payload.length };
    packets.push(packet);
    return lose(packet, packets.length - 1) ? 2 : 0;
  };
  left.ingress = (skb) => watch(skb.packet);
  right.ingress = (skb) => watch(skb.packet);
  return {
    scheduler,
    a,
    b,
    packets,
    text: () =>
      packets.map(
        ({ fromClient, tcp, bytes }) => `${fromClient ? '>' : '<'} ${tcpFlagNames(tcp.flags).join(',')}${bytes > 0 ? ` ${bytes}` : ''}`,
      ),
  };
}
