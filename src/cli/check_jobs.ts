/**
 * The work of a search in pieces, and the desk that gives them out. Threads share the desk's counters, so nobody waits for the main thread to hand out the next piece.
 * What is found depends on seed and runs alone: a piece does not know who tries it, and pieces behind the first broken one of a property do not count.
 */
import { BLOCK, type CheckPlan, type Slice } from '../testing.ts';

/** Cases of a piece: small ones are told of early and end soon after Ctrl-C; a great many small ones cost time to tell of. */
const USUAL_PIECES = 64;
const LARGEST_BLOCKS = 80;
const SMALLEST_COSTLY = 10;
const LARGEST_COSTLY = 100;
const NOT_BROKEN = 0x7fffffff;

/** A part of the work of several processes: its number from 0, of how many. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** A piece: cases of a property of a file. */
export interface Job {
  readonly file: number;
  readonly slice: Slice;
  /** Number of the property among those of all files. */
  readonly key: number;
}

/** The shard that `2/4` names; `/4` is one of an Indexed Job. An error text if it is none. */
export function shardOf(text: string, completionIndex: string | undefined): Shard | string {
  const match = /^(\d{0,5})\/(\d{1,5})$/.exec(text);
  const of = Number(match?.[2] ?? 0);
  if (match === null || of < 1) {
    return `"${text}" is no shard; it looks like 2/4`;
  }
  if (match[1] === '') {
    const index = Number(completionIndex);
    return /^\d+$/.test(completionIndex ?? '') && index < of
      ? { index, of }
      : `--shard ${text} takes its part from JOB_COMPLETION_INDEX, which is ${completionIndex ?? 'not set'}; it must be below ${of}`;
  }
  const number = Number(match[1]);
  return number >= 1 && number <= of ? { index: number - 1, of } : `there is no shard ${number} of ${of}`;
}

/** The pieces of all properties of all files, the shard's only. Cheap ones come first: most of what is found is found by them. */
export function jobsOf(plans: readonly CheckPlan[], shard: Shard | null): Job[] {
  const cheap: Job[] = [];
  const costlyOnes: Job[] = [];
  let key = 0;
  for (const [file, plan] of plans.entries()) {
    for (const [property, { runs, wanted, costly }] of plan.properties.entries()) {
      const usual = Math.ceil(runs / USUAL_PIECES);
      const size = costly
        ? Math.min(LARGEST_COSTLY, Math.max(SMALLEST_COSTLY, usual))
        : BLOCK * Math.min(LARGEST_BLOCKS, Math.ceil(usual / BLOCK));
      for (let first = 0, number = 0; wanted && first < runs; first += size, number++) {
        if (shard === null || number % shard.of === shard.index) {
          (costly ? costlyOnes : cheap).push({ file, slice: { property, first, count: Math.min(size, runs - first) }, key });
        }
      }
      key += 1;
    }
  }
  return [...cheap, ...costlyOnes];
}

/** Gives out pieces, each once. All that have it see the same memory. */
export class Desk {
  readonly jobs: readonly Job[];
  /** The next piece, whether all is over, and for each property from which case on nothing counts. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(jobs: readonly Job[], memory?: SharedArrayBuffer) {
    this.jobs = jobs;
    const keys = jobs.reduce((most, { key }) => Math.max(most, key + 1), 0);
    this.memory = memory ?? new SharedArrayBuffer(4 * (2 + keys));
    this.#words = new Int32Array(this.memory);
    if (memory === undefined) {
      this.#words.fill(NOT_BROKEN, 2);
    }
  }

  /** The number of the next piece that matters; `null`: there is none. */
  take(): number | null {
    while (Atomics.load(this.#words, 1) === 0) {
      const number = Atomics.add(this.#words, 0, 1);
      const job = this.jobs[number];
      if (job === undefined) {
        return null;
      }
      if (this.matters(job)) {
        return number;
      }
    }
    return null;
  }

  /** Whether no piece before this one is broken. */
  matters({ key, slice }: Job): boolean {
    return slice.first <= Atomics.load(this.#words, 2 + key);
  }

  /** This piece is broken: those behind it need not be tried. */
  broken({ key, slice }: Job): void {
    for (let known = Atomics.load(this.#words, 2 + key); slice.first < known; known = Atomics.load(this.#words, 2 + key)) {
      if (Atomics.compareExchange(this.#words, 2 + key, known, slice.first) === known) {
        return;
      }
    }
  }

  /** Nobody gets another piece. */
  stop(): void {
    Atomics.store(this.#words, 1, 1);
  }
}
