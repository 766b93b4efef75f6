/**
 * `cilium_ipcache`: the identity of every address.
 * @see cilium:pkg/maps/ipcache/ipcache.go
 * @see cilium:bpf/lib/eps.h#lookup_ip4_remote_endpoint
 */

import type { MapSpec } from '../kernel/bpf_map.ts';
import { type LpmKey, LpmTrie } from '../kernel/lpm_trie.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import type { Identity } from './identity.ts';

/** Address families in endpoint keys. @see cilium:bpf/lib/common.h#ENDPOINT_KEY_IPV4 */
export const ENDPOINT_KEY_IPV4 = 1;
export const ENDPOINT_KEY_IPV6 = 2;

export const IPCACHE_NAME = 'cilium_ipcache';
export const IPCACHE_MAX_ENTRIES = 512000;

/** @see cilium:bpf/lib/common.h#remote_endpoint_info */
export interface RemoteEndpointInfo {
  secLabel: Identity;
  /** Node that holds the address; 0 = this one, or none. */
  tunnelEndpoint: Ipv4;
  nodeId: number;
  /** Encryption key. */
  key: number;
}

/** The map. `lookup4(ENDPOINT_KEY_IPV4, address)` is the datapath's look-up. */
export type IpcacheMap = LpmTrie<RemoteEndpointInfo>;

/** Creates an empty `cilium_ipcache`. */
export function newIpcacheMap(maxEntries: number = IPCACHE_MAX_ENTRIES): IpcacheMap {
  const spec: MapSpec<LpmKey, RemoteEndpointInfo> = {
    name: IPCACHE_NAME,
    type: 'lpm_trie',
    keySize: 24,
    valueSize: 12,
    maxEntries,
    key: {
      toJson: (key) => ({ prefix: ipcacheKeyText(key) }),
    },
    valueToJson: (value) => ({
      identity: value.secLabel,
      tunnelEndpoint: formatIpv4(value.tunnelEndpoint),
      nodeId: value.nodeId,
      encryptKey: value.key,
    }),
  };
  return new LpmTrie(spec);
}

/** The key of an IPv4 prefix. */
export function ipcacheKey4(address: Ipv4, length = 32): LpmKey {
  return { space: ENDPOINT_KEY_IPV4, length, address };
}

/** `10.0.0.111/32` */
export function ipcacheKeyText(key: LpmKey): string {
  return typeof key.address === 'number' ? `${formatIpv4(key.address)}/${key.length}` : `${formatIpv6(key.address)}/${key.length}`;
}

/** Eight groups of hexadecimal digits with the longest run of zero groups shortened. @see https://www.rfc-editor.org/rfc/rfc5952 */
export function formatIpv6(address: bigint): string {
  const groups: string[] = [];
  for (let i = 7n; i >= 0n; i--) {
    groups.push(((address >> (i * 16n)) & 0xffffn).toString(16));
  }
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort(
    (a, b) => b[0].replace(/[^0]/g, '').length - a[0].replace(/[^0]/g, '').length,
  );
  const run = runs[0];
  if (run === undefined) {
    return text;
  }
  const end = run.index + run[0].length;
  return `${text.slice(0, run.index)}::${text.slice(end + (text[end] === ':' ? 1 : 0))}`;
}
