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

  /** Whether the process is dead. */
  get ended(): boolean {
    return this.#ended;
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
    return new ProcessTimer(this.#pending, timer);
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

/** A class: an object literal with a getter gets a hidden class of its own each time, which keeps what it closes over alive until the next full collection. */
class ProcessTimer implements Timer {
  readonly #among: Set<Timer>;
  readonly #timer: Timer;

  constructor(among: Set<Timer>, timer: Timer) {
    this.#among = among;
    this.#timer = timer;
  }

  cancel(): void {
    this.#among.delete(this.#timer);
    this.#timer.cancel();
  }

  get pending(): boolean {
    return this.#timer.pending;
  }
}

const NEVER: Timer = { cancel: () => undefined, pending: false };
