/**
 * What all BPF map types share: the interface the system call and the helpers offer.
 * A lookup returns the value itself, not a copy: programs update it in place, as they do through the pointer in the kernel.
 * @see linux:include/linux/bpf.h#bpf_map_ops
 */
import type { JsonObject } from '../sim/journey.ts';

/** Results of updates and deletes. @see linux:include/uapi/asm-generic/errno-base.h */
export const OK = 0;
export const ENOENT = -2;
export const E2BIG = -7;
export const EEXIST = -17;
export type MapErrno = typeof OK | typeof ENOENT | typeof E2BIG | typeof EEXIST;

/** Flags of an update. @see linux:include/uapi/linux/bpf.h#BPF_NOEXIST */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export type UpdateFlag = typeof BPF_ANY | typeof BPF_NOEXIST | typeof BPF_EXIST;

/** Map types by their kernel names. */
export type MapType = 'hash' | 'lru_hash' | 'lpm_trie' | 'array' | 'percpu_hash' | 'percpu_array' | 'prog_array' | 'perf_event_array';

/** A key as plain data, for the journey and `-o json`. */
export interface KeyText<K> {
  toJson(key: K): JsonObject;
}

/** How keys lie in a hash map's memory, as up to four 32-bit words. Maps keep the words: a caller may reuse one scratch key. */
export interface KeyCodec<K> extends KeyText<K> {
  /** Writes a key's words from `at` on, as many for each key of a map; different keys have different words. */
  pack(key: K, words: Int32Array, at: number): void;
  /** The key whose words begin at `at`. */
  unpack(words: Int32Array, at: number): K;
}

/** Declaration of a map: what the loader passes to BPF_MAP_CREATE. */
export interface MapSpec<K, V> {
  /** The pinned name, e.g. `cilium_ipcache`. */
  readonly name: string;
  readonly type: MapType;
  /** Bytes of a key and of a value, as the real struct has them. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly key: KeyText<K>;
  /** A value as plain data, for the journey. */
  readonly valueToJson: (value: V) => JsonObject;
}

/** A key-value map. */
export interface BpfMap<K, V> {
  readonly spec: MapSpec<K, V>;
  readonly size: number;
  /** The value stored under the key, or `undefined`. */
  lookup(key: K): V | undefined;
  update(key: K, value: V, flag?: UpdateFlag): MapErrno;
  delete(key: K): typeof OK | typeof ENOENT;
  /** All entries, in an order that is deterministic and otherwise meaningless. */
  entries(): IterableIterator<readonly [K, V]>;
}
