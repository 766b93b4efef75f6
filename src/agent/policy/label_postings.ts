/**
 * Identities by label, so that a new selector need not look at all of them. Keys are indexed when a selector first asks for them.
 * Not in Cilium: upstream matches every identity.
 */
import type { Identity as NumericIdentity } from '../../maps/identity.ts';
import type { Identity } from '../identity/identity.ts';
import { LABEL_SOURCE_CIDR } from '../labels/labels.ts';
import type { EndpointSelector } from './api/selector.ts';

const CIDR_KEY = `${LABEL_SOURCE_CIDR}.`;

type Pool = Map<NumericIdentity, Identity>;

/** The index. */
export class LabelPostings {
  /** By key, then value. */
  private readonly keys = new Map<string, Map<string, Pool>>();
  /** Identities of prefixes: they share one pool, as almost every one has a key of its own. */
  private readonly prefixes: Pool = new Map();

  /** Takes an identity in. */
  add(identity: Identity): void {
    if (identity.labels.some((label) => label.source === LABEL_SOURCE_CIDR)) {
      this.prefixes.set(identity.id, identity);
    }
    for (const [key, values] of this.keys) {
      file(values, key, identity);
    }
  }

  /** Takes an identity out. */
  remove(identity: Identity): void {
    this.prefixes.delete(identity.id);
    for (const [key, values] of this.keys) {
      values.get(identity.index.get(key) ?? '')?.delete(identity.id);
    }
  }

  /** The fewest identities known to hold all that a selector can match: those with one of its labels, or all. */
  smallest(selector: EndpointSelector, all: ReadonlyMap<NumericIdentity, Identity>): Iterable<Identity> {
    let best: ReadonlyMap<NumericIdentity, Identity> = all;
    for (const [key, value] of selector.matchLabels) {
      const pool = key.startsWith(CIDR_KEY) ? this.prefixes : this.index(key, all).get(value);
      if (pool === undefined) {
        return [];
      }
      if (pool.size < best.size) {
        best = pool;
      }
    }
    return best.values();
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
