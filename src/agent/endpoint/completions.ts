/**
 * Waiting for the proxy: a group of acknowledgements with one time limit.
 * @see cilium:pkg/completion/completion.go#WaitGroup
 */
import { type Nanos, SECOND } from '../../sim/clock.ts';
import type { Scheduler, Timer } from '../../sim/scheduler.ts';
import type { Completion } from '../envoy/xds_server.ts';

/** @see cilium:pkg/endpoint/policy.go#EndpointGenerationTimeout */
export const ENDPOINT_GENERATION_TIMEOUT = 330 * SECOND;

/** The group. */
export class CompletionGroup {
  readonly #scheduler: Scheduler;
  readonly #limit: Nanos;
  #open = 0;
  #error: string | null = null;
  #waiter: ((error: string | null) => void) | null = null;
  #timer: Timer | null = null;

  constructor(scheduler: Scheduler, limit: Nanos = ENDPOINT_GENERATION_TIMEOUT) {
    this.#scheduler = scheduler;
    this.#limit = limit;
  }

  /** One more acknowledgement to wait for. */
  add(): Completion {
    this.#open += 1;
    let called = false;
    return (error) => {
      if (!called) {
        called = true;
        this.#open -= 1;
        this.#error ??= error;
        this.#check();
      }
    };
  }

  /** Calls back when all have come, at the first error, or when time is up. */
  wait(waiter: (error: string | null) => void): void {
    this.#waiter = waiter;
    this.#timer = this.#scheduler.after(this.#limit, 'proxy completions', () => {
      this.#error ??= 'context deadline exceeded';
      this.#check();
    });
    this.#check();
  }

  #check(): void {
    const waiter = this.#waiter;
    if (waiter !== null && (this.#open === 0 || this.#error !== null)) {
      this.#waiter = null;
      this.#timer?.cancel();
      this.#scheduler.after(0, 'proxy completions', () => waiter(this.#error));
    }
  }
}
