/**
 * What the listener filter learned about a connection, carried to the later filters as a socket option.
 * @see proxy:cilium/socket_option.h#SocketOption
 */
import { parseIp } from '../../net/prefix.ts';
import type { InetAddress } from '../network/address.ts';
import type { PolicyInstance } from './network_policy.ts';

/** Asked for fresh answers while the connection lives. @see proxy:cilium/socket_option.h#PolicyResolver */
export interface PolicyResolver {
  resolvePolicyId(address: InetAddress): number;
  getPolicy(podIp: string): PolicyInstance | null;
}

/** The option. */
export interface CiliumSocketOption {
  /** The policy pinned at accept; connection checks use it. */
  readonly initialPolicy: PolicyInstance;
  /** SO_MARK of upstream sockets; 0 for sidecars. */
  readonly mark: number;
  /** Security identity of the source. */
  readonly identity: number;
  readonly ingress: boolean;
  readonly isL7lb: boolean;
  /** Destination port of the connection. */
  readonly port: number;
  readonly podIp: string;
  readonly originalSource: InetAddress | null;
  readonly ipv4Source: InetAddress | null;
  readonly ipv6Source: InetAddress | null;
  readonly resolver: PolicyResolver;
}

/** Whether policy looks at the upstream host rather than at the original destination. @see proxy:cilium/socket_option.h#SocketOption::policyUseUpstreamDestinationAddress */
export function policyUsesUpstreamAddress(option: CiliumSocketOption): boolean {
  return option.isL7lb;
}

/** The address upstream sockets are bound to, or `null`. @see proxy:cilium/socket_option.h#SocketMarkOption::setOption */
export function bindAddress(option: CiliumSocketOption, family: 4 | 6): InetAddress | null {
  return option.originalSource ?? (family === 6 ? option.ipv6Source : option.ipv4Source);
}

/**
 * The bytes that keep pools of different sources apart, as hexadecimal text.
 * @see proxy:cilium/socket_option.h#SocketMarkOption::hashKey
 */
export function poolHashKey(option: CiliumSocketOption | null): string {
  if (option === null || option.mark === 0) {
    return '';
  }
  const source = option.originalSource;
  if (source !== null) {
    const address = parseIp(source.ip);
    return address === null ? '' : address.bits.toString(16).padStart(source.family === 4 ? 8 : 32, '0');
  }
  return (option.identity & 0xffffff).toString(16).padStart(6, '0');
}
