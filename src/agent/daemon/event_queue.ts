/**
 * A queue with one consumer: events are handled one after the other, each when the one before is done.
 * @see cilium:pkg/eventqueue/eventqueue.go
 */
import type { Scheduler } from '../../sim/scheduler.ts';

/** Handles an event; calls `done` when the next may come. */
export type EventHandler = (done: () => void) => void;

/**
 * The queue.
 * @remarks Simplified: an enqueue never blocks when the queue is full, since nothing here runs in parallel.
 */
export class EventQueue {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #waiting: EventHandler[] = [];
  #busy = false;

  constructor(scheduler: Scheduler, name: string) {
    this.#scheduler = scheduler;
    this.name = name;
  }

  /** Whether nothing waits and nothing is being handled. */
  get idle(): boolean {
    return !this.#busy && this.#waiting.length === 0;
  }

  /** Adds an event. */
  enqueue(handler: EventHandler): void {
    this.#waiting.push(handler);
    this.#next();
  }

  #next(): void {
    const handler = this.#busy ? undefined : this.#waiting.shift();
    if (handler === undefined) {
      return;
    }
    this.#busy = true;
    this.#scheduler.after(0, this.name, () =>
      handler(() => {
        this.#busy = false;
        this.#next();
      }),
    );
  }
}
