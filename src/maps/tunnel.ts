/**
 * `cilium_tunnel_map`: which node holds a range of pod addresses.
 * @see cilium:pkg/maps/tunnel/tunnel.go
 * @see cilium:bpf/lib/common.h#tunnel_key
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { asIpv4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';

/** Its pinned name and size. */
export const TUNNEL_MAP_NAME = 'cilium_tunnel_map';
export const TUNNEL_MAP_MAX_ENTRIES = 65536;

/** The first address of the range. */
export interface TunnelMapKey {
  address: Ipv4;
}

/** The node. */
export interface TunnelMapValue {
  readonly address: Ipv4;
  /** Encryption key. */
  readonly key: number;
  readonly nodeId: number;
}

/** The map. */
export type TunnelMap = HashMap<TunnelMapKey, TunnelMapValue>;

/** Creates an empty `cilium_tunnel_map`. */
export function newTunnelMap(): TunnelMap {
  const spec: HashMapSpec<TunnelMapKey, TunnelMapValue> = {
    name: TUNNEL_MAP_NAME,
    type: 'hash',
    keySize: 20,
    valueSize: 20,
    maxEntries: TUNNEL_MAP_MAX_ENTRIES,
    key: {
      pack: (key, words, at) => {
        words[at] = key.address;
      },
      unpack: (words, at) => ({ address: asIpv4(words[at]) }),
      toJson: (key) => ({ prefix: formatIpv4(key.address) }),
    },
    valueToJson: (value) => ({ node: formatIpv4(value.address), encryptKey: value.key, nodeId: value.nodeId }),
  };
  return new HashMap(spec);
}
