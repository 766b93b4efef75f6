/**
 * Searches in parts: on this thread or on several, of all parts or of a shard's. What is found depends on seed and runs alone, for a part does not know who tries it,
 * and parts behind the first broken one do not count.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type CheckOptions, type CheckPlan, type CheckResult, type Part, resultOf, type Slice, tryPart } from '../testing.ts';
import { newProgress, type Progress } from './progress.ts';

/** Parts of a property: small ones are told of early and end soon after Ctrl-C, many cost time to find one's place. */
const SMALLEST_PART = 250;
const SMALLEST_COSTLY_PART = 10;
const LARGEST_PART = 20_000;
const USUAL_PARTS = 64;

/** A part of a shard's work: the shard's number from 0, of how many. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** What is to be searched. */
export interface SearchOptions {
  readonly paths: readonly string[];
  readonly options: CheckOptions;
  readonly plans: readonly CheckPlan[];
  readonly workers: number;
  readonly shard: Shard | null;
}

/** What threads are told. */
export type WorkerData = Pick<SearchOptions, 'paths' | 'options'>;

/** Cases of a file. */
export interface Job {
  readonly file: number;
  readonly slice: Slice;
}

/** A job that is done. */
export interface JobDone {
  readonly job: Job;
  readonly part: Part;
}

/** What came of a search. */
export interface SearchDone {
  readonly results: readonly CheckResult[];
  readonly interrupted: boolean;
  readonly tried: number;
  readonly planned: number;
}

interface Search {
  readonly wanted: SearchOptions;
  readonly pending: Job[];
  readonly parts: Part[][][];
  readonly progress: Progress;
  tried: number;
  interrupted: boolean;
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

/** Searches all that is planned, until it is done or the user stops it. */
export async function searchAll(wanted: SearchOptions): Promise<SearchDone> {
  const pending = jobsOf(wanted);
  const planned = pending.reduce((sum, { slice }) => sum + slice.count, 0);
  const parts = wanted.plans.map(({ properties }) => properties.map((): Part[] => []));
  const search: Search = { wanted, pending, parts, progress: newProgress(planned), tried: 0, interrupted: false };
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = () => {
      search.interrupted = true;
      search.pending.length = 0;
      resolve();
    };
  });
  process.once('SIGINT', stop);
  try {
    await (wanted.workers === 1 ? searchHere(search) : searchOnThreads(search, stopped));
  } finally {
    process.off('SIGINT', stop);
    search.progress.end();
  }
  const results = wanted.plans.map((plan, file) => {
    const result = resultOf(plan, parts[file] ?? []);
    return wanted.shard === null ? result : withParts(result, plan, parts[file] ?? []);
  });
  return { results, interrupted: search.interrupted, tried: search.tried, planned };
}

/** Slices of all properties of all files, the shard's only. */
function jobsOf({ plans, shard }: SearchOptions): Job[] {
  const jobs: Job[] = [];
  for (const [file, plan] of plans.entries()) {
    for (const [property, { runs, wanted, costly }] of plan.properties.entries()) {
      const size = Math.min(LARGEST_PART, Math.max(costly ? SMALLEST_COSTLY_PART : SMALLEST_PART, Math.ceil(runs / USUAL_PARTS)));
      for (let first = 0, number = 0; wanted && first < runs; first += size, number++) {
        if (shard === null || number % shard.of === shard.index) {
          jobs.push({ file, slice: { property, first, count: Math.min(size, runs - first) } });
        }
      }
    }
  }
  return jobs;
}

function withParts(result: CheckResult, plan: CheckPlan, parts: readonly (readonly Part[])[]): CheckResult {
  const wanted = plan.properties.flatMap((one, index) => (one.wanted ? [parts[index] ?? []] : []));
  return { ...result, properties: result.properties.map((one, index) => ({ ...one, parts: wanted[index] ?? [] })) };
}

function finished(search: Search, { job, part }: JobDone): void {
  const { file, slice } = job;
  search.parts[file]?.[slice.property]?.push(part);
  search.tried += part.runs;
  let skipped = 0;
  if (part.verdict !== 'holds') {
    const rest = search.pending.filter(
      (one) => one.file !== file || one.slice.property !== slice.property || one.slice.first < slice.first,
    );
    skipped = search.pending.filter((one) => !rest.includes(one)).reduce((sum, one) => sum + one.slice.count, slice.count - part.runs);
    search.pending.splice(0, search.pending.length, ...rest);
  }
  search.progress.advance(part.runs, skipped);
}

async function searchHere(search: Search): Promise<void> {
  for (let job = search.pending.shift(); job !== undefined; job = search.pending.shift()) {
    const plan = search.wanted.plans[job.file] as CheckPlan;
    finished(search, { job, part: tryPart(plan, job.slice) });
    // Keys are looked at.
    await immediate();
  }
}

async function searchOnThreads(search: Search, stopped: Promise<void>): Promise<void> {
  const { paths, options, workers } = search.wanted;
  const data: WorkerData = { paths, options };
  // Beside the bundle.
  const url = new URL('./check_worker.js', import.meta.url);
  const threads = Array.from({ length: Math.min(workers, search.pending.length) }, () => new Worker(url, { workerData: data }));
  const working = threads.map(
    (thread) =>
      new Promise<void>((resolve, reject) => {
        const next = (): void => {
          const job = search.pending.shift();
          if (job === undefined) {
            resolve();
          } else {
            thread.postMessage(job);
          }
        };
        thread.on('message', (done: JobDone) => {
          finished(search, done);
          next();
        });
        thread.on('error', reject);
        next();
      }),
  );
  await Promise.race([Promise.all(working), stopped]);
  await Promise.all(threads.map((thread) => thread.terminate()));
}
