/** Ephemeral ports. @see linux:net/ipv4/inet_hashtables.c#__inet_hash_connect */
import type { Rng } from '../sim/rng.ts';

/** net.ipv4.ip_local_port_range */
export const LOCAL_PORT_RANGE = { low: 32768, high: 60999 } as const;

/** Gives out local ports: pinned ones first, then random ones. */
export class PortAllocator {
  readonly #rng: Rng;
  readonly #evenFirst: boolean;
  /** Ports to use first, in order. */
  readonly pinned: number[] = [];

  /** @param evenFirst connect(2) tries ports of even parity first; bind(2) odd ones are not modelled apart */
  constructor(rng: Rng, evenFirst: boolean) {
    this.#rng = rng;
    this.#evenFirst = evenFirst;
  }

  /** A port that is not taken, or `null` when all are. */
  take(taken: (port: number) => boolean): number | null {
    const pin = this.pinned.shift();
    if (pin !== undefined && !taken(pin)) {
      return pin;
    }
    const { low, high } = LOCAL_PORT_RANGE;
    const count = high - low + 1;
    const start = this.#rng.below(count);
    for (const parity of this.#evenFirst ? [0, 1] : [null]) {
      for (let i = 0; i < count; i++) {
        const port = low + ((start + i) % count);
        if ((parity === null || (port & 1) === parity) && !taken(port)) {
          return port;
        }
      }
    }
    return null;
  }
}
