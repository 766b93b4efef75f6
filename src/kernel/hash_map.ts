/**
 * BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_LRU_HASH.
 *
 * Representation: a JavaScript Map from the key's 31-bit hash to the first entry of its bucket; entries of one bucket are chained. All entries
 * are also linked in order of creation, which gives iteration and the LRU list. A lookup allocates nothing.
 * @see linux:kernel/bpf/hashtab.c#htab_map_alloc
 */
import { BPF_EXIST, BPF_NOEXIST, type BpfMap, E2BIG, EEXIST, ENOENT, type MapErrno, type MapSpec, OK, type UpdateFlag } from './bpf_map.ts';

interface Entry<K, V> {
  readonly key: K;
  readonly hash: number;
  value: V;
  /** Next entry of the same bucket. */
  chain: Entry<K, V> | null;
  /** Used since the LRU hand last passed. */
  referenced: boolean;
  older: Entry<K, V> | null;
  newer: Entry<K, V> | null;
}

/** A hash map with a fixed capacity; the LRU variant evicts instead of refusing. */
export class HashMap<K, V> implements BpfMap<K, V> {
  readonly spec: MapSpec<K, V>;
  readonly #buckets = new Map<number, Entry<K, V>>();
  readonly #lru: boolean;
  #size = 0;
  #oldest: Entry<K, V> | null = null;
  #newest: Entry<K, V> | null = null;
  /** Entries dropped to make room, since creation. */
  evictions = 0;
  /** How many entries fit: as many as declared, unless memory is short. */
  capacity: number;

  constructor(spec: MapSpec<K, V>) {
    this.spec = spec;
    this.#lru = spec.type === 'lru_hash';
    this.capacity = spec.maxEntries;
  }

  get size(): number {
    return this.#size;
  }

  lookup(key: K): V | undefined {
    const entry = this.#find(key, this.spec.key.hash(key));
    if (entry === undefined) {
      return undefined;
    }
    entry.referenced = true;
    return entry.value;
  }

  update(key: K, value: V, flag: UpdateFlag = 0): MapErrno {
    const hash = this.spec.key.hash(key);
    const found = this.#find(key, hash);
    if (found !== undefined) {
      if (flag === BPF_NOEXIST) {
        return EEXIST;
      }
      found.value = value;
      found.referenced = true;
      return OK;
    }
    if (flag === BPF_EXIST) {
      return ENOENT;
    }
    if (this.#size >= this.capacity) {
      if (!this.#lru || this.#size === 0) {
        return E2BIG;
      }
      this.#evict();
    }
    this.#insert(key, hash, value);
    return OK;
  }

  delete(key: K): typeof OK | typeof ENOENT {
    const found = this.#find(key, this.spec.key.hash(key));
    if (found === undefined) {
      return ENOENT;
    }
    this.#remove(found);
    return OK;
  }

  *entries(): IterableIterator<readonly [K, V]> {
    // The entry after the current one is read late, so that deleting the current entry while walking is safe.
    for (let entry = this.#oldest; entry !== null; entry = entry.newer) {
      yield [entry.key, entry.value];
    }
  }

  #find(key: K, hash: number): Entry<K, V> | undefined {
    let entry = this.#buckets.get(hash) ?? null;
    while (entry !== null) {
      if (this.spec.key.equals(entry.key, key)) {
        return entry;
      }
      entry = entry.chain;
    }
    return undefined;
  }

  #insert(key: K, hash: number, value: V): void {
    const entry: Entry<K, V> = {
      key: this.spec.key.copy(key),
      hash,
      value,
      chain: this.#buckets.get(hash) ?? null,
      referenced: false,
      older: null,
      newer: null,
    };
    this.#buckets.set(hash, entry);
    this.#link(entry);
    this.#size += 1;
  }

  #remove(entry: Entry<K, V>): void {
    const first = this.#buckets.get(entry.hash) as Entry<K, V>;
    if (first === entry) {
      if (entry.chain === null) {
        this.#buckets.delete(entry.hash);
      } else {
        this.#buckets.set(entry.hash, entry.chain);
      }
    } else {
      let before = first;
      while (before.chain !== entry) {
        before = before.chain as Entry<K, V>;
      }
      before.chain = entry.chain;
    }
    this.#unlink(entry);
    this.#size -= 1;
  }

  /**
   * Second chance: the oldest entry that was not used since the hand last passed goes.
   * @see linux:kernel/bpf/bpf_lru_list.c#__bpf_lru_list_rotate_active
   * @remarks Simplified: one list for all CPUs and exact ageing; the kernel shrinks per-CPU batches, so it may evict a little earlier.
   */
  #evict(): void {
    for (;;) {
      const entry = this.#oldest as Entry<K, V>;
      if (!entry.referenced) {
        this.#remove(entry);
        this.evictions += 1;
        return;
      }
      entry.referenced = false;
      this.#unlink(entry);
      this.#link(entry);
    }
  }

  #link(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest === null) {
      this.#oldest = entry;
    } else {
      this.#newest.newer = entry;
    }
    this.#newest = entry;
  }

  #unlink(entry: Entry<K, V>): void {
    if (entry.older === null) {
      this.#oldest = entry.newer;
    } else {
      entry.older.newer = entry.newer;
    }
    if (entry.newer === null) {
      this.#newest = entry.older;
    } else {
      entry.newer.older = entry.older;
    }
  }
}
