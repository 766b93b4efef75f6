/**
 * Tunnel devices that take the far end from each packet's metadata, as `ip link add type vxlan external` makes them: what is sent leaves in a
 * UDP datagram of the host, and what arrives for the tunnel's port comes out of the device.
 * @see linux:drivers/net/vxlan/vxlan_core.c#vxlan_xmit
 * @see linux:drivers/net/geneve.c#geneve_xmit
 */
import type { Mac } from '../net/mac.ts';
import { makePacket, packetSummary, type UdpHeader } from '../net/packet.ts';
import { IPPROTO_UDP } from '../net/protocol.ts';
import { type TunnelProtocol, tunnelBytes } from '../net/tunnel.ts';
import type { NetDevice } from './netdev.ts';
import type { NetNs } from './netns.ts';
import { Skb } from './skb.ts';

/** A tunnel device. */
export interface TunnelOptions {
  readonly name: string;
  readonly mac: Mac;
  readonly protocol: TunnelProtocol;
  /** UDP port of both ends. */
  readonly port: number;
}

/** The range of source ports, from which the flow picks one. @see linux:include/net/udp.h#udp_flow_src_port */
const SOURCE_PORT_MIN = 32768;
const SOURCE_PORT_MAX = 60999;

/** Creates the device and listens on its port. */
export function createTunnel(netns: NetNs, options: TunnelOptions): NetDevice {
  const device = netns.kernel.createTunnel({ name: options.name, netns, mac: options.mac }, (skb) => encapsulate(netns, options, skb));
  netns.tunnels.set(options.port, device);
  return device;
}

/** @see linux:drivers/net/vxlan/vxlan_core.c#vxlan_xmit_one */
function encapsulate(netns: NetNs, { protocol, port }: TunnelOptions, skb: Skb): void {
  const { kernel } = netns;
  const key = skb.tunnelKey;
  const source = key === null ? null : netns.sourceAddress(key.remote, skb.mark);
  if (key === null || source === null) {
    if (kernel.journey.recording) {
      const why = key === null ? 'no tunnel metadata' : 'no route to the other end';
      kernel.journey.add({ kind: 'decide', actor: 'kernel', fn: 'vxlan_xmit_one', packet: skb.packet.id, verdict: 'drop', why });
    }
    return;
  }
  const tunnel = { vni: key.id, packet: skb.packet };
  const sport = SOURCE_PORT_MIN + ((skb.hash === 0 ? flowHash(skb) : skb.hash) % (SOURCE_PORT_MAX - SOURCE_PORT_MIN + 1));
  const outer = makePacket({
    id: kernel.nextPacketId(),
    src: source,
    dst: key.remote,
    protocol: IPPROTO_UDP,
    l4: { kind: 'udp', sport, dport: port, tunnel },
    payload: tunnelBytes(protocol, tunnel),
    ipId: netns.nextIpId(),
    dontFragment: false,
  });
  if (kernel.journey.recording) {
    kernel.journey.add({
      kind: 'change',
      actor: 'kernel',
      fn: 'vxlan_xmit_one',
      see: 'linux:drivers/net/vxlan/vxlan_core.c#vxlan_xmit_one',
      packet: skb.packet.id,
      target: 'packet',
      before: packetSummary(skb.packet),
      after: `${packetSummary(outer)}, packet ${outer.id}, ${protocol} identifier ${key.id}`,
    });
  }
  netns.output(outer, skb.mark);
}

/** A datagram for the tunnel's port. @see linux:drivers/net/vxlan/vxlan_core.c#vxlan_rcv */
export function decapsulate(device: NetDevice, skb: Skb, { tunnel }: UdpHeader): void {
  if (tunnel === undefined) {
    return;
  }
  const { kernel } = device.netns;
  const inner = new Skb(tunnel.packet);
  inner.mark = skb.mark;
  inner.tunnelKey = { id: tunnel.vni, remote: skb.packet.ip.src };
  if (kernel.journey.recording) {
    kernel.journey.add({
      kind: 'change',
      actor: 'kernel',
      fn: 'vxlan_rcv',
      see: 'linux:drivers/net/vxlan/vxlan_core.c#vxlan_rcv',
      packet: tunnel.packet.id,
      target: 'packet',
      before: `${packetSummary(skb.packet)}, packet ${skb.packet.id}, identifier ${tunnel.vni}`,
      after: packetSummary(tunnel.packet),
    });
  }
  kernel.scheduler.after(0, 'softirq', () => device.receiveSkb(inner));
}

function flowHash({ packet: { ip, l4 } }: Skb): number {
  const ports = l4.kind === 'tcp' || l4.kind === 'udp' || l4.kind === 'sctp' ? l4.sport * 65536 + l4.dport : 0;
  return (Math.imul(ip.src ^ ip.dst, 0x9e3779b1) ^ Math.imul(ports, 0x85ebca6b)) >>> 0;
}
