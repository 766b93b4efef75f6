/**
 * BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_LRU_HASH.
 *
 * Representation: elements are numbered from 1 on; a record of 32-bit words each holds the next of its bucket, its neighbours in order of
 * creation (which gives iteration and the LRU list) and the words of the key. So a large map is a few blocks of memory that garbage collection
 * never looks into, and a lookup allocates nothing.
 * @see linux:kernel/bpf/hashtab.c#htab_map_alloc
 */
import {
  BPF_EXIST,
  BPF_NOEXIST,
  type BpfMap,
  E2BIG,
  EEXIST,
  ENOENT,
  type KeyCodec,
  type MapErrno,
  type MapSpec,
  OK,
  type UpdateFlag,
} from './bpf_map.ts';

/** Declaration of a hash map. */
export interface HashMapSpec<K, V> extends MapSpec<K, V> {
  readonly key: KeyCodec<K>;
  /**
   * For maps with many entries of few values: an update keeps the value it was given, which must not change any more, and a copy takes its place
   * when somebody looks the entry up. Without it the map keeps, and lookups return, the value of the update itself.
   */
  readonly copyValue?: (value: V) => V;
}

/** No element. */
const NONE = 0;

/** What an element's record holds: the next element of its bucket, its neighbours in order of creation, flags, and the words of its key. */
const CHAIN = 0;
const OLDER = 1;
const NEWER = 2;
const FLAGS = 3;
const KEY = 4;
/** Those that a map's keys do not have stay 0. */
const KEY_WORDS = 4;
const STRIDE = KEY + KEY_WORDS;

/** Flags of an element: used since the LRU hand last passed; its value is still the one given to the update. */
const REFERENCED = 1;
const GIVEN = 2;

const FIRST_ROOM = 8;
/** Up to here the room for elements doubles. */
const DOUBLING = 1024;

/** A hash map with a fixed capacity; the LRU variant evicts instead of refusing. */
export class HashMap<K, V> implements BpfMap<K, V> {
  readonly spec: HashMapSpec<K, V>;
  readonly #codec: KeyCodec<K>;
  readonly #lru: boolean;
  /** Whether it matters that an entry was looked up. */
  readonly #watched: boolean;
  /** The words of the key that is looked for. */
  readonly #wanted: Int32Array;
  /** How many elements there is memory for. */
  #room = FIRST_ROOM;
  #elements: Int32Array;
  #values: (V | undefined)[] = [undefined];
  /** First element of each bucket; their number is a power of two. */
  #buckets: Int32Array;
  #size = 0;
  /** Elements beyond this one were never used; those given back are chained from `#free`. */
  #last = 0;
  #free = NONE;
  #oldest = NONE;
  #newest = NONE;
  /** Entries dropped to make room, since creation. */
  evictions = 0;
  /** Entries written and deleted since creation, whoever did it: while it stays the same, so does what updates wrote. */
  changes = 0;
  /** How many entries fit: as many as declared, unless memory is short. */
  capacity: number;

  constructor(spec: HashMapSpec<K, V>) {
    this.spec = spec;
    this.#codec = spec.key;
    this.#lru = spec.type === 'lru_hash';
    this.#watched = this.#lru || spec.copyValue !== undefined;
    this.#wanted = new Int32Array(KEY_WORDS);
    this.#elements = new Int32Array((FIRST_ROOM + 1) * STRIDE);
    this.#buckets = new Int32Array(FIRST_ROOM);
    this.capacity = spec.maxEntries;
  }

  get size(): number {
    return this.#size;
  }

  lookup(key: K): V | undefined {
    const element = this.#find(key);
    if (element === NONE) {
      return undefined;
    }
    if (this.#watched && this.#word(element, FLAGS) !== REFERENCED) {
      this.#touch(element);
    }
    return this.#values[element];
  }

  update(key: K, value: V, flag: UpdateFlag = 0): MapErrno {
    const found = this.#find(key);
    if (found !== NONE) {
      if (flag === BPF_NOEXIST) {
        return EEXIST;
      }
      this.changes += 1;
      this.#values[found] = value;
      this.#setWord(found, FLAGS, REFERENCED | this.#given());
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
    this.#insert(value);
    return OK;
  }

  delete(key: K): typeof OK | typeof ENOENT {
    const found = this.#find(key);
    if (found === NONE) {
      return ENOENT;
    }
    this.#remove(found);
    return OK;
  }

  *entries(): IterableIterator<readonly [K, V]> {
    // The element after the current one is read late, so that deleting the current entry while walking is safe.
    for (let element = this.#oldest; element !== NONE; element = this.#word(element, NEWER)) {
      yield [this.#keyOf(element), this.#values[element] as V];
    }
  }

  /** Deletes the entries whose value says so; each key is told after it is gone, if anybody asks. Returns how many. */
  deleteWhere(condition: (value: V) => boolean, deleted: ((key: K) => void) | null): number {
    const before = this.#size;
    for (let element = this.#oldest; element !== NONE; ) {
      const next = this.#word(element, NEWER);
      if (condition(this.#values[element] as V)) {
        const key = deleted === null ? null : this.#keyOf(element);
        this.#remove(element);
        deleted?.(key as K);
      }
      element = next;
    }
    return before - this.#size;
  }

  #word(element: number, word: number): number {
    return this.#elements[element * STRIDE + word] as number;
  }

  #setWord(element: number, word: number, value: number): void {
    this.#elements[element * STRIDE + word] = value;
  }

  #keyOf(element: number): K {
    return this.#codec.unpack(this.#elements, element * STRIDE + KEY);
  }

