/**
 * BPF_MAP_TYPE_LPM_TRIE over IPv4 or IPv6 addresses with a leading static part (the address family, a service id).
 *
 * Representation: one Map per (static part, prefix length) from the masked address to the entry, and the present lengths in descending
 * order; a lookup tries them in turn. IPv4 addresses are numbers, IPv6 addresses bigints.
 * @see linux:kernel/bpf/lpm_trie.c#trie_lookup_elem
 */
import { netmask4 } from '../net/ipv4.ts';
import { BPF_EXIST, BPF_NOEXIST, type BpfMap, E2BIG, EEXIST, ENOENT, type MapErrno, type MapSpec, OK, type UpdateFlag } from './bpf_map.ts';

/** Key of a trie: the first `length` bits of `address` within the space `space`. */
export interface LpmKey {
  /** The static leading part that every key shares in full, e.g. ENDPOINT_KEY_IPV4. */
  readonly space: number;
  /** Prefix length within the address, 0 to 32 or 128. */
  readonly length: number;
  /** IPv4 as a number, IPv6 as a bigint. */
  readonly address: number | bigint;
}

interface Entry<V> {
  readonly key: LpmKey;
  value: V;
}

interface Level<V> {
  readonly length: number;
  readonly mask: number;
  readonly entries: Map<number | bigint, Entry<V>>;
}

/** A longest-prefix-match map. `lookup` takes a full-length key (or any prefix) and returns the longest entry that contains it. */
export class LpmTrie<V> implements BpfMap<LpmKey, V> {
  readonly spec: MapSpec<LpmKey, V>;
  readonly #spaces = new Map<number, Level<V>[]>();
  #size = 0;

  constructor(spec: MapSpec<LpmKey, V>) {
    this.spec = spec;
  }

  get size(): number {
    return this.#size;
  }

  lookup(key: LpmKey): V | undefined {
    return this.match(key)?.value;
  }

  /** The value of the longest prefix of `space` that holds the IPv4 address: the datapath's path, without a key object. */
  lookup4(space: number, address: number): V | undefined {
    const levels = this.#spaces.get(space);
    if (levels === undefined) {
      return undefined;
    }
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as Level<V>;
      const entry = level.entries.get((address & level.mask) >>> 0);
      if (entry !== undefined) {
        return entry.value;
      }
    }
    return undefined;
  }

  /** The longest entry that contains the key, with the key it is stored under. */
  match(key: LpmKey): { readonly key: LpmKey; readonly value: V } | undefined {
    for (const level of this.#spaces.get(key.space) ?? []) {
      if (level.length <= key.length) {
        const entry = level.entries.get(maskAddress(key.address, level.length));
        if (entry !== undefined) {
          return entry;
        }
      }
    }
    return undefined;
  }

  update(key: LpmKey, value: V, flag: UpdateFlag = 0): MapErrno {
    const level = this.#level(key);
    const address = maskAddress(key.address, key.length);
    const found = level?.entries.get(address);
    if (found !== undefined) {
      if (flag === BPF_NOEXIST) {
        return EEXIST;
      }
      found.value = value;
      return OK;
    }
    if (flag === BPF_EXIST) {
      return ENOENT;
    }
    if (this.#size >= this.spec.maxEntries) {
      return E2BIG;
    }
    const into = level ?? this.#addLevel(key);
    into.entries.set(address, { key: { space: key.space, length: key.length, address }, value });
    this.#size += 1;
    return OK;
  }

  delete(key: LpmKey): typeof OK | typeof ENOENT {
    const level = this.#level(key);
    if (level === undefined || !level.entries.delete(maskAddress(key.address, key.length))) {
      return ENOENT;
    }
    this.#size -= 1;
    if (level.entries.size === 0) {
      const levels = this.#spaces.get(key.space) as Level<V>[];
      levels.splice(levels.indexOf(level), 1);
    }
    return OK;
  }

  /** The value stored under exactly this prefix. */
  exact(key: LpmKey): V | undefined {
    return this.#level(key)?.entries.get(maskAddress(key.address, key.length))?.value;
  }

  *entries(): IterableIterator<readonly [LpmKey, V]> {
    for (const levels of this.#spaces.values()) {
      for (const level of levels) {
        for (const entry of level.entries.values()) {
          yield [entry.key, entry.value];
        }
      }
    }
  }

  #level(key: LpmKey): Level<V> | undefined {
    return this.#spaces.get(key.space)?.find((level) => level.length === key.length);
  }

  #addLevel(key: LpmKey): Level<V> {
    const level: Level<V> = { length: key.length, mask: key.length <= 32 ? netmask4(key.length) : 0xffffffff, entries: new Map() };
    let levels = this.#spaces.get(key.space);
    if (levels === undefined) {
      levels = [];
      this.#spaces.set(key.space, levels);
    }
    levels.push(level);
    levels.sort((a, b) => b.length - a.length);
    return level;
  }
}

/** The address with all bits after the first `length` cleared. */
function maskAddress(address: number | bigint, length: number): number | bigint {
  if (typeof address === 'number') {
    return (address & netmask4(length)) >>> 0;
  }
  return (address >> BigInt(128 - length)) << BigInt(128 - length);
}
