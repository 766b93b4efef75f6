/**
 * `cilium_lb4_source_range`: who may use a load balancer service.
 * @see cilium:pkg/maps/lbmap/source_range.go
 */
import type { MapSpec } from '../kernel/bpf_map.ts';
import { type LpmKey, LpmTrie } from '../kernel/lpm_trie.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import { LB_MAP_MAX_ENTRIES } from './lbmap.ts';

/** Its pinned name. */
export const LB4_SOURCE_RANGE_NAME = 'cilium_lb4_source_range';

/** The map; the reverse NAT index is the static part of a key. */
export type SourceRangeMap = LpmTrie<number>;

/** Creates an empty `cilium_lb4_source_range`. */
export function newSourceRangeMap(maxEntries: number = LB_MAP_MAX_ENTRIES): SourceRangeMap {
  const spec: MapSpec<LpmKey, number> = {
    name: LB4_SOURCE_RANGE_NAME,
    type: 'lpm_trie',
    keySize: 12,
    valueSize: 1,
    maxEntries,
    key: {
      toJson: (key) => ({ revNatId: key.space, range: `${formatIpv4(Number(key.address))}/${key.length}` }),
    },
    valueToJson: () => ({}),
  };
  return new LpmTrie(spec);
}
