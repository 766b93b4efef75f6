/**
 * The proxy's view of the connection tracking maps: whose packets made this connection.
 * @see proxy:cilium/conntrack.cc#CtMap
 */
import type { BpfFs } from '../../kernel/bpffs.ts';
import { type Ipv4CtTuple, type CtMap as KernelCtMap, TUPLE_F_IN, TUPLE_F_OUT } from '../../maps/ctmap.ts';
import { IPPROTO_TCP } from '../../net/protocol.ts';
import type { InetAddress } from '../network/address.ts';

/** Answer of a look-up: key and entry are for the journey. */
export interface CtLookup {
  readonly map: string;
  readonly key: Ipv4CtTuple;
  /** 0 = not found. */
  readonly identity: number;
}

/** Opens maps by name and asks them. */
export class CtMaps {
  readonly #bpffs: BpfFs;
  /** Maps opened so far; a map that failed a look-up is opened again at the next one. */
  readonly #open = new Map<string, KernelCtMap>();

  constructor(bpffs: BpfFs) {
    this.#bpffs = bpffs;
  }

  /**
   * The source identity the datapath recorded for a TCP connection.
   * @param name `global` or the endpoint's own map
   * @see proxy:cilium/conntrack.cc#CtMap::lookupSrcIdentity
   * @remarks Not modelled: the IPv6 maps.
   */
  lookupSrcIdentity(name: string, source: InetAddress, destination: InetAddress, ingress: boolean): CtLookup | null {
    if (source.ipv4 === null || destination.ipv4 === null) {
      return null;
    }
    const map = `cilium_ct4_${name}`;
    const key: Ipv4CtTuple = {
      daddr: source.ipv4,
      saddr: destination.ipv4,
      dport: destination.port,
      sport: source.port,
      nexthdr: IPPROTO_TCP,
      flags: ingress ? TUPLE_F_IN : TUPLE_F_OUT,
    };
    const opened = this.#open.get(map) ?? this.#bpffs.get<KernelCtMap>(map);
    const entry = opened?.lookup(key);
    if (opened === undefined || entry === undefined) {
      this.#open.delete(map);
      return { map, key, identity: 0 };
    }
    this.#open.set(map, opened);
    return { map, key, identity: entry.srcSecId };
  }
}
