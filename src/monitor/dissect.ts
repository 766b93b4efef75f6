/**
 * The layers of a packet, one a line, below the head of a verbose event.
 * @see cilium:pkg/monitor/dissect.go#Dissect
 * @see https://pkg.go.dev/github.com/google/gopacket#LayerString
 */
import { icmpText } from '../net/icmp_text.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import { formatMac } from '../net/mac.ts';
import type { Packet, TcpHeader } from '../net/packet.ts';
import { packetBytes } from '../net/packet_bytes.ts';
import { protocolName, tcpFlagNames } from '../net/protocol.ts';

/** Names the packet library adds to ports. @see https://pkg.go.dev/github.com/google/gopacket/layers#TCPPort.String @remarks Simplified: a few of them. */
const TCP_PORT_NAMES: Readonly<Record<number, string>> = {
  20: 'ftp-data',
  21: 'ftp',
  22: 'ssh',
  23: 'telnet',
  25: 'smtp',
  53: 'domain',
  80: 'http',
  110: 'pop3',
  143: 'imap',
  179: 'bgp',
  389: 'ldap',
  443: 'https',
  3306: 'mysql',
  5432: 'postgresql',
  6379: 'redis',
  8080: 'http-alt',
  9092: 'XmlIpcRegSvc',
};
const UDP_PORT_NAMES: Readonly<Record<number, string>> = { 53: 'domain', 67: 'bootps', 68: 'bootpc', 69: 'tftp', 123: 'ntp', 8472: 'otv' };

/** The lines. */
export function dissect(packet: Packet): string[] {
  const { eth, ip } = packet;
  const flags = ip.dontFragment ? 'DF' : ip.moreFragments ? 'MF' : '';
  const mac = (value: number): string => formatMac(value).toLowerCase();
  const bytes = packetBytes(packet);
  const length = bytes.length - 14;
  return [
    `Ethernet\t{Contents=[..14..] Payload=${content(length)} SrcMAC=${mac(eth.src)} DstMAC=${mac(eth.dst)} EthernetType=IPv4 Length=0}`,
    `IPv4\t{Contents=[..20..] Payload=${content(length - 20)} Version=4 IHL=5 TOS=0 Length=${length} Id=${ip.id} Flags=${flags} ` +
      `FragOffset=${ip.fragmentOffset} TTL=${ip.ttl} Protocol=${ipProtocol(ip.protocol)} Checksum=${u16(bytes, 24)} SrcIP=${formatIpv4(ip.src)} ` +
      `DstIP=${formatIpv4(ip.dst)} Options=[] Padding=[]}`,
    ...transport(packet, bytes.slice(34)),
  ];
}

function transport({ l4, payload }: Packet, segment: Uint8Array): string[] {
  switch (l4.kind) {
    case 'tcp':
      return [tcpLine(l4, payload.length, segment)];
    case 'udp':
      return [
        `UDP\t{Contents=[..8..] Payload=${content(payload.length)} SrcPort=${port(l4.sport, UDP_PORT_NAMES)} DstPort=${port(l4.dport, UDP_PORT_NAMES)} ` +
          `Length=${8 + payload.length} Checksum=${u16(segment, 6)}}`,
      ];
    case 'sctp':
      return [
        `SCTP\t{Contents=[..12..] Payload=${content(payload.length)} SrcPort=${l4.sport} DstPort=${l4.dport} VerificationTag=0 Checksum=0}`,
      ];
    case 'icmp':
      return [
        `ICMPv4\t{Contents=[..8..] Payload=${content(segment.length - 8)} TypeCode=${icmpText(l4.type, l4.code)} Checksum=${u16(segment, 2)} ` +
          `Id=${l4.identifier} Seq=${l4.sequence}}`,
      ];
    case 'none':
      return [];
  }
}

function tcpLine(tcp: TcpHeader, payloadLength: number, segment: Uint8Array): string {
  const set = tcpFlagNames(tcp.flags);
  const flags = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'].map((name) => `${name}=${set.includes(name)}`).join(' ');
  const options = optionCount(segment.slice(20, tcp.headerLength));
  return (
    `TCP\t{Contents=${content(tcp.headerLength)} Payload=${content(payloadLength)} SrcPort=${port(tcp.sport, TCP_PORT_NAMES)} ` +
    `DstPort=${port(tcp.dport, TCP_PORT_NAMES)} Seq=${tcp.seq} Ack=${tcp.ack} DataOffset=${tcp.headerLength / 4} ${flags} Window=${tcp.window} ` +
    `Checksum=${u16(segment, 16)} Urgent=0 Options=${content(options)} Padding=[]}`
  );
}

/** How many options there are; a no-operation is one. */
function optionCount(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    const kind = bytes[at] as number;
    if (kind === 0) {
      return count + 1;
    }
    at += kind === 1 ? 1 : Math.max(2, bytes[at + 1] ?? 2);
  }
  return count;
}

/** `[]` or `[..40..]` */
function content(length: number): string {
  return length <= 0 ? '[]' : `[..${length}..]`;
}

function port(number: number, names: Readonly<Record<number, string>>): string {
  const name = names[number];
  return name === undefined ? String(number) : `${number}(${name})`;
}

/** The packet library's word for ICMP. */
function ipProtocol(protocol: number): string {
  const name = protocolName(protocol);
  return name === 'ICMP' ? 'ICMPv4' : name;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
