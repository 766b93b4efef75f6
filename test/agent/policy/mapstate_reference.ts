/**
 * Deny-preferred insertion written as the rules say it, by looking at every entry in a given order (the real one iterates an unordered map).
 * Slow and simple: the yardstick for the indexed insertion.
 */

import type { IdentityNets } from '../../../src/agent/policy/identity_nets.ts';
import { type MapState, packKey, unpackKey } from '../../../src/agent/policy/mapstate.ts';
import { type MapStateOwner, ownersOf, type PackedKey } from '../../../src/agent/policy/mapstate_entry.ts';

export interface RefEntry {
  deny: boolean;
  proxyPort: number;
  owners: Set<MapStateOwner>;
  dependents: Set<PackedKey>;
}

export type RefState = Map<PackedKey, RefEntry>;

export interface Insert {
  readonly identity: number;
  readonly port: number;
  readonly proto: number;
  readonly deny: boolean;
  readonly proxyPort: number;
  readonly owner: MapStateOwner;
}

/** Orders keys; the order stands for the whim of an unordered map. */
export type Shuffle = (keys: PackedKey[]) => PackedKey[];

export function refOf(state: MapState): RefState {
  const ref: RefState = new Map();
  state.forEach((identity, port, proto, direction, entry) => {
    ref.set(packKey(identity, port, proto, direction), {
      deny: entry.isDeny,
      proxyPort: entry.proxyPort,
      owners: new Set(ownersOf(entry)),
      dependents: new Set(entry.dependents ?? []),
    });
  });
  return ref;
}

/** The observable part: verdicts by key. */
export function verdicts(ref: RefState): string {
  return [...ref]
    .map(([key, { deny, proxyPort }]) => `${JSON.stringify(unpackKey(key))} ${deny ? 'deny' : proxyPort}`)
    .sort()
    .join('\n');
}

export function refInsert(state: RefState, insert: Insert, nets: IdentityNets, shuffle: Shuffle): void {
  const { identity, port, proto } = insert;
  const entry: RefEntry = { deny: insert.deny, proxyPort: insert.proxyPort, owners: new Set([insert.owner]), dependents: new Set() };
  const newKey = packKey(identity, port, proto, 0);
  if (state.get(packKey(0, 0, 0, 0))?.deny) {
    return;
  }
  for (const key of shuffle([...state.keys()])) {
    const other = state.get(key);
    const k = unpackKey(key);
    if (other === undefined || !(proto === 0 || k.nexthdr === 0 || proto === k.nexthdr)) {
      continue;
    }
    const newBroader = (port === 0 && k.destPort !== 0) || (proto === 0 && k.nexthdr !== 0);
    const oldBroader = (k.destPort === 0 && port !== 0) || (k.nexthdr === 0 && proto !== 0);
    const equal = port === k.destPort && proto === k.nexthdr;
    const same = identity === k.identity;
    const oldWider = covers(nets, k.identity, identity);
    const newWider = covers(nets, identity, k.identity);
    if (insert.deny && !other.deny) {
      if (oldWider) {
        if (newBroader) {
          const copy = packKey(identity, k.destPort, k.nexthdr, 0);
          add(state, copy, { deny: true, proxyPort: 0, owners: new Set([newKey]), dependents: new Set() });
          entry.dependents.add(copy);
        }
      } else if ((same || newWider) && (newBroader || equal)) {
        remove(state, key, null);
      }
    } else if (insert.deny) {
      if ((same || oldWider) && k.destPort === 0 && k.nexthdr === 0 && !other.dependents.has(newKey)) {
        return;
      }
      if ((same || newWider) && port === 0 && proto === 0 && !entry.dependents.has(key)) {
        remove(state, key, null);
      }
    } else if (other.deny) {
      if (newWider) {
        if (oldBroader) {
          const copy = packKey(k.identity, port, proto, 0);
          add(state, copy, { deny: true, proxyPort: 0, owners: new Set([key]), dependents: new Set() });
          other.dependents.add(copy);
        }
      } else if ((same || oldWider) && (oldBroader || equal) && !other.dependents.has(newKey)) {
        return;
      }
    }
  }
  const old = state.get(newKey);
  if (!insert.deny && old !== undefined && (old.deny || old.proxyPort !== 0)) {
    for (const owner of entry.owners) {
      old.owners.add(owner);
    }
    return;
  }
  add(state, newKey, entry);
}

function covers(nets: IdentityNets, wide: number, narrow: number): boolean {
  return wide !== narrow && (wide === 0 || nets.isSuperset(wide, narrow));
}

function add(state: RefState, key: PackedKey, entry: RefEntry): void {
  const old = state.get(key);
  if (old !== undefined) {
    old.owners.forEach((owner) => {
      entry.owners.add(owner);
    });
    old.dependents.forEach((dependent) => {
      entry.dependents.add(dependent);
    });
  }
  state.set(key, entry);
}

function remove(state: RefState, key: PackedKey, owner: PackedKey | null): void {
  const entry = state.get(key);
  if (entry === undefined) {
    return;
  }
  if (owner !== null) {
    if (!entry.owners.delete(owner)) {
      return;
    }
    state.get(owner)?.dependents.delete(key);
    if (entry.owners.size > 0) {
      return;
    }
  } else {
    for (const one of entry.owners) {
      if (typeof one === 'number') {
        state.get(one)?.dependents.delete(key);
      }
    }
  }
  for (const dependent of [...entry.dependents]) {
    remove(state, dependent, key);
  }
  state.delete(key);
}
