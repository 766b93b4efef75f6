/**
 * Virtual time. One clock per cluster; only the scheduler moves it.
 * Two readings of the same instant: time since boot (ktime, what BPF programs and timers see) and wall time (what logs and HTTP dates show).
 */
import { assert } from './assert.ts';

/** Nanoseconds since boot. A double holds them exactly for 104 days of uptime. */
export type Nanos = number;

/** Nanoseconds in a second. */
export const SECOND: Nanos = 1_000_000_000;
/** Nanoseconds in a millisecond. */
export const MILLISECOND: Nanos = 1_000_000;
/** Nanoseconds in a microsecond. */
export const MICROSECOND: Nanos = 1_000;

/** The reading side of the clock, handed to every part of the engine. */
export interface Clock {
  /** Nanoseconds since boot. */
  now(): Nanos;
  /** Whole seconds since boot: `bpf_ktime_get_sec` of the datapath. @see cilium:bpf/lib/mono.h#bpf_mono_now */
  seconds(): number;
  /** Milliseconds of the Unix epoch at this instant, with fractions of the nanosecond clock cut off. */
  wallMillis(): number;
}

/** The clock with its moving side; only a scheduler holds it. */
export class SimClock implements Clock {
  #now: Nanos;
  #wallAtBoot: number;

  /**
   * @param bootNanos time since boot at the start of the run
   * @param wallMillis Unix milliseconds at the start of the run
   */
  constructor(bootNanos: Nanos, wallMillis: number) {
    assert(Number.isSafeInteger(bootNanos) && bootNanos >= 0, 'boot time must be a whole number of nanoseconds');
    this.#now = bootNanos;
    this.#wallAtBoot = wallMillis - Math.floor(bootNanos / MILLISECOND);
  }

  now(): Nanos {
    return this.#now;
  }

  seconds(): number {
    return Math.floor(this.#now / SECOND);
  }

  wallMillis(): number {
    return this.#wallAtBoot + Math.floor(this.#now / MILLISECOND);
  }

  /** Sets the wall clock forward or back by some milliseconds, as an administrator or NTP does; time since boot goes on evenly. */
  jumpWall(millis: number): void {
    this.#wallAtBoot += millis;
  }

  /** Moves to a later instant. */
  advanceTo(instant: Nanos): void {
    assert(instant >= this.#now, 'time does not run backwards');
    this.#now = instant;
  }
}
