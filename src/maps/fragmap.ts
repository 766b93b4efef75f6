/**
 * `cilium_ipv4_frag_datagrams`: the ports of datagrams that come in fragments, which only the first of them tells.
 * @see cilium:pkg/maps/fragmap/fragmap.go
 * @see cilium:bpf/lib/ipv4.h#ipv4_frag_id
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { asIpv4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';

/** Where it is pinned. */
export const FRAG_MAP_NAME = 'cilium_ipv4_frag_datagrams';
/** @see cilium:pkg/option/config.go#FragmentsMapEntriesName */
export const FRAG_MAP_MAX_ENTRIES = 8192;

/** Key of 12 bytes. */
export interface Ipv4FragId {
  daddr: Ipv4;
  saddr: Ipv4;
  id: number;
  proto: number;
}

/** Value of 4 bytes: as the packet has them. */
export interface Ipv4FragPorts {
  readonly sport: number;
  readonly dport: number;
}

/** The map. */
export type FragMap = HashMap<Ipv4FragId, Ipv4FragPorts>;

/** Creates it empty. */
export function newFragMap(maxEntries: number = FRAG_MAP_MAX_ENTRIES): FragMap {
  const spec: HashMapSpec<Ipv4FragId, Ipv4FragPorts> = {
    name: FRAG_MAP_NAME,
    type: 'lru_hash',
    keySize: 12,
    valueSize: 4,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key.daddr;
        words[at + 1] = key.saddr;
        words[at + 2] = (key.id << 8) | key.proto;
      },
      unpack: (words, at) => {
        const last = words[at + 2] as number;
        return { daddr: asIpv4(words[at]), saddr: asIpv4(words[at + 1]), id: (last >>> 8) & 0xffff, proto: last & 0xff };
      },
      toJson: (key) => ({ daddr: formatIpv4(key.daddr), saddr: formatIpv4(key.saddr), id: key.id, proto: key.proto }),
    },
    valueToJson: (value) => ({ ...value }),
  };
  return new HashMap(spec);
}
