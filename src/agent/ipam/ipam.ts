/**
 * Addresses of a node's pod CIDR.
 * @see cilium:pkg/ipam/hostscope.go
 */
import type { Cidr4, Ipv4 } from '../../net/ipv4.ts';
import type { Rng } from '../../sim/rng.ts';

/** The allocator: random free addresses, never the first or the last of the range. */
export class Ipam {
  readonly cidr: Cidr4;
  readonly #rng: Rng;
  readonly #kept: ReadonlySet<Ipv4>;
  readonly #owners = new Map<Ipv4, string>();

  /** `kept` addresses are given to those who want them, and never drawn. */
  constructor(cidr: Cidr4, rng: Rng, kept: ReadonlySet<Ipv4> = new Set()) {
    this.cidr = cidr;
    this.#rng = rng;
    this.#kept = kept;
  }

  /** Addresses in use with their owners (`router`, `health`, `namespace/pod`), in order of allocation. */
  owners(): ReadonlyMap<Ipv4, string> {
    return this.#owners;
  }

  /** How many addresses the range offers. */
  get capacity(): number {
    return Math.max(0, 2 ** (32 - this.cidr.length) - 2);
  }

  /** Takes an address: the wanted one if it is free and in range, else a random one that nobody is to have; `null` when none is left. */
  allocate(owner: string, wanted?: Ipv4): Ipv4 | null {
    if (wanted !== undefined) {
      if (this.#owners.has(wanted)) {
        return null;
      }
      this.#owners.set(wanted, owner);
      return wanted;
    }
    if (this.#owners.size >= this.capacity) {
      return null;
    }
    const start = this.#rng.below(this.capacity);
    for (let i = 0; i < this.capacity; i++) {
      const address = this.cidr.address + 1 + ((start + i) % this.capacity);
      if (!this.#owners.has(address) && !this.#kept.has(address)) {
        this.#owners.set(address, owner);
        return address;
      }
    }
    return null;
  }

  /** Gives an address back. */
  release(address: Ipv4): void {
    this.#owners.delete(address);
  }
}
