/**
 * Identities by label, so that a new selector need not look at all of them. Keys are indexed when a selector first asks for them.
 * Not in Cilium: upstream matches every identity.
 */
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import type { Identity } from '../identity/identity.ts';
import { extendedKey, LABEL_SOURCE_CIDR } from '../labels/labels.ts';
import type { EndpointSelector } from './api/selector.ts';

const CIDR_KEY = `${LABEL_SOURCE_CIDR}.`;

type Pool = Map<NumericIdentity, Identity>;

/** The index. */
export class LabelPostings {
  /** By key, then value. */
  private readonly keys = new Map<string, Map<string, Pool>>();
  /** Identities by the keys of their prefix labels. Apart from the others: there are many keys, most of one identity, and they have no values. */
  private readonly prefixes = new Map<string, Identity[]>();

  /** Takes an identity in. */
  add(identity: Identity): void {
    for (const key of prefixKeys(identity)) {
      const pool = this.prefixes.get(key);
      if (pool === undefined) {
        this.prefixes.set(key, [identity]);
      } else {
        pool.push(identity);
      }
    }
    for (const [key, values] of this.keys) {
      file(values, key, identity);
    }
  }

  /** Takes an identity out. */
  remove(identity: Identity): void {
    for (const key of prefixKeys(identity)) {
      const rest = (this.prefixes.get(key) ?? []).filter(({ id }) => id !== identity.id);
      if (rest.length === 0) {
        this.prefixes.delete(key);
      } else {
        this.prefixes.set(key, rest);
      }
    }
    for (const [key, values] of this.keys) {
      values.get(identity.index.get(key) ?? '')?.delete(identity.id);
    }
  }

  /** The fewest identities known to hold all that a selector can match: those with one of its labels, or all. */
  smallest(selector: EndpointSelector, all: ReadonlyMap<NumericIdentity, Identity>): Iterable<Identity> {
    let best: Iterable<Identity> = all.values();
    let fewest = all.size;
    for (const [key, value] of selector.matchLabels) {
      const pool = key.startsWith(CIDR_KEY) ? this.prefixes.get(key) : this.index(key, all).get(value);
      if (pool === undefined) {
        return [];
      }
      const size = pool instanceof Map ? pool.size : pool.length;
      if (size < fewest) {
        best = pool.values();
        fewest = size;
      }
    }
    return best;
  }

  private index(key: string, all: ReadonlyMap<NumericIdentity, Identity>): Map<string, Pool> {
    let values = this.keys.get(key);
    if (values === undefined) {
      values = new Map();
      for (const identity of all.values()) {
        file(values, key, identity);
      }
      this.keys.set(key, values);
    }
    return values;
  }
}

function prefixKeys({ labels }: Identity): string[] {
  return labels.flatMap((label) => (label.source === LABEL_SOURCE_CIDR ? [extendedKey(label)] : []));
}

function file(values: Map<string, Pool>, key: string, identity: Identity): void {
  const value = identity.index.get(key);
  if (value === undefined) {
    return;
  }
  let pool = values.get(value);
  if (pool === undefined) {
    pool = new Map();
    values.set(value, pool);
  }
  pool.set(identity.id, identity);
}
