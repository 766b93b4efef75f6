/**
 * Entries of a map state. Thousands of keys have the same owners, rules and verdict: they share one entry, which therefore never changes; what
 * happens to a key gives it another one.
 * @see cilium:pkg/policy/mapstate.go#MapStateEntry
 */
import type { LabelArray } from '../labels/labels.ts';
import type { RuleOrigin } from './api/rule.ts';

/** A key as one number, for sets and diffs: `identity < 2^28`. */
export type PackedKey = number;

/**
 * What needs an entry: a selector's part of a filter, a key (for entries that exist because of another entry), or nobody (`null`, sticky).
 * @see cilium:pkg/policy/mapstate.go#MapStateOwner
 */
export type MapStateOwner = EntrySource | PackedKey | null;

/** A selector's part of a filter, as far as map entries care. */
export interface EntrySource {
  /** The rules behind it. */
  readonly origins: readonly RuleOrigin[];
  /** Says what it allows only once the connection is authenticated. */
  readonly policy: { readonly auth: string | null } | null;
}

/** Value of a map entry. */
export interface MapStateEntry {
  /** Host order; 0 = no proxy. `UNKNOWN_PROXY_PORT` until a redirect's port is known. */
  readonly proxyPort: number;
  readonly isDeny: boolean;
  /** Labels of the rules, one array a rule. */
  readonly derivedFrom: readonly LabelArray[];
  /** Never empty. One owner is kept bare. */
  readonly owners: MapStateOwner | ReadonlySet<MapStateOwner>;
  /** Keys of entries that exist because of this one. An entry that has some belongs to one key, so they may come and go. */
  readonly dependents: Set<PackedKey> | null;
}

/** Makes an entry with one owner. */
export function newEntry(owner: MapStateOwner, derivedFrom: readonly LabelArray[], proxyPort: number, isDeny: boolean): MapStateEntry {
  return { proxyPort, isDeny, derivedFrom, owners: owner, dependents: null };
}

/** The owners of an entry. */
export function ownersOf(entry: MapStateEntry): readonly MapStateOwner[] {
  return entry.owners instanceof Set ? [...entry.owners] : [entry.owners as MapStateOwner];
}

/** Types of authentication. @see cilium:pkg/policy/l4.go#AuthType */
export const AUTH_TYPE_NONE = 0;
export const AUTH_TYPE_NULL = 1;

/**
 * The authentication an entry asks for, which is that of the selector behind it.
 * @see cilium:pkg/policy/l4.go#PerSelectorPolicy.GetAuthType
 * @remarks Simplified: of several selectors with different answers upstream keeps that of the first, in no fixed order; here any that asks counts.
 */
export function authTypeOf(entry: MapStateEntry): number {
  const asks = (owner: MapStateOwner): boolean => typeof owner === 'object' && owner?.policy?.auth === 'null';
  const { owners, isDeny } = entry;
  return !isDeny && (owners instanceof Set ? ownersOf(entry).some(asks) : asks(owners as MapStateOwner)) ? AUTH_TYPE_NULL : AUTH_TYPE_NONE;
}

/** The entry with the key among those that exist because of it. */
export function withDependent(entry: MapStateEntry, key: PackedKey): MapStateEntry {
  if (entry.dependents === null) {
    return { ...entry, dependents: new Set([key]) };
  }
  entry.dependents.add(key);
  return entry;
}

/** The entry without an owner: `null` when that was its last one, `undefined` when it was none. */
export function withoutOwner(entry: MapStateEntry, owner: MapStateOwner): MapStateEntry | null | undefined {
  if (!(entry.owners instanceof Set)) {
    return entry.owners === owner ? null : undefined;
  }
  if (!entry.owners.has(owner)) {
    return undefined;
  }
  const rest = new Set(entry.owners);
  rest.delete(owner);
  const [first] = rest;
  return rest.size === 0 ? null : { ...entry, owners: rest.size === 1 && first !== undefined ? first : rest };
}

/** Gives entries the owners and dependents of others. Of many keys in a row the same two entries meet: what they make is remembered. */
export class Unions {
  #from: MapStateEntry | null = null;
  readonly #known = new Map<MapStateEntry, MapStateEntry>();

  /** `into` with what `from` has. */
  of(into: MapStateEntry, from: MapStateEntry): MapStateEntry {
    if (into.dependents !== null || from.dependents !== null) {
      return unite(into, from);
    }
    if (this.#from !== from) {
      this.#from = from;
      this.#known.clear();
    }
    let united = this.#known.get(into);
    if (united === undefined) {
      united = unite(into, from);
      this.#known.set(into, united);
    }
    return united;
  }
}

function unite(into: MapStateEntry, from: MapStateEntry): MapStateEntry {
  const owners = new Set([...ownersOf(into), ...ownersOf(from)]);
  const dependents = from.dependents === null ? into.dependents : new Set([...(into.dependents ?? []), ...from.dependents]);
  const grown = owners.size > ownersOf(into).length;
  return grown || dependents !== into.dependents ? { ...into, owners: grown ? owners : into.owners, dependents } : into;
}
