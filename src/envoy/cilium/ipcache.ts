/**
 * The proxy's view of `cilium_ipcache`.
 * @see proxy:cilium/ipcache.cc#IPCache
 */

import type { BpfFs } from '../../kernel/bpffs.ts';
import { ENDPOINT_KEY_IPV4, IPCACHE_NAME, type IpcacheMap } from '../../maps/ipcache.ts';
import type { InetAddress } from '../network/address.ts';

/** Looks identities up in the pinned map. */
export class IpCache {
  readonly #map: IpcacheMap;

  private constructor(map: IpcacheMap) {
    this.#map = map;
  }

  /** Opens the pinned map, or returns `null` if there is none. @see proxy:cilium/ipcache.cc#IPCache::Open */
  static open(bpffs: BpfFs): IpCache | null {
    const map = bpffs.get<IpcacheMap>(IPCACHE_NAME);
    return map === undefined ? null : new IpCache(map);
  }

  /** The identity of an address; 0 = no entry. @see proxy:cilium/ipcache.cc#IPCache::resolve */
  resolve(address: InetAddress): number {
    return address.ipv4 === null ? 0 : (this.#map.lookup4(ENDPOINT_KEY_IPV4, address.ipv4)?.secLabel ?? 0);
  }

  /** The entry with its key, for the journey. */
  explain(address: InetAddress): { readonly prefix: string; readonly identity: number } | null {
    const found = address.ipv4 === null ? undefined : this.#map.match({ space: ENDPOINT_KEY_IPV4, length: 32, address: address.ipv4 });
    return found === undefined ? null : { prefix: String(this.#map.spec.key.toJson(found.key)['prefix']), identity: found.value.secLabel };
  }
}
