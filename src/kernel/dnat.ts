/**
 * Destination NAT by table: the KUBE-SERVICES and KUBE-NODEPORTS chains that kube-proxy writes, as what they amount to.
 * @see kubernetes:pkg/proxy/iptables/proxier.go#Proxier.syncProxyRules
 * @remarks Simplified: one look-up instead of a chain of rules, and an even choice instead of a row of `-m statistic` rules, which comes to the same.
 */
import { type Cidr4, containsIpv4, type Ipv4 } from '../net/ipv4.ts';
import type { Rng } from '../sim/rng.ts';
import type { Skb } from './skb.ts';
import type { SocketAddress } from './socket.ts';

/** Mark of connections that must be masqueraded. @see kubernetes:pkg/proxy/iptables/proxier.go#KubeMarkMasqChain */
export const DNAT_MASQUERADE_MARK = 0x4000;

/** Where the connections to a destination go. */
export interface DnatEntry {
  readonly backends: readonly SocketAddress[];
  /** Whether the backend must see the node's address instead of the client's. */
  readonly masquerade: boolean;
  /** Clients whose address stays although others are masqueraded. */
  readonly unlessFrom?: Cidr4;
}

/** A destination: an address of its own, or any of the node's addresses (`null`). */
export interface DnatDestination {
  readonly address: Ipv4 | null;
  readonly port: number;
  readonly protocol: number;
}

/** The table of one namespace. */
export class DnatTable {
  readonly #entries = new Map<string, DnatEntry>();

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  /** Writes a destination. */
  set(destination: DnatDestination, entry: DnatEntry): void {
    this.#entries.set(keyOf(destination), entry);
  }

  /** Removes a destination. */
  delete(destination: DnatDestination): void {
    this.#entries.delete(keyOf(destination));
  }

  /** Where the first packet of a connection goes: elsewhere, nowhere (no backends), or on (`null`). */
  choose(
    skb: Skb,
    isLocal: (address: Ipv4) => boolean,
    rng: Rng,
  ): { readonly to: SocketAddress; readonly masquerade: boolean } | 'reject' | null {
    const { ip, l4 } = skb.packet;
    if (l4.kind !== 'tcp' && l4.kind !== 'udp' && l4.kind !== 'sctp') {
      return null;
    }
    const end = { port: l4.dport, protocol: ip.protocol };
    const entry =
      this.#entries.get(keyOf({ ...end, address: ip.dst })) ??
      (isLocal(ip.dst) ? this.#entries.get(keyOf({ ...end, address: null })) : undefined);
    if (entry === undefined) {
      return null;
    }
    const to = entry.backends[entry.backends.length > 1 ? rng.below(entry.backends.length) : 0];
    const keep = entry.unlessFrom !== undefined && containsIpv4(entry.unlessFrom, ip.src);
    return to === undefined ? 'reject' : { to, masquerade: entry.masquerade && !keep };
  }
}

function keyOf({ address, port, protocol }: DnatDestination): string {
  return `${protocol} ${address ?? 'local'}:${port}`;
}
