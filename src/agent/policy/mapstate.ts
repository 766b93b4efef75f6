/**
 * The wanted content of an endpoint's policy map, and the insertion that lets denies win. Entries are kept by direction, then by port and
 * protocol, then by identity, allows apart from denies, so that an insertion looks only at entries that can matter.
 * @see cilium:pkg/policy/mapstate.go#MapState
 */

import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import { TRAFFIC_EGRESS, TRAFFIC_INGRESS, type TrafficDirection } from '../../maps/policymap.ts';
import { assert } from '../../sim/assert.ts';
import type { IdentityNets } from './identity_nets.ts';
import {
  type MapStateEntry,
  type MapStateOwner,
  newEntry,
  ownersOf,
  type PackedKey,
  Unions,
  withDependent,
  withoutOwner,
} from './mapstate_entry.ts';
import { type Bucket, coveredIds, Direction, isBroader, isCovered, isCoveredBy } from './mapstate_index.ts';

/** Key of the policy map. @see cilium:pkg/policy/mapstate.go#Key */
export interface PolicyKey {
  /** 0 = any. */
  readonly identity: NumericIdentity;
  /** Host order; 0 = any; the type for ICMP. */
  readonly destPort: number;
  /** 0 = any. */
  readonly nexthdr: number;
  readonly trafficDirection: TrafficDirection;
}

/** Packs a key. */
export function packKey(identity: NumericIdentity, destPort: number, nexthdr: number, direction: TrafficDirection): PackedKey {
  return identity * 0x200_0000 + destPort * 0x200 + nexthdr * 2 + direction;
}

/** Unpacks a key. */
export function unpackKey(key: PackedKey): PolicyKey {
  const low = key % 0x200_0000;
  return {
    identity: (key - low) / 0x200_0000,
    destPort: low >>> 9,
    nexthdr: (low >>> 1) & 0xff,
    trafficDirection: (low & 1) as TrafficDirection,
  };
}

/** Stands for a proxy port that the caller has to fill in. */
export const UNKNOWN_PROXY_PORT = 1;

/** Keys that changed, for incremental updates. A key is in at most one of both. */
export interface KeyChanges {
  readonly adds: Set<PackedKey>;
  readonly deletes: Set<PackedKey>;
}

/** The map state. Its methods take keys in pieces: they run for every identity of every filter, and a key object each time would cost too much. */
export class MapState {
  private directions: readonly [Direction, Direction] = [new Direction(), new Direction()];
  private readonly coveredDenyDropped: boolean;
  private readonly unions = new Unions();
  /** Entries written and removed so far: while it stays the same, so does what is wanted. */
  changes = 0;
  /** What entries were before an undoable change touched them. */
  private journal: Map<PackedKey, MapStateEntry | null> | null = null;

  /** @param coveredDenyDropped the quirk of this name, see config.ts */
  constructor(coveredDenyDropped = true) {
    this.coveredDenyDropped = coveredDenyDropped;
  }

  /** Number of entries. */
  get size(): number {
    let size = 0;
    for (const direction of this.directions) {
      for (const bucket of direction.buckets.values()) {
        size += bucket.allow.size + bucket.deny.size;
      }
    }
    return size;
  }

  /** The entry of a key. */
  get(identity: NumericIdentity, port: number, proto: number, direction: TrafficDirection): MapStateEntry | undefined {
    const bucket = this.directions[direction].find(port, proto);
    return bucket?.allow.get(identity) ?? bucket?.deny.get(identity);
  }

  /** The entry of a packed key. */
  getPacked(key: PackedKey): MapStateEntry | undefined {
    const { identity, destPort, nexthdr, trafficDirection } = unpackKey(key);
    return this.get(identity, destPort, nexthdr, trafficDirection);
  }

  /** Writes an entry whatever is there. */
  set(identity: NumericIdentity, port: number, proto: number, direction: TrafficDirection, entry: MapStateEntry): void {
    this.note(identity, port, proto, direction);
    this.changes += 1;
    const all = this.directions[direction];
    const { allow, deny } = all.bucket(port, proto);
    if (entry.isDeny) {
      allow.delete(identity);
      all.denies += deny.has(identity) ? 0 : 1;
      deny.set(identity, entry);
    } else {
      if (deny.delete(identity)) {
        all.denies--;
      }
      allow.set(identity, entry);
    }
  }

