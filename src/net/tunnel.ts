/**
 * VXLAN and Geneve: eight bytes with a network identifier, then a frame.
 * @see https://www.rfc-editor.org/rfc/rfc7348#section-5
 * @see https://www.rfc-editor.org/rfc/rfc8926#section-3.4
 */
import { concatBytes } from './bytes.ts';
import type { TunnelFrame } from './packet.ts';
import { packetBytes } from './packet_bytes.ts';

/** How a tunnel wraps its frames. */
export type TunnelProtocol = 'vxlan' | 'geneve';

/** Bytes in front of a tunnelled frame without its Ethernet header: IPv4, UDP, the tunnel's header, and the frame's Ethernet header. */
export const TUNNEL_OVERHEAD = 50;

/** UDP ports without another choice. @see cilium:pkg/defaults/defaults.go#TunnelPortVXLAN */
export const TUNNEL_PORTS: Readonly<Record<TunnelProtocol, number>> = { vxlan: 8472, geneve: 6081 };

/** The payload of the tunnel's datagram. */
export function tunnelBytes(protocol: TunnelProtocol, { vni, packet }: TunnelFrame): Uint8Array {
  const id = [(vni >>> 16) & 0xff, (vni >>> 8) & 0xff, vni & 0xff, 0];
  // VXLAN: the flag that there is an identifier. Geneve: no options, and a frame inside.
  const head = protocol === 'vxlan' ? [0x08, 0, 0, 0, ...id] : [0, 0, 0x65, 0x58, ...id];
  return concatBytes([Uint8Array.from(head), packetBytes(packet)]);
}
