/**
 * `cilium_ct4_global` and `cilium_ct_any4_global`: connection tracking.
 *
 * Keys keep the kernel header's field names, whose meaning surprises: in a stored entry `daddr` is the original *source* address and `saddr`
 * the original destination, while `dport` is the original destination port and `sport` the original source port.
 * @see cilium:bpf/lib/common.h#ipv4_ct_tuple
 * @see cilium:bpf/lib/common.h#ct_entry
 * @see cilium:pkg/maps/ctmap/types.go
 */
import type { KeyCodec } from '../kernel/bpf_map.ts';
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { asIpv4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { protocolName } from '../net/protocol.ts';
import type { Identity } from './identity.ts';

/** Pinned names and default sizes. @see cilium:pkg/option/config.go#CTMapEntriesGlobalTCPDefault */
export const CT_MAP_TCP4_GLOBAL = 'cilium_ct4_global';
export const CT_MAP_ANY4_GLOBAL = 'cilium_ct_any4_global';
export const CT_MAP_TCP_MAX_ENTRIES = 524288;
export const CT_MAP_ANY_MAX_ENTRIES = 262144;

/** Bits of the tuple's flags. @see cilium:bpf/lib/common.h#TUPLE_F_OUT */
export const TUPLE_F_OUT = 0;
export const TUPLE_F_IN = 1;
export const TUPLE_F_RELATED = 2;
export const TUPLE_F_SERVICE = 4;

/** Key of 14 bytes. Mutable: programs build it in place. */
export interface Ipv4CtTuple {
  daddr: Ipv4;
  saddr: Ipv4;
  dport: number;
  sport: number;
  nexthdr: number;
  flags: number;
}

/** Bits of an entry's flags word, with the names the CLI prints. */
export const CT_RX_CLOSING = 0x0001;
export const CT_TX_CLOSING = 0x0002;
export const CT_NAT46 = 0x0004;
export const CT_LB_LOOPBACK = 0x0008;
export const CT_SEEN_NON_SYN = 0x0010;
export const CT_NODE_PORT = 0x0020;
export const CT_PROXY_REDIRECT = 0x0040;
export const CT_DSR = 0x0080;
export const CT_FROM_L7LB = 0x0100;
export const CT_AUTH_REQUIRED = 0x0200;

/** Value of 56 bytes. `rxBytes` of a SERVICE entry is its backend id (a union in C). */
export interface CtEntry {
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
  /** Absolute, in clock seconds. */
  lifetime: number;
  flags: number;
  revNatIndex: number;
  ifindex: number;
  txFlagsSeen: number;
  rxFlagsSeen: number;
  srcSecId: Identity;
  lastTxReport: number;
  lastRxReport: number;
}

/** A conntrack map. */
export type CtMap = HashMap<Ipv4CtTuple, CtEntry>;

export const CT_KEY: KeyCodec<Ipv4CtTuple> = {
  pack: (key, words, at) => {
    words[at] = key.daddr;
    words[at + 1] = key.saddr;
    words[at + 2] = (key.dport << 16) | key.sport;
    words[at + 3] = (key.nexthdr << 8) | key.flags;
  },
  unpack: (words, at) => {
    const ports = words[at + 2] as number;
    const last = words[at + 3] as number;
    return {
      daddr: asIpv4(words[at]),
      saddr: asIpv4(words[at + 1]),
      dport: ports >>> 16,
      sport: ports & 0xffff,
      nexthdr: last >>> 8,
      flags: last & 0xff,
    };
  },
  toJson: (key) => ({
    daddr: formatIpv4(key.daddr),
    saddr: formatIpv4(key.saddr),
    dport: key.dport,
    sport: key.sport,
    nexthdr: key.nexthdr,
    flags: key.flags,
    text: ctTupleText(key),
  }),
};

/** Creates one of the global maps; LRU, as the kernel of the article has it. */
export function newCtMap(name: string, maxEntries: number): CtMap {
  const spec: HashMapSpec<Ipv4CtTuple, CtEntry> = {
    name,
    type: 'lru_hash',
    keySize: 14,
    valueSize: 56,
    maxEntries,
    key: CT_KEY,
    valueToJson: (value) => ({ ...value, text: ctEntryText(value) }),
  };
  return new HashMap(spec);
}

/** Names of the flag bits in the order the CLI prints them. @see cilium:pkg/maps/ctmap/types.go#CtEntry.flagsString */
export const CT_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [CT_RX_CLOSING, 'RxClosing'],
  [CT_TX_CLOSING, 'TxClosing'],
  [CT_NAT46, 'Nat64'],
  [CT_LB_LOOPBACK, 'LBLoopback'],
  [CT_SEEN_NON_SYN, 'SeenNonSyn'],
  [CT_NODE_PORT, 'NodePort'],
  [CT_PROXY_REDIRECT, 'ProxyRedirect'],
  [CT_DSR, 'DSR'],
  [CT_FROM_L7LB, 'FromL7LB'],
  [CT_AUTH_REQUIRED, 'AuthRequired'],
];

/** An entry in one short line, for people. */
function ctEntryText(entry: CtEntry): string {
  const flags = CT_FLAG_NAMES.filter(([bit]) => (entry.flags & bit) !== 0).map(([, name]) => name);
  const counts = `rx ${entry.rxPackets}/${entry.rxBytes} tx ${entry.txPackets}/${entry.txBytes}`;
  const parts = [counts, `expires ${entry.lifetime}`, ...flags];
  if (entry.revNatIndex !== 0) {
    parts.push(`RevNAT ${entry.revNatIndex}`);
  }
  if (entry.srcSecId !== 0) {
    parts.push(`identity ${entry.srcSecId}`);
  }
  return parts.join(', ');
}

/** An entry of zeroes. */
export function zeroCtEntry(): CtEntry {
  return {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    lifetime: 0,
    flags: 0,
    revNatIndex: 0,
    ifindex: 0,
    txFlagsSeen: 0,
    rxFlagsSeen: 0,
    srcSecId: 0,
    lastTxReport: 0,
    lastRxReport: 0,
  };
}

/**
 * `TCP OUT 10.0.0.1:1024 -> 10.0.0.2:80 ` with a trailing blank, un-reversing the stored fields.
 * @see cilium:pkg/maps/ctmap/types.go#CtKey4Global.Dump
 */
export function ctTupleText(key: Ipv4CtTuple): string {
  const direction = (key.flags & TUPLE_F_IN) !== 0 ? 'IN' : 'OUT';
  const related = (key.flags & TUPLE_F_RELATED) !== 0 ? 'related ' : '';
  const service = (key.flags & TUPLE_F_SERVICE) !== 0 ? 'service ' : '';
  const source = `${formatIpv4(key.daddr)}:${key.sport}`;
  const destination = `${formatIpv4(key.saddr)}:${key.dport}`;
  return `${protocolName(key.nexthdr)} ${direction} ${source} -> ${destination} ${related}${service}`;
}
