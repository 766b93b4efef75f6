/**
 * Session affinity and socket load balancing: which backend a client had, which backends a service has, what a socket's peer was before.
 * @see cilium:pkg/maps/lbmap/affinity.go
 * @see cilium:bpf/lib/common.h#lb4_affinity_key
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { asIpv4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { LB_MAP_MAX_ENTRIES } from './lbmap.ts';

/** Pinned names and sizes. */
export const LB4_AFFINITY_NAME = 'cilium_lb4_affinity';
export const LB_AFFINITY_MATCH_NAME = 'cilium_lb_affinity_match';
export const LB4_REVERSE_SK_NAME = 'cilium_lb4_reverse_sk';
export const LB4_REVERSE_SK_MAX_ENTRIES = 262144;

/** Key of 16 bytes: a client of a service. Mutable: programs build it in place. */
export interface Lb4AffinityKey {
  /** The client's address, or its namespace cookie. */
  client: number;
  revNatId: number;
  netnsCookie: boolean;
}

/** Value of 16 bytes. */
export interface LbAffinityValue {
  /** Seconds since boot. */
  lastUsed: number;
  readonly backendId: number;
}

/** Key of 8 bytes: a backend that serves a service. */
export interface LbAffinityMatch {
  backendId: number;
  revNatId: number;
}

/** Key of 16 bytes: a socket and the address it really talks to. */
export interface Lb4ReverseSkKey {
  cookie: number;
  address: Ipv4;
  port: number;
}

/** Value of 8 bytes: the address the process asked for. */
export interface Lb4ReverseSkValue {
  readonly address: Ipv4;
  readonly port: number;
  readonly revNatIndex: number;
}

/** The maps. */
export type Lb4AffinityMap = HashMap<Lb4AffinityKey, LbAffinityValue>;
export type LbAffinityMatchMap = HashMap<LbAffinityMatch, number>;
export type Lb4ReverseSkMap = HashMap<Lb4ReverseSkKey, Lb4ReverseSkValue>;

/** Creates an empty `cilium_lb4_affinity`. */
export function newLb4AffinityMap(maxEntries: number = LB_MAP_MAX_ENTRIES): Lb4AffinityMap {
  const spec: HashMapSpec<Lb4AffinityKey, LbAffinityValue> = {
    name: LB4_AFFINITY_NAME,
    type: 'lru_hash',
    keySize: 16,
    valueSize: 16,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key.client;
        words[at + 1] = (key.revNatId << 1) | (key.netnsCookie ? 1 : 0);
      },
      unpack: (words, at) => {
        const last = words[at + 1] as number;
        return { client: (words[at] as number) >>> 0, revNatId: last >>> 1, netnsCookie: (last & 1) !== 0 };
      },
      toJson: (key) => ({ client: key.netnsCookie ? `netns ${key.client}` : formatIpv4(key.client), revNatId: key.revNatId }),
    },
    valueToJson: (value) => ({ ...value }),
  };
  return new HashMap(spec);
}

/** Creates an empty `cilium_lb_affinity_match`. */
export function newLbAffinityMatchMap(maxEntries: number = LB_MAP_MAX_ENTRIES): LbAffinityMatchMap {
  const spec: HashMapSpec<LbAffinityMatch, number> = {
    name: LB_AFFINITY_MATCH_NAME,
    type: 'hash',
    keySize: 8,
    valueSize: 1,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key.backendId;
        words[at + 1] = key.revNatId;
      },
      unpack: (words, at) => ({ backendId: (words[at] as number) >>> 0, revNatId: words[at + 1] as number }),
      toJson: (key) => ({ ...key }),
    },
    valueToJson: () => ({}),
  };
  return new HashMap(spec);
}

/** Creates an empty `cilium_lb4_reverse_sk`. */
export function newLb4ReverseSkMap(maxEntries: number = LB4_REVERSE_SK_MAX_ENTRIES): Lb4ReverseSkMap {
  const spec: HashMapSpec<Lb4ReverseSkKey, Lb4ReverseSkValue> = {
    name: LB4_REVERSE_SK_NAME,
    type: 'lru_hash',
    keySize: 16,
    valueSize: 8,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key.cookie;
        words[at + 1] = key.address;
        words[at + 2] = key.port;
      },
      unpack: (words, at) => ({ cookie: (words[at] as number) >>> 0, address: asIpv4(words[at + 1]), port: words[at + 2] as number }),
      toJson: (key) => ({ cookie: key.cookie, peer: `${formatIpv4(key.address)}:${key.port}` }),
    },
    valueToJson: (value) => ({ ...value, address: formatIpv4(value.address) }),
  };
  return new HashMap(spec);
}
