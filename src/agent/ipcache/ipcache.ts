/**
 * The agent's cache of addresses and identities, and the BPF map that follows it.
 * @see cilium:pkg/ipcache/ipcache.go
 * @see cilium:pkg/datapath/ipcache/listener.go#BPFListener.OnIPIdentityCacheChange
 */
import type { Identity } from '../../maps/identity.ts';
import { ENDPOINT_KEY_IPV4, type IpcacheMap } from '../../maps/ipcache.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { formatPrefix, type IpPrefix, maskPrefix } from '../../net/prefix.ts';
import type { Journey } from '../../sim/journey.ts';
import { NodeIds } from '../datapath/node_ids.ts';

/** Who says so; later ones yield to earlier ones. @see cilium:pkg/source/source.go#AllowOverwrite */
export const SOURCES = ['kube-apiserver', 'local', 'kvstore', 'custom-resource', 'k8s', 'generated', 'restored', 'unspec'] as const;
export type Source = (typeof SOURCES)[number];

/** What is known of a prefix. */
export interface IpcacheEntry {
  readonly identity: Identity;
  readonly source: Source;
  /** The node to tunnel to; 0 = this one, or none. */
  readonly hostIp: Ipv4;
}

/** The cache. */
export class Ipcache {
  readonly nodeIds: NodeIds;
  readonly #map: IpcacheMap;
  readonly #journey: Journey;
  readonly #nodeIp: Ipv4;
  readonly #entries = new Map<string, IpcacheEntry>();

  constructor(map: IpcacheMap, journey: Journey, nodeIp: Ipv4) {
    this.#map = map;
    this.#journey = journey;
    this.#nodeIp = nodeIp;
    this.nodeIds = new NodeIds(nodeIp);
  }

  /** What is known of a prefix text. */
  get(prefix: string): IpcacheEntry | undefined {
    return this.#entries.get(prefix);
  }

  /** What is known of the longest prefix that holds an address. @see cilium:daemon/cmd/daemon.go#Daemon.LookupSecIDByIP */
  lookup(address: Ipv4): IpcacheEntry | undefined {
    for (let length = 32; length >= 0; length--) {
      const entry = this.#entries.get(formatPrefix(maskPrefix({ family: 4, bits: BigInt(address), length })));
      if (entry !== undefined) {
        return entry;
      }
    }
    return undefined;
  }

  /** Addresses that have an identity of their own. @see cilium:pkg/ipcache/ipcache.go#IPCache.LookupByIdentity */
  addressesOf(identity: Identity): string[] {
    return [...this.#entries].flatMap(([prefix, entry]) =>
      entry.identity === identity && prefix.endsWith('/32') ? [prefix.slice(0, -3)] : [],
    );
  }

  /** Says that a prefix has an identity; `false` if a better source says otherwise. @see cilium:pkg/ipcache/ipcache.go#IPCache.upsertLocked */
  upsert(prefix: IpPrefix, entry: IpcacheEntry): boolean {
    const text = formatPrefix(prefix);
    const old = this.#entries.get(text);
    if (old !== undefined && SOURCES.indexOf(entry.source) > SOURCES.indexOf(old.source)) {
      return false;
    }
    this.#entries.set(text, entry);
    const key = keyOf(prefix);
    const before = this.#map.exact(key);
    const tunnelEndpoint = entry.hostIp === this.#nodeIp ? 0 : entry.hostIp;
    const value = { secLabel: entry.identity, tunnelEndpoint, nodeId: this.nodeIds.of(tunnelEndpoint), key: 0 };
    this.#map.update(key, value);
    if (this.#journey.recording) {
      this.#journey.add({
        kind: 'change',
        actor: 'agent',
        fn: 'OnIPIdentityCacheChange',
        see: 'cilium:pkg/datapath/ipcache/listener.go#BPFListener.OnIPIdentityCacheChange',
        target: this.#map.spec.name,
        key: { prefix: text },
        before: before === undefined ? null : this.#map.spec.valueToJson(before),
        after: this.#map.spec.valueToJson(value),
      });
    }
    return true;
  }

  /** Forgets a prefix. */
  delete(prefix: IpPrefix): void {
    this.#entries.delete(formatPrefix(prefix));
    this.#map.delete(keyOf(prefix));
  }
}

function keyOf(prefix: IpPrefix): { space: number; length: number; address: number | bigint } {
  return prefix.family === 4
    ? { space: ENDPOINT_KEY_IPV4, length: prefix.length, address: Number(prefix.bits) }
    : { space: 2, length: prefix.length, address: prefix.bits };
}

/** The /32 of an address. */
export function hostPrefix4(address: Ipv4): IpPrefix {
  return { family: 4, bits: BigInt(address), length: 32 };
}
