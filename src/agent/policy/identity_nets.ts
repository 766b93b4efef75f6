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

/** Index of the prefixes of known identities. */
export class IdentityNets {
  private readonly nets = new Map<NumericIdentity, Cidr4>();
  /** By prefix length, then address: identities of exactly that prefix. */
  private readonly byLength = new Map<number, Map<number, NumericIdentity[]>>();
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
      const list: NumericIdentity[] = [];
      for (const other of this.nets.keys()) {
        if (this.isSuperset(id, other)) {
          list.push(other);
        }
      }
      found = list;
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

  private invalidate(): void {
    this.wider.clear();
    this.narrower.clear();
  }
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
