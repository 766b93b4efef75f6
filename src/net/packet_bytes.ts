/**
 * Packets as bytes on the wire.
 * @see https://www.rfc-editor.org/rfc/rfc791
 * @see https://www.rfc-editor.org/rfc/rfc9293
 * @remarks Simplified: checksums are those of correct packets; the TOS byte is 0.
 */
import { type IcmpHeader, type L4Header, type Packet, type TcpHeader, tcpOptionsLength } from './packet.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from './protocol.ts';

/** The frame. */
export function packetBytes(packet: Packet): Uint8Array {
  const segment = segmentBytes(packet.l4, packet.payload);
  const total = 20 + segment.length;
  const { ip } = packet;
  const fragment = (ip.dontFragment ? 0x4000 : 0) | (ip.moreFragments ? 0x2000 : 0) | ip.fragmentOffset;
  const header = [0x45, 0, ...u16(total), ...u16(ip.id), ...u16(fragment), ip.ttl, ip.protocol, 0, 0, ...u32(ip.src), ...u32(ip.dst)];
  header.splice(10, 2, ...u16(checksum(header)));
  const place = ip.protocol === IPPROTO_TCP ? 16 : ip.protocol === IPPROTO_UDP ? 6 : null;
  // A tunnel's datagrams go without one.
  if (place !== null && packet.l4.kind !== 'none' && !(packet.l4.kind === 'udp' && packet.l4.tunnel !== undefined)) {
    const pseudo = [...u32(ip.src), ...u32(ip.dst), 0, ip.protocol, ...u16(segment.length)];
    segment.splice(place, 2, ...u16(checksum([...pseudo, ...segment])));
  }
  return Uint8Array.from([...u48(packet.eth.dst), ...u48(packet.eth.src), ...u16(packet.eth.type), ...header, ...segment]);
}

/** Transport header and payload; the checksum of TCP and UDP is left 0. */
function segmentBytes(l4: L4Header, payload: Uint8Array): number[] {
  switch (l4.kind) {
    case 'tcp':
      return [...tcpBytes(l4), ...payload];
    case 'udp':
      return [...u16(l4.sport), ...u16(l4.dport), ...u16(8 + payload.length), 0, 0, ...payload];
    case 'sctp':
      return [...u16(l4.sport), ...u16(l4.dport), ...new Array<number>(8).fill(0), ...payload];
    case 'icmp':
      return icmpBytes(l4, payload);
    case 'none':
      return [...payload];
  }
}

function tcpBytes(tcp: TcpHeader): number[] {
  const fixed = [...u16(tcp.sport), ...u16(tcp.dport), ...u32(tcp.seq), ...u32(tcp.ack), (tcp.headerLength / 4) << 4, tcp.flags];
  const options = optionBytes(tcp);
  return [...fixed, ...u16(tcp.window), 0, 0, 0, 0, ...options];
}

/** Options in the order in which Linux writes them, padded with no-operations. @see linux:net/ipv4/tcp_output.c#tcp_options_write */
function optionBytes({ options, headerLength }: TcpHeader): number[] {
  const bytes: number[] = [];
  if (options?.mss !== undefined) {
    bytes.push(2, 4, ...u16(options.mss));
  }
  if (options?.sackPermitted === true) {
    bytes.push(...(options.timestamps === undefined ? [1, 1] : []), 4, 2);
  }
  if (options?.timestamps !== undefined) {
    bytes.push(...(options.sackPermitted === true ? [] : [1, 1]), 8, 10, ...u32(options.timestamps.value), ...u32(options.timestamps.echo));
  }
  if (options?.wscale !== undefined) {
    bytes.push(1, 3, 3, options.wscale);
  }
  const length = Math.max(headerLength - 20, tcpOptionsLength(options));
  return [...bytes, ...new Array<number>(Math.max(0, length - bytes.length)).fill(1)].slice(0, length);
}

function icmpBytes(icmp: IcmpHeader, payload: Uint8Array): number[] {
  const quoted = icmp.quoted === null ? [] : [...packetBytes(icmp.quoted)].slice(14, 14 + 28);
  const rest = icmp.quoted === null ? [...u16(icmp.identifier), ...u16(icmp.sequence)] : [0, 0, 0, 0];
  const bytes = [icmp.type, icmp.code, 0, 0, ...rest, ...quoted, ...payload];
  bytes.splice(2, 2, ...u16(checksum(bytes)));
  return bytes;
}

/** @see https://www.rfc-editor.org/rfc/rfc1071 */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return ~sum & 0xffff;
}

function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

function u48(value: number): number[] {
  return [...u16(Math.floor(value / 2 ** 32)), ...u32(value % 2 ** 32)];
}

/** Bytes as `hex.Dump` prints them: offset, sixteen bytes, their characters. @see https://pkg.go.dev/encoding/hex#Dump */
export function hexDump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.slice(at, at + 16)];
    const cells = Array.from({ length: 16 }, (_, i) => (i < row.length ? (row[i] as number).toString(16).padStart(2, '0') : '  '));
    const text = row.map((byte) => (byte >= 32 && byte <= 126 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${cells.slice(0, 8).join(' ')}  ${cells.slice(8).join(' ')}  |${text}|`);
  }
  return lines;
}
