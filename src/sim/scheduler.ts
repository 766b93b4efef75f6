/**
 * The only "later" of the engine: a queue of callbacks ordered by instant, then by the order in which they were asked for.
 * Everything asynchronous (softirqs, timers, queues, gRPC messages, processes) is an entry here, so a run is a pure function of its inputs.
 */
import { assert } from './assert.ts';
import type { Clock, Nanos, SimClock } from './clock.ts';
import { Fifo } from './fifo.ts';

/** A pending callback. */
export interface Timer {
  /** Forgets the callback; harmless once it has run. */
  cancel(): void;
  /** Whether the callback is still to run. */
  readonly pending: boolean;
}

/** What the parts of the engine see of the scheduler. */
export interface Scheduler {
  readonly clock: Clock;
  /** Runs `callback` after `delay` nanoseconds (0: after everything already due now). */
  after(delay: Nanos, label: string, callback: () => void): Timer;
}

class Entry implements Timer {
  readonly at: Nanos;
  readonly order: number;
  readonly label: string;
  readonly owner: Owner;
  callback: (() => void) | null;

  constructor(owner: Owner, at: Nanos, order: number, label: string, callback: () => void) {
    this.owner = owner;
    this.at = at;
    this.order = order;
    this.label = label;
    this.callback = callback;
  }

  get pending(): boolean {
    return this.callback !== null;
  }

  cancel(): void {
    if (this.callback !== null) {
      this.callback = null;
      this.owner.cancelled += 1;
    }
  }
}

/** What an entry tells its scheduler. */
interface Owner {
  cancelled: number;
}

/** The scheduler with its driving side, held by the cluster. */
export class SimScheduler implements Scheduler {
  readonly clock: Clock;
  readonly #clock: SimClock;
  /** Entries of a later instant: a binary heap by (at, order). */
  #heap: Entry[] = [];
  /** Counts cancelled entries that still lie in the heap, roughly: they are swept out when they are the larger part. */
  readonly #owner: Owner = { cancelled: 0 };
  /** Entries of the current instant in order: most callbacks are "now", and a queue is cheaper than the heap. */
  readonly #due = new Fifo<Entry>();
  #order = 0;

  constructor(clock: SimClock) {
    this.clock = clock;
    this.#clock = clock;
  }

  after(delay: Nanos, label: string, callback: () => void): Timer {
    assert(delay >= 0, `negative delay for ${label}`);
    const now = this.#clock.now();
    const entry = new Entry(this.#owner, now + Math.round(delay), this.#order++, label, callback);
    if (entry.at === now) {
      this.#due.push(entry);
    } else {
      this.#push(entry);
      if (this.#owner.cancelled > 1024 && this.#owner.cancelled > this.#heap.length / 2) {
        this.#sweep();
      }
    }
    return entry;
  }

  /** The instant of the next pending callback, or `null`. */
  nextAt(): Nanos | null {
    this.#dropCancelled();
    if (this.#due.size > 0) {
      return this.#clock.now();
    }
    return this.#heap[0]?.at ?? null;
  }

  /**
   * The instant of the earliest pending callback that is not background work, or `null`. Background work (labels that start with
   * `periodic:`, which repeats for ever, or `idle:`, which only ends a wait) does not count when one asks whether anything is left to do.
   */
  nextForegroundAt(): Nanos | null {
    this.#dropCancelled();
    let earliest: Nanos | null = null;
    if (this.#due.some(isForeground)) {
      return this.#clock.now();
    }
    for (const entry of this.#heap) {
      if (isForeground(entry) && (earliest === null || entry.at < earliest)) {
        earliest = entry.at;
      }
    }
    return earliest;
  }

  /** Runs the next callback if it is due at or before `limit`. Returns whether one ran. */
  step(limit: Nanos = Number.POSITIVE_INFINITY): boolean {
    const at = this.nextAt();
    if (at === null || at > limit) {
      return false;
    }
    const entry = this.#take();
    this.#clock.advanceTo(entry.at);
    const callback = entry.callback;
    entry.callback = null;
    assert(callback !== null, 'a cancelled callback was taken');
    callback();
    return true;
  }

  /** Runs all callbacks due at or before `instant`, then moves the clock there. */
  runUntil(instant: Nanos): void {
    while (this.step(instant)) {
      // each step may schedule more work of the same instant
    }
    this.#clock.advanceTo(Math.max(instant, this.#clock.now()));
  }

  /** Runs until `done()` holds or nothing is left before `limit`; returns whether `done()` holds. */
  runWhile(done: () => boolean, limit: Nanos): boolean {
    while (!done()) {
      if (!this.step(limit)) {
        return done();
      }
    }
    return true;
  }

  #take(): Entry {
    const due = this.#due.first;
    const later = this.#heap[0];
    if (due !== undefined && (later === undefined || before(due, later))) {
      this.#due.shift();
      return due;
    }
    return this.#pop();
  }

  #dropCancelled(): void {
    while (this.#due.first?.callback === null) {
      this.#due.shift();
    }
    while (this.#heap[0]?.callback === null) {
      this.#pop();
    }
  }

  /** Rebuilds the heap without cancelled entries. */
  #sweep(): void {
    const kept = this.#heap.filter((entry) => entry.callback !== null);
    this.#heap = [];
    this.#owner.cancelled = 0;
    for (const entry of kept) {
      this.#push(entry);
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Entry;
      if (before(above, entry)) {
        break;
      }
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0] as Entry;
    const last = heap.pop() as Entry;
    if (heap.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= heap.length) {
          break;
        }
        const right = heap[child + 1];
        if (right !== undefined && before(right, heap[child] as Entry)) {
          child += 1;
        }
        const below = heap[child] as Entry;
        if (before(last, below)) {
          break;
        }
        heap[i] = below;
        i = child;
      }
      heap[i] = last;
    }
    return top;
  }
}

function isForeground(entry: Entry): boolean {
  return entry.callback !== null && !entry.label.startsWith('periodic:') && !entry.label.startsWith('idle:');
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
