/**
 * Addresses as the proxy's logs, policies and metadata use them: text and, for IPv4, the number.
 * @see envoy:source/common/network/address_impl.h#Ipv4Instance
 */
import type { SocketAddress } from '../../kernel/socket.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../net/ipv4.ts';
import { formatIp, parseIp } from '../../net/prefix.ts';

/** An IP address with a port. */
export interface InetAddress {
  readonly family: 4 | 6;
  /** `10.0.0.1` or `face::42`. */
  readonly ip: string;
  /** The IPv4 address as a number; `null` for IPv6. */
  readonly ipv4: Ipv4 | null;
  readonly port: number;
  /** `10.0.0.1:80` or `[face::42]:80`. */
  readonly text: string;
}

/** The address of a socket's end. */
export function inetOfSocket(address: SocketAddress): InetAddress {
  const ip = formatIpv4(address.address);
  return { family: 4, ip, ipv4: address.address, port: address.port, text: `${ip}:${address.port}` };
}

/** The address of a text without port, or `null`. */
export function parseInet(text: string, port = 0): InetAddress | null {
  const parsed = parseIp(text);
  if (parsed === null) {
    return null;
  }
  const ip = formatIp(parsed);
  return parsed.family === 4
    ? { family: 4, ip, ipv4: parseIpv4(text), port, text: `${ip}:${port}` }
    : { family: 6, ip, ipv4: null, port, text: `[${ip}]:${port}` };
}
