/**
 * Waiting for the proxy: acknowledgements that somebody waits for, and a group of them with one time limit.
 * @see cilium:pkg/completion/completion.go#WaitGroup
 */
import type { Nanos } from '../../sim/clock.ts';
import type { Scheduler } from '../../sim/scheduler.ts';

/** Hears how something ended: `null`, or an error. */
export type CompletionCallback = (error: string | null) => void;

const CANCELED = 'context canceled';
const DEADLINE_EXCEEDED = 'context deadline exceeded';

/** One acknowledgement. @see cilium:pkg/completion/completion.go#Completion */
export class Completion {
  readonly #callback: CompletionCallback | undefined;
  readonly #ended: () => void;
  #completed = false;
  #error: string | null = null;

  constructor(callback: CompletionCallback | undefined, ended: () => void) {
    this.#callback = callback;
    this.#ended = ended;
  }

  get completed(): boolean {
    return this.#completed;
  }

  /** The error it ended with. */
  get error(): string | null {
    return this.#error;
  }

  /** Only the first call counts. */
  complete(error: string | null): void {
    if (!this.#completed) {
      this.#completed = true;
      this.#error = error;
      this.#callback?.(error);
      this.#ended();
    }
  }
}

/** The group. */
export class WaitGroup {
  readonly #scheduler: Scheduler;
  readonly #limit: Nanos;
  readonly #completions: Completion[] = [];
  #check: () => void = nothing;

  constructor(scheduler: Scheduler, limit: Nanos) {
    this.#scheduler = scheduler;
    this.#limit = limit;
  }

  /** One more acknowledgement to wait for. */
  addCompletion(callback?: CompletionCallback): Completion {
    const completion = new Completion(callback, () => this.#check());
    this.#completions.push(completion);
    return completion;
  }

  /** Calls back when all have come, at the first error, or when time is up; what is open then ends with an error too. */
  wait(waiter: CompletionCallback): void {
    const finish = (reason: string): void => {
      this.#check = nothing;
      timer.cancel();
      this.#scheduler.after(0, 'proxy completions', () => {
        for (const completion of this.#completions) {
          completion.complete(reason);
        }
        waiter(this.#worst());
      });
    };
    const timer = this.#scheduler.after(this.#limit, 'proxy completions', () => finish(DEADLINE_EXCEEDED));
    // A variable first: V8 puts a function that is written right where a member is assigned among the old objects, where it keeps what it closes over alive.
    const check = (): void => {
      if (this.#completions.some(({ error }) => error !== null) || this.#completions.every(({ completed }) => completed)) {
        finish(CANCELED);
      }
    };
    this.#check = check;
    check();
  }

  /** Of several errors the one that says most. @see cilium:pkg/completion/completion.go#updateError */
  #worst(): string | null {
    const errors = this.#completions.flatMap(({ error }) => error ?? []);
    return errors.find((error) => error !== CANCELED && error !== DEADLINE_EXCEEDED) ?? errors[0] ?? null;
  }
}

function nothing(): void {
  // There is nobody who waits, or nothing any more to wait for.
}
