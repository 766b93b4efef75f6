/** A timer whose deadline may move without a new entry in the scheduler. */
import type { Nanos } from '../../sim/clock.ts';
import type { Scheduler, Timer } from '../../sim/scheduler.ts';

/** Fires once at its deadline. */
export class LazyTimer {
  readonly #scheduler: Scheduler;
  readonly #label: string;
  readonly #fire: () => void;
  #deadline: Nanos | null = null;
  #scheduled: Timer | null = null;
  #scheduledAt: Nanos = 0;

  constructor(scheduler: Scheduler, label: string, fire: () => void) {
    this.#scheduler = scheduler;
    this.#label = label;
    this.#fire = fire;
  }

  /** Moves the deadline to `delay` from now. */
  set(delay: Nanos): void {
    this.#set(delay, this.#label);
  }

  /** The same for a wait that is no work left to do (TIME-WAIT). */
  setIdle(delay: Nanos): void {
    this.clear();
    this.#set(delay, `idle:${this.#label}`);
  }

  /** Forgets the deadline. */
  clear(): void {
    this.#deadline = null;
    this.#scheduled?.cancel();
    this.#scheduled = null;
  }

  #set(delay: Nanos, label: string): void {
    const at = this.#scheduler.clock.now() + delay;
    this.#deadline = at;
    if (this.#scheduled !== null && this.#scheduledAt <= at) {
      return;
    }
    this.#scheduled?.cancel();
    this.#arm(at, label);
  }

  #arm(at: Nanos, label: string): void {
    this.#scheduledAt = at;
    this.#scheduled = this.#scheduler.after(at - this.#scheduler.clock.now(), label, () => {
      this.#scheduled = null;
      if (this.#deadline === null) {
        return;
      }
      if (this.#deadline > this.#scheduler.clock.now()) {
        this.#arm(this.#deadline, label);
        return;
      }
      this.#deadline = null;
      this.#fire();
    });
  }
}
