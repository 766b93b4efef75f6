/**
 * Prefixes behind identities and how they nest: the "superset" relation of deny precedence. World stands for all of both families; an identity
 * of an IPv4 prefix has its longest `cidr:` label; IPv6 labels do not read back as prefixes (their colons are dashes), so such identities nest
 * in nothing, as in 1.13.3.
 * @see cilium:pkg/policy/mapstate.go#MapStateEntry.getNets
 * @see cilium:pkg/ip/cidr.go#NetsContainsAny
 */
import { IDENTITY_WORLD, type Identity as NumericIdentity } from '../../maps/identity.ts';
import { type Cidr4, netmask4, parseCidr4 } from '../../net/ipv4.ts';
import type { Identity } from '../identity/identity.ts';
import { LABEL_SOURCE_CIDR } from '../labels/labels.ts';

const NONE: readonly NumericIdentity[] = [];

/** A prefix with its identity. */
interface PlacedNet extends Cidr4 {
  readonly id: NumericIdentity;
}

/** Index of the prefixes of known identities. */
export class IdentityNets {
  private readonly nets = new Map<NumericIdentity, Cidr4>();
  /** By prefix length, then address: identities of exactly that prefix. */
  private readonly byLength = new Map<number, Map<number, NumericIdentity[]>>();
  /** All prefixes by address; made when first asked for. */
  private ordered: readonly PlacedNet[] | null = null;
  private readonly wider = new Map<NumericIdentity, readonly NumericIdentity[]>();
  private readonly narrower = new Map<NumericIdentity, readonly NumericIdentity[]>();

  /** Takes an identity in. */
  add(identity: Identity): void {
    const net = netOf(identity);
    if (net === null) {
      return;
    }
    this.nets.set(identity.id, net);
    let level = this.byLength.get(net.length);
    if (level === undefined) {
      level = new Map();
      this.byLength.set(net.length, level);
    }
    level.set(net.address, [...(level.get(net.address) ?? []), identity.id]);
    this.invalidate();
  }

  /** Takes an identity out. */
  remove(identity: Identity): void {
    const net = this.nets.get(identity.id);
    if (net === undefined) {
      return;
    }
    this.nets.delete(identity.id);
    const level = this.byLength.get(net.length) as Map<number, NumericIdentity[]>;
    level.set(
      net.address,
      (level.get(net.address) ?? []).filter((id) => id !== identity.id),
    );
    this.invalidate();
  }

  /** Other identities whose prefix holds or equals this one's. */
  ancestors(id: NumericIdentity): readonly NumericIdentity[] {
    const net = this.nets.get(id);
    if (net === undefined) {
      return NONE;
    }
    let found = this.wider.get(id);
    if (found === undefined) {
      const list: NumericIdentity[] = [];
      for (const [length, level] of this.byLength) {
        if (length <= net.length) {
          const here = level.get((net.address & netmask4(length)) >>> 0) ?? NONE;
          list.push(...here.filter((other) => other !== id));
        }
      }
      found = list;
      this.wider.set(id, found);
    }
    return found;
  }

  /** Other identities whose prefix is part of or equal to this one's. */
  descendants(id: NumericIdentity): readonly NumericIdentity[] {
    const net = this.nets.get(id);
    if (net === undefined) {
      return NONE;
    }
    let found = this.narrower.get(id);
    if (found === undefined) {
      found = this.within(id, net);
      this.narrower.set(id, found);
    }
    return found;
  }

  /** Whether `wide` covers `narrow`: any covers every other, a prefix those inside it; never itself. */
  isSuperset(wide: NumericIdentity, narrow: NumericIdentity): boolean {
    if (wide === narrow) {
      return false;
    }
    if (wide === 0) {
      return true;
    }
    const a = this.nets.get(wide);
    const b = this.nets.get(narrow);
    return a !== undefined && b !== undefined && b.length >= a.length && (b.address & netmask4(a.length)) >>> 0 === a.address;
  }

  /** What lies within a prefix follows it in the order of addresses. */
  private within(id: NumericIdentity, net: Cidr4): readonly NumericIdentity[] {
    this.ordered ??= [...this.nets].map(([one, { address, length }]) => ({ id: one, address, length })).sort(byAddress);
    const list: NumericIdentity[] = [];
    for (let i = firstAt(this.ordered, net.address); i < this.ordered.length; i++) {
      const other = this.ordered[i] as PlacedNet;
      if ((other.address & netmask4(net.length)) >>> 0 !== net.address) {
        break;
      }
      if (other.id !== id && other.length >= net.length) {
        list.push(other.id);
      }
    }
    return list;
  }

  private invalidate(): void {
    this.ordered = null;
    this.wider.clear();
    this.narrower.clear();
  }
}

function byAddress(a: PlacedNet, b: PlacedNet): number {
  return a.address - b.address || a.length - b.length;
}

/** Index of the first prefix at or after an address. */
function firstAt(ordered: readonly PlacedNet[], address: number): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ordered[middle] as PlacedNet).address < address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function netOf(identity: Identity): Cidr4 | null {
  if (identity.id === IDENTITY_WORLD) {
    return { address: 0, length: 0 };
  }
  let best: Cidr4 | null = null;
  for (const label of identity.labels) {
    const net = label.source === LABEL_SOURCE_CIDR ? parseCidr4(label.key) : null;
    if (net !== null && net.length > (best?.length ?? 0)) {
      best = net;
    }
  }
  return best;
}
