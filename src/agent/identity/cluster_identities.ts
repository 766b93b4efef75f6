/**
 * Numbers of the cluster's identities: one for every set of labels, drawn at random from the pool unless a scenario pins it.
 * @see cilium:pkg/allocator/allocator.go
 * @see cilium:pkg/identity/cache/allocator.go
 */
import { MAX_CLUSTER_IDENTITY, MIN_CLUSTER_IDENTITY, type Identity as NumericIdentity } from '../../maps/identity.ts';
import { assert } from '../../sim/assert.ts';
import { type Label, sortLabels } from '../labels/labels.ts';
import { type Identity, newIdentity } from './identity.ts';

/** Draws an integer of [low, high]. */
export interface IdentityDraw {
  between(low: number, high: number): number;
}

/** The cluster's identities, counted by reference. */
export interface ClusterIdentities {
  /** The identity of these labels; a new one when they have none. */
  allocate(labels: readonly Label[]): { readonly identity: Identity; readonly isNew: boolean };
  /** Gives one reference back; the identity whose last one this was, else `null`. */
  release(identity: Identity): Identity | null;
  lookup(labels: readonly Label[]): Identity | null;
  /** Fixes the number that these labels will get; nobody may have it. */
  pin(labels: readonly Label[], id: NumericIdentity): void;
  /** In order of allocation. */
  list(): readonly Identity[];
}

/** Creates the allocator. */
export function newClusterIdentities(draw: IdentityDraw): ClusterIdentities {
  const known = new Map<string, { readonly identity: Identity; references: number }>();
  const pinned = new Map<string, NumericIdentity>();
  const taken = new Set<NumericIdentity>();
  const drawFree = (): NumericIdentity => {
    assert(taken.size < MAX_CLUSTER_IDENTITY - MIN_CLUSTER_IDENTITY, 'the pool of identities is exhausted');
    for (;;) {
      const id = draw.between(MIN_CLUSTER_IDENTITY, MAX_CLUSTER_IDENTITY);
      if (!taken.has(id)) {
        return id;
      }
    }
  };
  return {
    allocate(labels) {
      const key = labelsKey(labels);
      const entry = known.get(key);
      if (entry !== undefined) {
        entry.references++;
        return { identity: entry.identity, isNew: false };
      }
      const identity = newIdentity(pinned.get(key) ?? drawFree(), sortLabels(labels));
      taken.add(identity.id);
      known.set(key, { identity, references: 1 });
      return { identity, isNew: true };
    },
    release(identity) {
      const key = labelsKey(identity.labels);
      const entry = known.get(key);
      if (entry === undefined || --entry.references > 0) {
        return null;
      }
      known.delete(key);
      if (pinned.get(key) !== identity.id) {
        taken.delete(identity.id);
      }
      return entry.identity;
    },
    lookup: (labels) => known.get(labelsKey(labels))?.identity ?? null,
    pin(labels, id) {
      const key = labelsKey(labels);
      // Labels that nobody has any more give their number up.
      const before = [...pinned].find(([, one]) => one === id)?.[0];
      assert(!taken.has(id) || (before !== undefined && !known.has(before)), `identity ${id} is taken`);
      if (before !== undefined) {
        pinned.delete(before);
      }
      taken.add(id);
      pinned.set(key, id);
    },
    list: () => [...known.values()].map(({ identity }) => identity),
  };
}

/** `k8s:a=b;k8s:c=d;` @see cilium:pkg/labels/labels.go#Labels.SortedList */
export function labelsKey(labels: readonly Label[]): string {
  return sortLabels(labels)
    .map(({ source, key, value }) => `${source}:${key}=${value};`)
    .join('');
}
