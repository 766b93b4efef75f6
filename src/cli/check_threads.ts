/** The threads that help to search. They are started before anything is loaded here: loading is most of what a short search takes, and each thread has its own to do. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { CheckOptions, Part } from '../testing.ts';
import type { Desk, Job } from './check_jobs.ts';

/** What a thread is started with. */
export interface WorkerData {
  readonly paths: readonly string[];
  readonly options: CheckOptions;
}

/** What it works on. */
export interface Work {
  readonly jobs: readonly Job[];
  readonly memory: SharedArrayBuffer;
}

/** A piece that is done. */
export interface JobDone {
  /** Which. */
  readonly number: number;
  readonly part: Part;
  readonly millis: number;
}

/** What a thread says: a piece is done, nothing is left, or it cannot work. */
export type ThreadMessage = JobDone | 'idle' | { readonly failed: string };

/** Helping threads. */
export class Threads {
  readonly #workers: readonly Worker[];

  /** The main thread is one of the workers; more than there are processors would only wait for each other. */
  constructor(workers: number, workerData: WorkerData) {
    // Beside the bundle.
    const url = new URL('./check_worker.js', import.meta.url);
    const count = Math.min(workers, availableParallelism()) - 1;
    this.#workers = Array.from({ length: count }, () => new Worker(url, { workerData }));
    for (const worker of this.#workers) {
      // Whoever waits for a thread hears of its end too.
      worker.on('error', () => undefined);
    }
  }

  get count(): number {
    return this.#workers.length;
  }

  /** Lets all work until the desk has nothing more; an error text if one cannot. */
  async run({ jobs, memory }: Desk, done: (one: JobDone) => void): Promise<string | null> {
    const work: Work = { jobs, memory };
    const ends = this.#workers.map(
      (worker) =>
        new Promise<string | null>((resolve) => {
          worker.on('message', (message: ThreadMessage) => {
            if (message === 'idle') {
              resolve(null);
            } else if ('failed' in message) {
              resolve(message.failed);
            } else {
              done(message);
            }
          });
          worker.on('error', (error) => resolve(`a thread ended: ${error instanceof Error ? error.message : String(error)}`));
          worker.postMessage(work);
        }),
    );
    return (await Promise.all(ends)).find((error) => error !== null) ?? null;
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
