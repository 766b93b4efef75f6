/**
 * A link that does not carry every frame at once: loss, duplicates, delay, and with it another order.
 * @see linux:net/sched/sch_netem.c#netem_enqueue
 * @remarks Simplified: no rate, no correlation, no corruption, and no bound on the queue.
 */
import type { Nanos } from '../sim/clock.ts';
import type { Rng } from '../sim/rng.ts';

/** What is wrong with a link. Shares are from 0 to 1. */
export interface Impairment {
  /** Share of frames that are lost. */
  readonly loss: number;
  /** Share of frames that arrive twice. */
  readonly duplicate: number;
  /** Share of frames that wait for `delay`; the others pass them. */
  readonly delayed: number;
  readonly delay: Nanos;
}

/** Nothing is wrong. */
export const NO_IMPAIRMENT: Impairment = { loss: 0, duplicate: 0, delayed: 0, delay: 0 };

/** Shares are compared with draws of this many values. */
const DRAWS = 1_000_000;

/** The impairments of one link; each may come and go. */
export class Netem {
  readonly #rng: Rng;
  readonly #impairments = new Set<Impairment>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Adds an impairment; the function returned takes it away. */
  add(impairment: Impairment): () => void {
    this.#impairments.add(impairment);
    return () => {
      this.#impairments.delete(impairment);
    };
  }

  /** After how long each copy of the next frame arrives; none if it is lost. */
  arrivals(): readonly Nanos[] {
    let arrivals: Nanos[] = [0];
    for (const { loss, duplicate, delayed, delay } of this.#impairments) {
      if (this.#hits(loss)) {
        return [];
      }
      arrivals = arrivals.map((at) => (this.#hits(delayed) ? at + delay : at));
      if (this.#hits(duplicate)) {
        arrivals = [...arrivals, ...arrivals];
      }
    }
    return arrivals;
  }

  #hits(share: number): boolean {
    return share > 0 && this.#rng.below(DRAWS) < share * DRAWS;
  }
}
