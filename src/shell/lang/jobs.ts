/**
 * Commands in the background. Only commands that follow (`cilium monitor &`, `hubble observe --follow | grep DROPPED &`) are really there: what they
 * print is asked for after every command in the foreground.
 */
import type { CommandResult } from '../table.ts';
import type { Follower } from '../tool.ts';
import type { Pause } from './pause.ts';

/** A job. */
export interface Job {
  readonly id: number;
  readonly pid: number;
  readonly text: string;
  /** `null`: it has ended. */
  follower: Follower | null;
  /** Its exit code once it has ended. */
  status: number;
  /** Takes what the follower printed. `last`: it will print no more. */
  readonly deliver: (result: CommandResult, last: boolean) => Generator<Pause, void>;
}

/** The process id of the first job. */
const FIRST_PID = 4242;
/** How many jobs may be there at once. */
const MAX_JOBS = 50;

/** The jobs of a session. */
export class Jobs {
  #jobs: Job[] = [];
  #count = 0;

  get all(): readonly Job[] {
    return this.#jobs;
  }

  /** Adds a job; `null` if there are too many. */
  add(text: string, follower: Follower | null, status: number, deliver: Job['deliver']): Job | null {
    if (this.#jobs.length >= MAX_JOBS) {
      this.#jobs = this.#jobs.filter((job) => job.follower !== null);
    }
    if (this.#jobs.length >= MAX_JOBS) {
      return null;
    }
    const id = Math.max(0, ...this.#jobs.map((job) => job.id)) + 1;
    const job: Job = { id, pid: FIRST_PID + this.#count++, text, follower, status, deliver };
    this.#jobs.push(job);
    return job;
  }

  /** The job that `%1`, `%%`, `%cilium` or a process id means. */
  find(reference: string): Job | null {
    const running = this.#jobs.filter((job) => job.follower !== null);
    if (reference === '%%' || reference === '%+' || reference === '%') {
      return running.at(-1) ?? null;
    }
    const found = reference.startsWith('%')
      ? this.#jobs.find((job) => String(job.id) === reference.slice(1) || job.text.startsWith(reference.slice(1)))
      : this.#jobs.find((job) => String(job.pid) === reference);
    return found ?? null;
  }

  /** Forgets a job that has ended. */
  forget(job: Job): void {
    this.#jobs = this.#jobs.filter((one) => one !== job);
  }

  /** Delivers what the jobs printed. */
  *poll(): Generator<Pause, void> {
    for (const job of this.#jobs) {
      if (job.follower !== null) {
        yield* job.deliver(job.follower.next(), false);
      }
    }
  }

  /** Ends a job. */
  *end(job: Job, status: number): Generator<Pause, void> {
    const { follower } = job;
    job.follower = null;
    job.status = status;
    if (follower !== null) {
      yield* job.deliver(follower.next(), true);
    }
  }
}
