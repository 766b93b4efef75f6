/**
 * What a memcached server holds, with the commands both protocols have.
 * @see https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 * @remarks Simplified: nothing is evicted, and no item has a version (`cas` always finds a newer one).
 */

import type { Clock } from '../../sim/clock.ts';
import { SECOND } from '../../sim/clock.ts';

/** An item. */
export interface Item {
  readonly flags: number;
  readonly value: string;
}

/** How a value is stored. */
export type StorageCommand = 'set' | 'add' | 'replace' | 'append' | 'prepend';

/** Thirty days: greater times are instants. */
const RELATIVE_LIMIT = 60 * 60 * 24 * 30;

/** The store; values are texts with one character a byte. */
export class MemcachedStore {
  readonly #clock: Clock;
  readonly #items = new Map<string, Item & { readonly expires: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): Item | null {
    const item = this.#items.get(key);
    if (item !== undefined && item.expires <= this.#clock.now()) {
      this.#items.delete(key);
      return null;
    }
    return item ?? null;
  }

  /** Whether it was stored. */
  store(command: StorageCommand, key: string, item: Item, seconds: number): boolean {
    const old = this.get(key);
    if (command === 'add' ? old !== null : command !== 'set' && old === null) {
      return false;
    }
    const value =
      command === 'append' ? (old?.value ?? '') + item.value : command === 'prepend' ? item.value + (old?.value ?? '') : item.value;
    this.#items.set(key, { flags: item.flags, value, expires: this.#expiry(seconds) });
    return true;
  }

  delete(key: string): boolean {
    return this.get(key) !== null && this.#items.delete(key);
  }

  touch(key: string, seconds: number): boolean {
    const item = this.get(key);
    return item !== null && this.store('set', key, item, seconds);
  }

  /** The new number, `null` without an item, or `NaN` if it is no number. */
  add(key: string, delta: number): number | null {
    const item = this.get(key);
    if (item === null) {
      return null;
    }
    const value = /^\d+$/.test(item.value) ? Math.max(0, Number(item.value) + delta) : Number.NaN;
    if (!Number.isNaN(value)) {
      this.store('set', key, { ...item, value: String(value) }, 0);
    }
    return value;
  }

  clear(): void {
    this.#items.clear();
  }

  #expiry(seconds: number): number {
    if (seconds === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const left = seconds > RELATIVE_LIMIT ? seconds - Math.floor(this.#clock.wallMillis() / 1000) : seconds;
    return this.#clock.now() + left * SECOND;
  }
}