  /** Removes an entry without looking at dependents. */
  remove(identity: NumericIdentity, port: number, proto: number, direction: TrafficDirection): void {
    this.note(identity, port, proto, direction);
    this.changes += 1;
    const all = this.directions[direction];
    const bucket = all.find(port, proto);
    bucket?.allow.delete(identity);
    if (bucket?.deny.delete(identity)) {
      all.denies--;
    }
  }

  /** Visits all entries: ingress first, ports in order of first use, allows before denies, identities in order of insertion. */
  forEach(
    visit: (identity: NumericIdentity, port: number, proto: number, direction: TrafficDirection, entry: MapStateEntry) => void,
  ): void {
    for (const direction of [TRAFFIC_INGRESS, TRAFFIC_EGRESS] as const) {
      for (const { port, proto, allow, deny } of this.directions[direction].buckets.values()) {
        for (const [identity, entry] of allow) {
          visit(identity, port, proto, direction, entry);
        }
        for (const [identity, entry] of deny) {
          visit(identity, port, proto, direction, entry);
        }
      }
    }
  }

  /** Notes that a key exists because of another one, which is there. */
  addDependent(identity: NumericIdentity, port: number, proto: number, direction: TrafficDirection, key: PackedKey): void {
    const entry = this.get(identity, port, proto, direction);
    if (entry !== undefined) {
      this.set(identity, port, proto, direction, withDependent(entry, key));
    }
  }

  /** Makes a change and returns how to take it back; other changes in between must not touch the same keys. */
  undoable(change: () => void): () => void {
    assert(this.journal === null, 'one undoable change at a time');
    const journal = new Map<PackedKey, MapStateEntry | null>();
    this.journal = journal;
    change();
    this.journal = null;
    return () => {
      for (const [key, entry] of journal) {
        this.restore(key, entry);
      }
    };
  }

  /** Takes over the entries of another map state, which must not be used any more, and tells what changed. */
  replaceBy(other: MapState, changes: KeyChanges): void {
    this.forEach((identity, port, proto, direction) => {
      if (other.get(identity, port, proto, direction) === undefined) {
        changes.deletes.add(packKey(identity, port, proto, direction));
      }
    });
    other.forEach((identity, port, proto, direction, entry) => {
      const old = this.get(identity, port, proto, direction);
      if (old === undefined || old.isDeny !== entry.isDeny || old.proxyPort !== entry.proxyPort) {
        changes.adds.add(packKey(identity, port, proto, direction));
      }
    });
    this.changes += 1;
    this.directions = other.directions;
  }

  /** Whether everything of a direction is denied. */
  deniesAll(direction: TrafficDirection): boolean {
    return this.directions[direction].find(0, 0)?.deny.has(0) ?? false;
  }

  /**
   * Inserts an entry so that a deny wins over an allow it covers, and a deny inside a wider allow gets keys at the allow's ports.
   * @see cilium:pkg/policy/mapstate.go#MapState.denyPreferredInsertWithChanges
   */
  denyPreferredInsert(
    identity: NumericIdentity,
    port: number,
    proto: number,
    direction: TrafficDirection,
    entry: MapStateEntry,
    nets: IdentityNets,
    changes: KeyChanges | null = null,
  ): void {
    const all = this.directions[direction];
    if (all.denies === 0 && !entry.isDeny) {
      this.redirectPreferredInsert(identity, port, proto, direction, entry, changes);
      return;
    }
    if (this.deniesAll(direction)) {
      return;
    }
    const insertion: Insertion = { identity, port, proto, direction, entry, nets, changes };
    if (entry.isDeny) {
      this.insertDeny(insertion);
    } else {
      this.insertAllow(insertion);
    }
  }

