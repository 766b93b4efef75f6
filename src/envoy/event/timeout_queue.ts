/**
 * Timers that all have the same delay and are nearly always cancelled (request timeouts, idle timeouts): a linked list in order of expiry with
 * one scheduler entry for its head, so that arming and cancelling cost a few assignments and leave nothing behind.
 */
import type { Nanos } from '../../sim/clock.ts';
import type { Timer } from '../../sim/scheduler.ts';
import type { Dispatcher } from './dispatcher.ts';

/** A timer of the queue. */
export class Timeout {
  /** Instant of expiry while armed. */
  at: Nanos = 0;
  armed = false;
  before: Timeout | null = null;
  after: Timeout | null = null;
  readonly callback: () => void;

  constructor(callback: () => void) {
    this.callback = callback;
  }
}

/** Timeouts of one delay. */
export class TimeoutQueue {
  readonly #dispatcher: Dispatcher;
  readonly #delay: Nanos;
  readonly #label: string;
  #head: Timeout | null = null;
  #tail: Timeout | null = null;
  #timer: Timer | null = null;
  #timerAt: Nanos = 0;

  constructor(dispatcher: Dispatcher, delay: Nanos, label: string) {
    this.#dispatcher = dispatcher;
    this.#delay = delay;
    this.#label = label;
  }

  /** Arms the timeout for one delay from now, from scratch if it is armed already. */
  arm(timeout: Timeout): void {
    this.cancel(timeout);
    timeout.at = this.#dispatcher.clock.now() + this.#delay;
    timeout.armed = true;
    timeout.before = this.#tail;
    if (this.#tail === null) {
      this.#head = timeout;
    } else {
      this.#tail.after = timeout;
    }
    this.#tail = timeout;
    if (this.#timer === null) {
      this.#schedule();
    }
  }

  /** Disarms the timeout; harmless if it is not armed. */
  cancel(timeout: Timeout): void {
    if (!timeout.armed) {
      return;
    }
    timeout.armed = false;
    if (timeout.before === null) {
      this.#head = timeout.after;
    } else {
      timeout.before.after = timeout.after;
    }
    if (timeout.after === null) {
      this.#tail = timeout.before;
    } else {
      timeout.after.before = timeout.before;
    }
    timeout.before = null;
    timeout.after = null;
  }

  #schedule(): void {
    const head = this.#head;
    if (head === null) {
      return;
    }
    this.#timerAt = head.at;
    const delay = Math.max(0, head.at - this.#dispatcher.clock.now());
    this.#timer = this.#dispatcher.timer(delay, `periodic:${this.#label}`, () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    const now = this.#dispatcher.clock.now();
    while (this.#head !== null && this.#head.at <= now && this.#timerAt <= now) {
      const due = this.#head;
      this.cancel(due);
      due.callback();
    }
    if (this.#timer === null) {
      this.#schedule();
    }
  }
}
