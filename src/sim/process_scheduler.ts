/**
 * The scheduler as one process sees it: when the process dies, nothing that it had left for later happens.
 */
import type { Clock, Nanos } from './clock.ts';
import type { Scheduler, Timer } from './scheduler.ts';

/** A scheduler that can be ended. */
export class ProcessScheduler implements Scheduler {
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #pending = new Set<Timer>();
  #ended = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.clock = scheduler.clock;
  }

  after(delay: Nanos, label: string, callback: () => void): Timer {
    if (this.#ended) {
      return NEVER;
    }
    const timer = this.#scheduler.after(delay, label, () => {
      this.#pending.delete(timer);
      callback();
    });
    this.#pending.add(timer);
    return {
      cancel: () => {
        this.#pending.delete(timer);
        timer.cancel();
      },
      get pending() {
        return timer.pending;
      },
    };
  }

  /** The process is dead. */
  end(): void {
    this.#ended = true;
    for (const timer of this.#pending) {
      timer.cancel();
    }
    this.#pending.clear();
  }
}

const NEVER: Timer = { cancel: () => undefined, pending: false };