  /**
   * Removes an owner's share of an entry, and the entry when that was the last share; without an owner the entry goes at once. What depends on
   * a removed entry goes with it.
   * @see cilium:pkg/policy/mapstate.go#MapState.deleteKeyWithChanges
   */
  deleteKey(
    identity: NumericIdentity,
    port: number,
    proto: number,
    direction: TrafficDirection,
    owner: { readonly owner: MapStateOwner } | null,
    changes: KeyChanges | null,
  ): void {
    const entry = this.get(identity, port, proto, direction);
    if (entry === undefined) {
      return;
    }
    const key = packKey(identity, port, proto, direction);
    if (owner !== null) {
      const rest = withoutOwner(entry, owner.owner);
      if (rest === undefined) {
        return;
      }
      if (typeof owner.owner === 'number') {
        this.removeDependent(owner.owner, key);
      }
      if (rest !== null) {
        this.set(identity, port, proto, direction, rest);
        return;
      }
    } else {
      for (const one of ownersOf(entry)) {
        if (typeof one === 'number') {
          this.removeDependent(one, key);
        }
      }
    }
    for (const dependent of entry.dependents ?? []) {
      const { identity: id, destPort, nexthdr, trafficDirection } = unpackKey(dependent);
      this.deleteKey(id, destPort, nexthdr, trafficDirection, { owner: key }, changes);
    }
    changes?.deletes.add(key);
    changes?.adds.delete(key);
    this.remove(identity, port, proto, direction);
  }

  /** The buckets a new key can interact with: all for a wildcard key, else its own and the wildcard ones of its protocol. */
  private candidates(insertion: Insertion): Bucket[] {
    const { port, proto } = insertion;
    const direction = this.directions[insertion.direction];
    const full = port !== 0 && proto !== 0;
    const found: Bucket[] = [];
    if (full) {
      const own = direction.find(port, proto);
      if (own !== undefined) {
        found.push(own);
      }
    }
    for (const bucket of full ? direction.wild : direction.buckets.values()) {
      if (proto === 0 || bucket.proto === 0 || proto === bucket.proto) {
        found.push(bucket);
      }
    }
    return found;
  }

  private insertDeny(insertion: Insertion): void {
    const { identity, port, proto, direction, nets, changes } = insertion;
    let { entry } = insertion;
    const key = packKey(identity, port, proto, direction);
    const wider = nets.ancestors(identity);
    const l3Denies = this.directions[direction].find(0, 0)?.deny;
    if (l3Denies !== undefined && l3Denies.size > 0) {
      for (const id of this.coveredDenyDropped ? [identity, ...wider] : [identity]) {
        const cover = l3Denies.get(id);
        if (cover !== undefined && !cover.dependents?.has(key)) {
          return;
        }
      }
    }
    const l3Only = port === 0 && proto === 0;
    for (const bucket of this.candidates(insertion)) {
      const broader = isBroader(port, proto, bucket.port, bucket.proto);
      if (broader && identity !== 0) {
        const covered = bucket.allow.has(0) || wider.some((id) => bucket.allow.has(id));
        if (covered) {
          this.addKey(identity, bucket.port, bucket.proto, direction, newEntry(key, entry.derivedFrom, 0, true), changes);
          entry = withDependent(entry, packKey(identity, bucket.port, bucket.proto, direction));
        }
      }
      if (broader || (port === bucket.port && proto === bucket.proto)) {
        for (const id of coveredIds(bucket.allow, identity, nets)) {
          this.deleteKey(id, bucket.port, bucket.proto, direction, null, changes);
        }
      }
      if (l3Only) {
        const covered = this.coveredDenyDropped || identity === 0 ? coveredIds(bucket.deny, identity, nets, true) : [identity];
        for (const id of covered) {
          if (!entry.dependents?.has(packKey(id, bucket.port, bucket.proto, direction))) {
            this.deleteKey(id, bucket.port, bucket.proto, direction, null, changes);
          }
        }
      }
    }
    this.addKey(identity, port, proto, direction, entry, changes);
  }

