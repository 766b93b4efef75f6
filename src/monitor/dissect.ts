/**
 * The layers of a packet, one a line, below the head of a verbose event.
 * @see cilium:pkg/monitor/dissect.go#Dissect
 * @remarks Simplified: upstream prints every field of the decoding library's structs including raw bytes; here the fields that packets carry.
 */
import { formatIpv4 } from '../net/ipv4.ts';
import { formatMac } from '../net/mac.ts';
import type { Packet } from '../net/packet.ts';
import { protocolName, tcpFlagNames } from '../net/protocol.ts';

/** The lines. */
export function dissect(packet: Packet): string[] {
  const { eth, ip } = packet;
  const flags = ip.dontFragment ? 'DF' : ip.moreFragments ? 'MF' : '';
  const mac = (value: number): string => formatMac(value).toLowerCase();
  return [
    `Ethernet\t{SrcMAC=${mac(eth.src)} DstMAC=${mac(eth.dst)} EthernetType=IPv4}`,
    `IPv4\t{Version=4 IHL=5 TOS=0 Length=${packet.length - 14} Id=${ip.id} Flags=${flags} FragOffset=${ip.fragmentOffset} TTL=${ip.ttl} ` +
      `Protocol=${protocolName(ip.protocol)} SrcIP=${formatIpv4(ip.src)} DstIP=${formatIpv4(ip.dst)}}`,
    ...transport(packet),
  ];
}

function transport(packet: Packet): string[] {
  const { l4 } = packet;
  switch (l4.kind) {
    case 'tcp': {
      const set = tcpFlagNames(l4.flags);
      const flag = (name: string): string => `${name}=${String(set.includes(name))}`;
      const flags = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'].map(flag).join(' ');
      return [
        `TCP\t{SrcPort=${l4.sport} DstPort=${l4.dport} Seq=${l4.seq} Ack=${l4.ack} DataOffset=${l4.headerLength / 4} ${flags} ` +
          `Window=${l4.window} Payload=${packet.payload.length} bytes}`,
      ];
    }
    case 'udp':
      return [`UDP\t{SrcPort=${l4.sport} DstPort=${l4.dport} Length=${8 + packet.payload.length}}`];
    case 'sctp':
      return [`SCTP\t{SrcPort=${l4.sport} DstPort=${l4.dport}}`];
    case 'icmp':
      return [`ICMPv4\t{TypeCode=${l4.type}(${l4.code}) Id=${l4.identifier} Seq=${l4.sequence}}`];
    case 'none':
      return [];
  }
}
