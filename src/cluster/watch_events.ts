/**
 * How news of the API server reaches its watchers: at once and in order, unless a fault makes it late.
 * @remarks Simplified: all watchers of a kind hear of a change at the same time. Order is kept within a kind, as informers keep it; late kinds overtake each other.
 */
import type { Nanos } from '../sim/clock.ts';
import type { Rng } from '../sim/rng.ts';
import type { Scheduler } from '../sim/scheduler.ts';

/** The way of watch events. */
export class WatchEvents {
  readonly #scheduler: Scheduler;
  readonly #rng: Rng;
  /** When the last news of each kind arrives. */
  readonly #last = new Map<string, Nanos>();
  #pending = 0;
  /** Longest delay of an event; each draws its own. */
  late: Nanos = 0;

  constructor(scheduler: Scheduler, rng: Rng) {
    this.#scheduler = scheduler;
    this.#rng = rng;
  }

  /** Whether no event is on its way. */
  get quiet(): boolean {
    return this.#pending === 0;
  }

  /** Runs the callback when news of the kind arrives. */
  deliver(kind: string, callback: () => void): void {
    const now = this.#scheduler.clock.now();
    const delay = this.late === 0 ? 0 : this.#rng.below(Math.min(this.late, 0xffffffff) + 1);
    const at = Math.max(now + delay, this.#last.get(kind) ?? 0);
    this.#last.set(kind, at);
    this.#pending += 1;
    this.#scheduler.after(at - now, 'watch event', () => {
      this.#pending -= 1;
      callback();
    });
  }
}
