/**
 * Envoy's event loop of one worker: every socket callback and timer of the proxy runs inside `run`, and what Envoy leaves to a later
 * event of the same iteration (socket writes, resumed reads, deferred deletes) happens when the callback has returned.
 * @see envoy:source/common/event/dispatcher_impl.cc#DispatcherImpl
 * @remarks Simplified: one worker thread; the real proxy runs one per CPU and connections of different workers do not share pools.
 */
import type { Clock, Nanos } from '../../sim/clock.ts';
import type { Scheduler, Timer } from '../../sim/scheduler.ts';

/** Something with buffered output. */
export interface Flushable {
  /** Hands the buffered bytes to the socket. */
  flush(): void;
}

/** The event loop. */
export class Dispatcher {
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  #dirty: Flushable[] = [];
  #deferred: (() => void)[] = [];
  #running = false;
  #stopped = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.clock = scheduler.clock;
  }

  /** Runs one event, then the writes and deferred work it caused. Nested calls just run. */
  run(event: () => void): void {
    if (this.#stopped) {
      return;
    }
    if (this.#running) {
      event();
      return;
    }
    this.#running = true;
    event();
    this.#settle();
    this.#running = false;
  }

  /** Asks for a `flush` after the current event. */
  dirty(flushable: Flushable): void {
    this.#dirty.push(flushable);
    this.#ensureRun();
  }

  /** Runs a callback after the current event and its writes. @see envoy:source/common/event/schedulable_cb_impl.cc#SchedulableCallbackImpl */
  defer(callback: () => void): void {
    this.#deferred.push(callback);
    this.#ensureRun();
  }

  /** A timer; labels that start with `periodic:` do not count as work that is left to do. */
  timer(delay: Nanos, label: string, callback: () => void): Timer {
    return this.#scheduler.after(delay, label, () => this.run(callback));
  }

  /** Ends the loop: nothing runs any more. */
  stop(): void {
    this.#stopped = true;
    this.#dirty = [];
    this.#deferred = [];
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  #ensureRun(): void {
    if (!this.#running) {
      this.#scheduler.after(0, 'envoy event loop', () => this.run(() => undefined));
    }
  }

  #settle(): void {
    for (;;) {
      for (let i = 0; i < this.#dirty.length; i++) {
        (this.#dirty[i] as Flushable).flush();
      }
      this.#dirty.length = 0;
      if (this.#deferred.length === 0) {
        return;
      }
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const callback of deferred) {
        callback();
      }
    }
  }
}