  private insertAllow(insertion: Insertion): void {
    const { identity, port, proto, direction, entry, nets, changes } = insertion;
    const key = packKey(identity, port, proto, direction);
    const wider = nets.ancestors(identity);
    const candidates = this.candidates(insertion);
    for (const bucket of candidates) {
      const covers = isBroader(bucket.port, bucket.proto, port, proto) || (port === bucket.port && proto === bucket.proto);
      if (!covers || bucket.deny.size === 0) {
        continue;
      }
      if (
        isCovered(bucket.deny, identity, key) ||
        wider.some((id) => !nets.isSuperset(identity, id) && isCoveredBy(bucket.deny, id, key))
      ) {
        return;
      }
    }
    for (const bucket of candidates) {
      if (bucket.deny.size > 0 && isBroader(bucket.port, bucket.proto, port, proto)) {
        this.shieldDenies(bucket, insertion);
      }
    }
    this.redirectPreferredInsert(identity, port, proto, direction, entry, changes);
  }

  /** Copies denies of broader ports inside the new allow's identity to the allow's port. */
  private shieldDenies(bucket: Bucket, { identity, port, proto, direction, nets, changes }: Insertion): void {
    const inside = identity === 0 ? [...bucket.deny.keys()].filter((id) => id !== 0) : coveredIds(bucket.deny, identity, nets, true);
    for (const id of inside) {
      const cover = bucket.deny.get(id);
      if (cover === undefined || id === identity) {
        continue;
      }
      const owner = packKey(id, bucket.port, bucket.proto, direction);
      this.addKey(id, port, proto, direction, newEntry(owner, cover.derivedFrom, 0, true), changes);
      bucket.deny.set(id, withDependent(cover, packKey(id, port, proto, direction)));
    }
  }

  /** An existing deny or redirect stays and gains the owners. @see cilium:pkg/policy/mapstate.go#MapState.redirectPreferredInsert */
  private redirectPreferredInsert(
    identity: NumericIdentity,
    port: number,
    proto: number,
    direction: TrafficDirection,
    entry: MapStateEntry,
    changes: KeyChanges | null,
  ): void {
    const bucket = this.directions[direction].bucket(port, proto);
    const old = bucket.allow.get(identity) ?? bucket.deny.get(identity);
    if (old === undefined && changes === null && this.journal === null) {
      this.changes += 1;
      bucket.allow.set(identity, entry);
    } else if (old !== undefined && (old.isDeny || old.proxyPort !== 0)) {
      this.set(identity, port, proto, direction, this.unions.of(old, entry));
    } else {
      this.addKey(identity, port, proto, direction, entry, changes);
    }
  }

  /** @see cilium:pkg/policy/mapstate.go#MapState.addKeyWithChanges */
  private addKey(
    identity: NumericIdentity,
    port: number,
    proto: number,
    direction: TrafficDirection,
    entry: MapStateEntry,
    changes: KeyChanges | null,
  ): void {
    const old = this.get(identity, port, proto, direction);
    this.set(identity, port, proto, direction, old === undefined ? entry : this.unions.of(entry, old));
    if (changes !== null && (old === undefined || old.isDeny !== entry.isDeny || old.proxyPort !== entry.proxyPort)) {
      const key = packKey(identity, port, proto, direction);
      changes.adds.add(key);
      changes.deletes.delete(key);
    }
  }

  private note(identity: NumericIdentity, port: number, proto: number, direction: TrafficDirection): void {
    if (this.journal !== null) {
      const key = packKey(identity, port, proto, direction);
      if (!this.journal.has(key)) {
        this.journal.set(key, this.get(identity, port, proto, direction) ?? null);
      }
    }
  }

  private restore(key: PackedKey, entry: MapStateEntry | null): void {
    const { identity, destPort, nexthdr, trafficDirection } = unpackKey(key);
    if (entry !== null) {
      this.set(identity, destPort, nexthdr, trafficDirection, entry);
      return;
    }
    const added = this.get(identity, destPort, nexthdr, trafficDirection);
    for (const owner of added === undefined ? [] : ownersOf(added)) {
      if (typeof owner === 'number') {
        this.removeDependent(owner, key);
      }
    }
    this.remove(identity, destPort, nexthdr, trafficDirection);
  }

  private removeDependent(owner: PackedKey, key: PackedKey): void {
    this.getPacked(owner)?.dependents?.delete(key);
  }
}

interface Insertion {
  readonly identity: NumericIdentity;
  readonly port: number;
  readonly proto: number;
  readonly direction: TrafficDirection;
  readonly entry: MapStateEntry;
  readonly nets: IdentityNets;
  readonly changes: KeyChanges | null;
}
