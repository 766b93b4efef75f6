/**
 * `cilium_ipv4_frag_datagrams`: the ports of datagrams that come in fragments, which only the first of them tells.
 * @see cilium:pkg/maps/fragmap/fragmap.go
 * @see cilium:bpf/lib/ipv4.h#ipv4_frag_id
 */
import { type MapSpec, mix32 } from '../kernel/bpf_map.ts';
import { HashMap } from '../kernel/hash_map.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';

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
  const spec: MapSpec<Ipv4FragId, Ipv4FragPorts> = {
    name: FRAG_MAP_NAME,
    type: 'lru_hash',
    keySize: 12,
    valueSize: 4,
    maxEntries,
    key: {
      hash: (key) => mix32(mix32(key.saddr, key.daddr), (key.id << 8) | key.proto) >>> 1,
      equals: (a, b) => a.daddr === b.daddr && a.saddr === b.saddr && a.id === b.id && a.proto === b.proto,
      copy: ({ daddr, saddr, id, proto }) => ({ daddr, saddr, id, proto }),
      toJson: (key) => ({ daddr: formatIpv4(key.daddr), saddr: formatIpv4(key.saddr), id: key.id, proto: key.proto }),
    },
    valueToJson: (value) => ({ ...value }),
  };
  return new HashMap(spec);
}
