/**
 * `cilium_snat_v4_external`: addresses that BPF translates, one entry for each direction.
 * @see cilium:pkg/maps/nat/ipv4.go
 * @see cilium:bpf/lib/nat.h#ipv4_nat_entry
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { CT_KEY, type Ipv4CtTuple } from './ctmap.ts';

/** Pinned name and default size. @see cilium:pkg/option/config.go#NATMapEntriesGlobalDefault */
export const SNAT_V4_EXTERNAL_NAME = 'cilium_snat_v4_external';
export const SNAT_V4_MAX_ENTRIES = 524288;

/** Directions, in the flags of a key. @see cilium:bpf/lib/nat.h#nat_dir */
export const NAT_DIR_EGRESS = 0;
export const NAT_DIR_INGRESS = 1;

/** Value of 40 bytes. */
export interface NatEntry {
  /** Seconds since boot. */
  readonly created: number;
  /** The node's own connection, translated to itself so that nobody else takes its port. */
  readonly hostLocal: boolean;
  /** The new source (egress) or destination (ingress). */
  readonly address: Ipv4;
  readonly port: number;
}

/** The map. Keys are tuples as they stand in the packet, unlike those of connection tracking. */
export type NatMap = HashMap<Ipv4CtTuple, NatEntry>;

/** Creates an empty `cilium_snat_v4_external`. */
export function newNatMap(maxEntries: number = SNAT_V4_MAX_ENTRIES): NatMap {
  const spec: HashMapSpec<Ipv4CtTuple, NatEntry> = {
    name: SNAT_V4_EXTERNAL_NAME,
    type: 'lru_hash',
    keySize: 14,
    valueSize: 40,
    maxEntries,
    key: {
      ...CT_KEY,
      toJson: (key) => ({
        direction: key.flags === NAT_DIR_INGRESS ? 'IN' : 'OUT',
        tuple: `${formatIpv4(key.saddr)}:${key.sport} -> ${formatIpv4(key.daddr)}:${key.dport}`,
        protocol: key.nexthdr,
      }),
    },
    valueToJson: (value) => ({ ...value, address: formatIpv4(value.address) }),
  };
  return new HashMap(spec);
}