  /** The element of a key, whose words stay in `#wanted`. */
  #find(key: K): number {
    const wanted = this.#wanted;
    this.#codec.pack(key, wanted, 0);
    const first = wanted[0];
    const second = wanted[1];
    const third = wanted[2];
    const fourth = wanted[3];
    const elements = this.#elements;
    let element = this.#buckets[this.#bucket(wanted, 0)] as number;
    while (element !== NONE) {
      const at = element * STRIDE;
      if (
        elements[at + KEY] === first &&
        elements[at + KEY + 1] === second &&
        elements[at + KEY + 2] === third &&
        elements[at + KEY + 3] === fourth
      ) {
        break;
      }
      element = elements[at + CHAIN] as number;
    }
    return element;
  }

  /** The bucket of the key whose words begin at `at`. */
  #bucket(words: Int32Array, at: number): number {
    let hash = Math.imul(words[at] as number, 0x9e3779b1) ^ Math.imul(words[at + 1] as number, 0x85ebca6b);
    hash ^= Math.imul(words[at + 2] as number, 0xc2b2ae35) ^ Math.imul(words[at + 3] as number, 0x27d4eb2f);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) & (this.#buckets.length - 1);
  }

  /** The entry was looked up: it stays in an LRU map, and has a value of its own. */
  #touch(element: number): void {
    if ((this.#word(element, FLAGS) & GIVEN) !== 0) {
      this.#values[element] = (this.spec.copyValue as (value: V) => V)(this.#values[element] as V);
    }
    this.#setWord(element, FLAGS, REFERENCED);
  }

  #given(): number {
    return this.spec.copyValue === undefined ? 0 : GIVEN;
  }

  /** A new element for the wanted key. */
  #insert(value: V): void {
    this.changes += 1;
    let element = this.#free;
    if (element === NONE) {
      if (this.#last === this.#room) {
        this.#grow();
      }
      this.#last += 1;
      element = this.#last;
    } else {
      this.#free = this.#word(element, CHAIN);
    }
    const bucket = this.#bucket(this.#wanted, 0);
    this.#elements.set(this.#wanted, element * STRIDE + KEY);
    this.#setWord(element, CHAIN, this.#buckets[bucket] as number);
    this.#buckets[bucket] = element;
    this.#values[element] = value;
    this.#setWord(element, FLAGS, this.#given());
    this.#link(element);
    this.#size += 1;
  }

  #remove(element: number): void {
    this.changes += 1;
    const bucket = this.#bucket(this.#elements, element * STRIDE + KEY);
    const next = this.#word(element, CHAIN);
    let before = this.#buckets[bucket] as number;
    if (before === element) {
      this.#buckets[bucket] = next;
    } else {
      while (this.#word(before, CHAIN) !== element) {
        before = this.#word(before, CHAIN);
      }
      this.#setWord(before, CHAIN, next);
    }
    this.#unlink(element);
    this.#values[element] = undefined;
    this.#setWord(element, CHAIN, this.#free);
    this.#free = element;
    this.#size -= 1;
  }

  /** Makes room for more elements, and as many buckets. */
  #grow(): void {
    const { maxEntries } = this.spec;
    const wanted = this.#room < DOUBLING ? this.#room * 2 : Math.floor(this.#room * 1.25);
    this.#room = Math.max(this.#room + 1, Math.min(wanted, maxEntries));
    const elements = new Int32Array((this.#room + 1) * STRIDE);
    elements.set(this.#elements);
    this.#elements = elements;
    if (this.#room > this.#buckets.length) {
      this.#buckets = new Int32Array(this.#buckets.length * 2);
      for (let element = 1; element <= this.#last; element++) {
        const bucket = this.#bucket(elements, element * STRIDE + KEY);
        this.#setWord(element, CHAIN, this.#buckets[bucket] as number);
        this.#buckets[bucket] = element;
      }
    }
  }

  /**
   * Second chance: the oldest entry that was not used since the hand last passed goes.
   * @see linux:kernel/bpf/bpf_lru_list.c#__bpf_lru_list_rotate_active
   * @remarks Simplified: one list for all CPUs and exact ageing; the kernel shrinks per-CPU batches, so it may evict a little earlier.
   */
  #evict(): void {
    for (;;) {
      const element = this.#oldest;
      const flags = this.#word(element, FLAGS);
      if ((flags & REFERENCED) === 0) {
        this.#remove(element);
        this.evictions += 1;
        return;
      }
      this.#setWord(element, FLAGS, flags & ~REFERENCED);
      this.#unlink(element);
      this.#link(element);
    }
  }

  #link(element: number): void {
    this.#setWord(element, OLDER, this.#newest);
    this.#setWord(element, NEWER, NONE);
    if (this.#newest === NONE) {
      this.#oldest = element;
    } else {
      this.#setWord(this.#newest, NEWER, element);
    }
    this.#newest = element;
  }

  #unlink(element: number): void {
    const older = this.#word(element, OLDER);
    const newer = this.#word(element, NEWER);
    if (older === NONE) {
      this.#oldest = newer;
    } else {
      this.#setWord(older, NEWER, newer);
    }
    if (newer === NONE) {
      this.#newest = older;
    } else {
      this.#setWord(newer, OLDER, older);
    }
  }
}
