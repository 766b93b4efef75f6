/**
 * What an endpoint's policy map holds, as the agent remembers it: keys with their verdicts, without counters.
 *
 * Representation: keys and verdicts lie in two blocks of memory in order of insertion; a hash index of their places finds them. An agent of a large
 * cluster remembers millions of keys, which garbage collection then never looks into.
 * @see cilium:pkg/endpoint/endpoint.go#Endpoint.realizedPolicy
 */
import type { MapState } from '../policy/mapstate.ts';
import type { PackedKey } from '../policy/mapstate_entry.ts';

/** What the map holds under a key, without counters. */
export interface RealizedEntry {
  readonly proxyPort: number;
  readonly deny: boolean;
}

/** A map state and a policy map that were found to agree, and how often each had been changed by then. */
export interface Comparison {
  readonly mapState: MapState;
  readonly wanted: number;
  readonly held: number;
}

/** A place of the index that was never used. Others hold the place of a key plus one. */
const EMPTY = 0;
/** Stands for a key that was deleted. */
const GONE = -1;
const FIRST_ROOM = 8;
const DOUBLING = 1024;

/** The map. */
export class RealizedMap {
  #keys = new Float64Array(FIRST_ROOM);
  /** Proxy port times two, plus one for a deny. */
  #verdicts = new Int32Array(FIRST_ROOM);
  #index = new Int32Array(FIRST_ROOM * 2);
  /** Places in use, those of deleted keys included. */
  #used = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether the map holds just this verdict under a key. */
  holds(key: PackedKey, proxyPort: number, deny: boolean): boolean {
    const place = this.#find(key);
    return place >= 0 && this.#verdicts[place] === pack(proxyPort, deny);
  }

  set(key: PackedKey, { proxyPort, deny }: RealizedEntry): void {
    let place = this.#find(key);
    if (place < 0) {
      if (this.#used === this.#keys.length) {
        this.#makeRoom();
      }
      place = this.#used++;
      this.#size += 1;
      this.#keys[place] = key;
      this.#enter(key, place);
    }
    this.#verdicts[place] = pack(proxyPort, deny);
  }

  delete(key: PackedKey): void {
    const place = this.#find(key);
    if (place >= 0) {
      // The index keeps its place, so that what was entered behind it is still found.
      this.#keys[place] = GONE;
      this.#size -= 1;
    }
  }

  /** Keys and entries in order of insertion. */
  *[Symbol.iterator](): IterableIterator<readonly [PackedKey, RealizedEntry]> {
    for (let place = 0; place < this.#used; place++) {
      const key = this.#keys[place] as number;
      const verdict = this.#verdicts[place] as number;
      if (key !== GONE) {
        yield [key, { proxyPort: verdict >> 1, deny: (verdict & 1) === 1 }];
      }
    }
  }

  /** The place of a key, or a negative number. */
  #find(key: PackedKey): number {
    const index = this.#index;
    const mask = index.length - 1;
    for (let at = slot(key) & mask; ; at = (at + 1) & mask) {
      const place = (index[at] as number) - 1;
      if (place < 0 || this.#keys[place] === key) {
        return place;
      }
    }
  }

  #enter(key: PackedKey, place: number): void {
    const mask = this.#index.length - 1;
    let at = slot(key) & mask;
    while (this.#index[at] !== EMPTY) {
      at = (at + 1) & mask;
    }
    this.#index[at] = place + 1;
  }

  /** Closes the gaps of deleted keys, or takes more memory where there are few. */
  #makeRoom(): void {
    const room = this.#keys.length;
    const many = this.#size > room * 0.75;
    const wanted = many ? (room < DOUBLING ? room * 2 : Math.floor(room * 1.25)) : room;
    const keys = new Float64Array(wanted);
    const verdicts = new Int32Array(wanted);
    let size = this.#index.length;
    while (size < wanted * 1.3) {
      size *= 2;
    }
    this.#index = new Int32Array(size);
    let used = 0;
    for (let place = 0; place < this.#used; place++) {
      const key = this.#keys[place] as number;
      if (key !== GONE) {
        keys[used] = key;
        verdicts[used] = this.#verdicts[place] as number;
        this.#enter(key, used);
        used += 1;
      }
    }
    this.#keys = keys;
    this.#verdicts = verdicts;
    this.#used = used;
  }
}

function pack(proxyPort: number, deny: boolean): number {
  return proxyPort * 2 + (deny ? 1 : 0);
}

/** Spreads keys, which differ in their identity and in their port and protocol. */
function slot(key: PackedKey): number {
  const low = key % 0x200_0000;
  const mixed = Math.imul((key - low) / 0x200_0000, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
