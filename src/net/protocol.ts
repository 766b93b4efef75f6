/**
 * Protocol numbers and names, TCP flags, ICMP types.
 */

/** @see linux:include/uapi/linux/in.h#IPPROTO_TCP */
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;

/** @see linux:include/uapi/linux/if_ether.h#ETH_P_IP */
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;

/** TCP flags as they stand in the header's fourteenth byte. */
export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

/** @see linux:include/uapi/linux/icmp.h#ICMP_ECHOREPLY */
export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETERPROB = 12;
/** Codes of ICMP_DEST_UNREACH. */
export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;
/** Code of ICMP_TIME_EXCEEDED. */
export const ICMP_EXC_FRAGTIME = 1;

/**
 * The name Cilium prints for a protocol number; unknown ones print as the number.
 * @see cilium:pkg/u8proto/u8proto.go#U8proto.String
 */
export function protocolName(protocol: number): string {
  switch (protocol) {
    case 0:
      return 'ANY';
    case IPPROTO_ICMP:
      return 'ICMP';
    case IPPROTO_TCP:
      return 'TCP';
    case IPPROTO_UDP:
      return 'UDP';
    case IPPROTO_ICMPV6:
      return 'ICMPv6';
    case IPPROTO_SCTP:
      return 'SCTP';
    default:
      return String(protocol);
  }
}

/** Names of the flags set, in the order SYN, ACK, RST, FIN, PSH, URG, ECE, CWR. */
export function tcpFlagNames(flags: number): string[] {
  const names: string[] = [];
  for (const [bit, name] of FLAG_NAMES) {
    if ((flags & bit) !== 0) {
      names.push(name);
    }
  }
  return names;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [TCP_SYN, 'SYN'],
  [TCP_ACK, 'ACK'],
  [TCP_RST, 'RST'],
  [TCP_FIN, 'FIN'],
  [TCP_PSH, 'PSH'],
  [TCP_URG, 'URG'],
  [TCP_ECE, 'ECE'],
  [TCP_CWR, 'CWR'],
];
