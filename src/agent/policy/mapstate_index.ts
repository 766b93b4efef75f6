/**
 * How a map state keeps its entries, and what covers what: by port and protocol, then by identity, allows apart from denies.
 * @see cilium:pkg/policy/mapstate.go
 * @remarks Simplified: upstream keeps one flat map and looks at every entry on every insertion; the results are the same.
 */
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import type { IdentityNets } from './identity_nets.ts';
import type { MapStateEntry, PackedKey } from './mapstate_entry.ts';

/** Entries of one port and protocol of one direction. */
export class Bucket {
  readonly port: number;
  readonly proto: number;
  readonly allow = new Map<NumericIdentity, MapStateEntry>();
  readonly deny = new Map<NumericIdentity, MapStateEntry>();

  constructor(port: number, proto: number) {
    this.port = port;
    this.proto = proto;
  }
}

/** Entries of one direction. */
export class Direction {
  readonly buckets = new Map<number, Bucket>();
  /** Buckets with a wildcard in port or protocol: only these can be broader than a full key. */
  readonly wild: Bucket[] = [];
  /** Number of deny entries; without any an allow has nothing to look at. */
  denies = 0;

  bucket(port: number, proto: number): Bucket {
    const key = port * 256 + proto;
    let bucket = this.buckets.get(key);
    if (bucket === undefined) {
      bucket = new Bucket(port, proto);
      this.buckets.set(key, bucket);
      if (port === 0 || proto === 0) {
        this.wild.push(bucket);
      }
    }
    return bucket;
  }

  find(port: number, proto: number): Bucket | undefined {
    return this.buckets.get(port * 256 + proto);
  }
}

/** Whether a port and protocol is wider than another in one of both. @see cilium:pkg/policy/mapstate.go#Key.PortProtoIsBroader */
export function isBroader(port: number, proto: number, otherPort: number, otherProto: number): boolean {
  return (port === 0 && otherPort !== 0) || (proto === 0 && otherProto !== 0);
}

/** Whether a deny of the identity or of everyone stands against a key; not one that the key exists because of. */
export function isCovered(denies: ReadonlyMap<NumericIdentity, MapStateEntry>, identity: NumericIdentity, key: PackedKey): boolean {
  return isCoveredBy(denies, identity, key) || (identity !== 0 && isCoveredBy(denies, 0, key));
}

/** Whether one identity's deny stands against a key. */
export function isCoveredBy(denies: ReadonlyMap<NumericIdentity, MapStateEntry>, by: NumericIdentity, key: PackedKey): boolean {
  const deny = denies.get(by);
  return deny !== undefined && !deny.dependents?.has(key);
}

/** Identities of entries that `identity` covers: itself and what its prefix holds; those of an equal prefix only with `equal`. */
export function coveredIds(
  entries: ReadonlyMap<NumericIdentity, MapStateEntry>,
  identity: NumericIdentity,
  nets: IdentityNets,
  equal = false,
): NumericIdentity[] {
  if (entries.size === 0) {
    return [];
  }
  if (identity === 0) {
    return [...entries.keys()];
  }
  const found = entries.has(identity) ? [identity] : [];
  for (const id of nets.descendants(identity)) {
    if (entries.has(id) && (equal || !nets.isSuperset(id, identity))) {
      found.push(id);
    }
  }
  return found;
}
