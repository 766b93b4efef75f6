/**
 * Destination NAT by table: the KUBE-SERVICES and KUBE-NODEPORTS chains that kube-proxy writes, as what they amount to.
 * @see kubernetes:pkg/proxy/iptables/proxier.go#Proxier.syncProxyRules
 * @remarks Simplified: one look-up instead of a chain of rules, and an even choice instead of a row of `-m statistic` rules, which comes to the same.
 */
import { type Cidr4, containsIpv4, type Ipv4 } from '../net/ipv4.ts';
import type { Nanos } from '../sim/clock.ts';
import type { Rng } from '../sim/rng.ts';
import type { Skb } from './skb.ts';
import type { SocketAddress } from './socket.ts';

/** Mark of connections that must be masqueraded. @see kubernetes:pkg/proxy/iptables/proxier.go#KubeMarkMasqChain */
export const DNAT_MASQUERADE_MARK = 0x4000;

/** Where the connections to a destination go. */
export interface DnatEntry {
  /** Those of this node only, where the destination's traffic policy is Local. */
  readonly backends: readonly SocketAddress[];
  /** Whether the backend must see the node's address instead of the client's. */
  readonly masquerade: boolean;
  /** The range of this cluster's pods. */
  readonly pods: Cidr4;
  /** Whether pods keep their address although others are masqueraded. */
  readonly podsKeepAddress: boolean;
  /** externalTrafficPolicy: Local. Those who are inside, pods and the node itself, still reach all of these. */
  readonly fromInside: readonly SocketAddress[] | null;
  /** There are backends, only not on this node: nothing answers for them. */
  readonly elsewhere: boolean;
  /** Who may connect; `null`: everybody. */
  readonly sources: readonly Cidr4[] | null;
  /** sessionAffinity: ClientIP. The name says which destinations share it. */
  readonly affinity: { readonly name: string; readonly timeout: Nanos } | null;
}

/** A destination: an address of its own, or any of the node's addresses (`null`). */
export interface DnatDestination {
  readonly address: Ipv4 | null;
  readonly port: number;
  readonly protocol: number;
}

/** Where a connection goes; `reject`: nowhere, as its service has no backends; `drop`: nowhere, and nobody says so. */
export type DnatChoice = { readonly to: SocketAddress; readonly masquerade: boolean } | 'reject' | 'drop';

/** What a choice depends on beside the packet. */
export interface DnatSurroundings {
  readonly isLocal: (address: Ipv4) => boolean;
  readonly rng: Rng;
  readonly now: Nanos;
}

/** The table of one namespace. */
export class DnatTable {
  readonly #entries = new Map<string, DnatEntry>();
  /** When a client was last sent to a backend, by affinity, backend and client. @see linux:net/netfilter/xt_recent.c#recent_mt */
  readonly #recent = new Map<string, Nanos>();

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

  /** Where the first packet of a connection goes: elsewhere, nowhere, or on (`null`). */
  choose(skb: Skb, around: DnatSurroundings): DnatChoice | null {
    const { ip, l4 } = skb.packet;
    if (l4.kind !== 'tcp' && l4.kind !== 'udp' && l4.kind !== 'sctp') {
      return null;
    }
    const end = { port: l4.dport, protocol: ip.protocol };
    const entry =
      this.#entries.get(keyOf({ ...end, address: ip.dst })) ??
      (around.isLocal(ip.dst) ? this.#entries.get(keyOf({ ...end, address: null })) : undefined);
    if (entry === undefined) {
      return null;
    }
    if (entry.sources !== null && !entry.sources.some((range) => containsIpv4(range, ip.src))) {
      return 'drop';
    }
    const fromPod = containsIpv4(entry.pods, ip.src);
    const fromNode = around.isLocal(ip.src);
    const inside = entry.fromInside !== null && (fromPod || fromNode);
    const backends = inside ? entry.fromInside : entry.backends;
    const to = this.#pick(entry, backends, ip.src, around);
    if (to === undefined) {
      return entry.elsewhere && !inside ? 'drop' : 'reject';
    }
    const masquerade = inside ? fromNode : entry.masquerade && !(entry.podsKeepAddress && fromPod);
    return { to, masquerade };
  }

  /** The backend the client had before, else any. @see kubernetes:pkg/proxy/iptables/proxier.go#Proxier.writeServiceToEndpointRules */
  #pick(
    { affinity }: DnatEntry,
    backends: readonly SocketAddress[],
    client: Ipv4,
    { rng, now }: DnatSurroundings,
  ): SocketAddress | undefined {
    const key = ({ address, port }: SocketAddress): string => `${affinity?.name} ${address}:${port} ${client}`;
    const before =
      affinity === null
        ? undefined
        : backends.find((one) => {
            const at = this.#recent.get(key(one));
            return at !== undefined && now - at <= affinity.timeout;
          });
    const to = before ?? backends[backends.length > 1 ? rng.below(backends.length) : 0];
    if (to !== undefined && affinity !== null) {
      this.#recent.set(key(to), now);
    }
    return to;
  }
}

function keyOf({ address, port, protocol }: DnatDestination): string {
  return `${protocol} ${address ?? 'local'}:${port}`;
}
