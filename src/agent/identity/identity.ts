/**
 * Security identities: a number and the labels it stands for; the reserved ones; the set known to the agent; numbers for prefixes.
 * @see cilium:pkg/identity/identity.go
 * @see cilium:pkg/identity/reserved.go
 */
import { LOCAL_IDENTITY_FLAG, type Identity as NumericIdentity, reservedIdentityName } from '../../maps/identity.ts';
import { formatPrefix, type IpPrefix, maskPrefix } from '../../net/prefix.ts';
import { cidrLabels } from '../labels/cidr.ts';
import { indexLabels, type LabelArray, type LabelIndex } from '../labels/labels.ts';

/** An identity with its labels. */
export interface Identity {
  readonly id: NumericIdentity;
  /** Sorted by key. */
  readonly labels: LabelArray;
  /** The same labels for selectors. */
  readonly index: LabelIndex;
}

/** Makes an identity of a number and labels sorted by key. */
export function newIdentity(id: NumericIdentity, labels: LabelArray): Identity {
  return { id, labels, index: indexLabels(labels) };
}

/**
 * The identities every node knows, 1 to 8. The node that runs the API server gives its host identity the label `reserved:kube-apiserver` too.
 * @see cilium:pkg/identity/reserved.go#reservedIdentityCache
 */
export function reservedIdentities(): Identity[] {
  const identities: Identity[] = [];
  for (let id = 1; id <= 8; id++) {
    const names = [reservedIdentityName(id) as string];
    if (id === 7) {
      names.push('remote-node');
    }
    identities.push(
      newIdentity(
        id,
        names.sort().map((key) => ({ source: 'reserved', key, value: '' })),
      ),
    );
  }
  return identities;
}

/**
 * Numbers for prefixes, node-local, in order of allocation and counted by reference.
 * @see cilium:pkg/identity/cache/local.go#localIdentityCache
 */
export interface CidrIdentities {
  /** The identity of a prefix; a new one when the prefix has none. A /0 is world. */
  allocate(prefix: IpPrefix): { readonly identity: Identity; readonly isNew: boolean };
  /** Takes a number for a prefix, as the agent before had it; one reference. `null` if either has another already. */
  restore(prefix: IpPrefix, id: NumericIdentity): Identity | null;
  /** Gives one reference back; the identity whose last one this was, else `null`. */
  release(prefix: IpPrefix): Identity | null;
  /** The identity of a prefix that has one. */
  lookup(prefix: IpPrefix): Identity | null;
  /** Prefix texts and identities in order of allocation. */
  list(): readonly { readonly prefix: string; readonly identity: Identity }[];
}

/** Creates the allocator; the first number is 16777217. */
export function newCidrIdentities(): CidrIdentities {
  const known = new Map<string, { readonly identity: Identity; references: number }>();
  const world = newIdentity(2, [{ source: 'reserved', key: 'world', value: '' }]);
  const taken = new Set<NumericIdentity>();
  let next = LOCAL_IDENTITY_FLAG + 1;
  const name = (prefix: IpPrefix): string => formatPrefix(maskPrefix(prefix));
  return {
    allocate(prefix) {
      if (prefix.length === 0) {
        return { identity: world, isNew: false };
      }
      const entry = known.get(name(prefix));
      if (entry !== undefined) {
        entry.references++;
        return { identity: entry.identity, isNew: false };
      }
      while (taken.has(next)) {
        next += 1;
      }
      const identity = newIdentity(next++, cidrLabels(prefix));
      known.set(name(prefix), { identity, references: 1 });
      return { identity, isNew: true };
    },
    restore(prefix, id) {
      if (known.has(name(prefix)) || taken.has(id)) {
        return null;
      }
      const identity = newIdentity(id, cidrLabels(prefix));
      known.set(name(prefix), { identity, references: 1 });
      taken.add(id);
      return identity;
    },
    release(prefix) {
      const entry = known.get(name(prefix));
      if (entry === undefined || --entry.references > 0) {
        return null;
      }
      known.delete(name(prefix));
      return entry.identity;
    },
    lookup(prefix) {
      return prefix.length === 0 ? world : (known.get(name(prefix))?.identity ?? null);
    },
    list: () => [...known].map(([prefix, { identity }]) => ({ prefix, identity })),
  };
}
