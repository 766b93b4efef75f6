/**
 * Seeded random numbers (xoshiro128**), forked by name so that one part drawing more numbers does not shift another's.
 */
import { assert } from './assert.ts';

/** A stream of random numbers. */
export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  readonly #seed: number;

  /** @param seed any integer; only its low 32 bits count */
  constructor(seed: number) {
    this.#seed = seed >>> 0;
    let state = this.#seed;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  /** An independent stream for the part called `name`, the same for equal seed and name. */
  fork(name: string): Rng {
    let hash = 0x811c9dc5 ^ this.#seed;
    for (let i = 0; i < name.length; i++) {
      hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    }
    return new Rng(hash >>> 0);
  }

  /** An unsigned 32-bit integer. */
  uint32(): number {
    const times5 = Math.imul(this.#b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** An integer in [0, bound), without bias. */
  below(bound: number): number {
    assert(Number.isInteger(bound) && bound > 0 && bound <= 0x1_0000_0000, 'bound out of range');
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const value = this.uint32();
      if (value < limit) {
        return value % bound;
      }
    }
  }

  /** An integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** Lower-case hexadecimal digits. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) {
      const word = this.uint32();
      text += `${octet(word >>> 24)}${octet(word >>> 16)}${octet(word >>> 8)}${octet(word)}`;
    }
    return text.slice(0, digits);
  }

  /** A version 4 UUID. */
  uuid(): string {
    const h = this.hex(30);
    const variant = '89ab'.charAt(this.below(4));
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(12, 15)}-${variant}${h.slice(15, 18)}-${h.slice(18, 30)}`;
  }
}

const OCTETS = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));

function octet(value: number): string {
  return OCTETS[value & 255] as string;
}
