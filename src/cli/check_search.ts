/** Searches in pieces, on this thread and on those that help, until all is done or the user stops it. */
import { setImmediate as immediate, setTimeout as timeout } from 'node:timers/promises';
import {
  type CheckPlan,
  type CheckResult,
  NoSuchCase,
  type Part,
  type PropertyResult,
  propertyResultOf,
  resultOf,
  tryPart,
} from '../testing.ts';
import { Desk, type Job, jobsOf, type Shard } from './check_jobs.ts';
import type { JobDone, Threads } from './check_threads.ts';
import type { Progress } from './progress.ts';

/** So long a stop waits for the pieces that are being tried. */
const PATIENCE = 2000;

const NO_SUCH_CASE = '--replay leads to no case: it belongs to another seed, to other files, or to another version';

/** What is to be searched. */
export interface SearchOptions {
  readonly plans: readonly CheckPlan[];
  readonly threads: Threads;
  readonly shard: Shard | null;
  readonly progress: Progress;
  /** Hears of each property, as soon as nothing more can be found out about it. */
  readonly settled: (file: number, property: number, result: PropertyResult) => void;
}

/** What came of a search. */
export interface SearchDone {
  readonly results: readonly CheckResult[];
  /** The signal that stopped it. */
  readonly stopped: 'SIGINT' | 'SIGTERM' | null;
  /** Why it cannot be finished. */
  readonly error: string | null;
}

/** One property while it is searched. */
interface Searched {
  readonly parts: Part[];
  /** Pieces that are not done. */
  readonly open: Set<Job>;
  settled: boolean;
}

interface Search extends SearchOptions {
  readonly desk: Desk;
  readonly properties: readonly (readonly Searched[])[];
}

/** Searches all that is planned. */
export async function searchAll(options: SearchOptions): Promise<SearchDone> {
  const { plans, shard, threads, progress } = options;
  const desk = new Desk(jobsOf(plans, shard));
  const properties = plans.map((plan) => plan.properties.map((): Searched => ({ parts: [], open: new Set(), settled: false })));
  for (const job of desk.jobs) {
    properties[job.file]?.[job.slice.property]?.open.add(job);
  }
  const search: Search = { ...options, desk, properties };
  let stopped: SearchDone['stopped'] = null;
  let hurry = (): void => undefined;
  const patience = new Promise<null>((resolve) => {
    hurry = () => {
      desk.stop();
      timeout(PATIENCE, undefined, { ref: false }).then(() => resolve(null));
    };
  });
  const stop = (signal: NodeJS.Signals): void => {
    stopped = signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
    hurry();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  progress.plan(
    desk.jobs.map(({ slice, file }) => ({ count: slice.count, costly: isCostly(plans, file, slice.property) })),
    threads.count + 1,
  );
  settleEmpty(search);
  let error: string | null = null;
  try {
    const helped = threads.run(desk, (one) => finished(search, one));
    await searchHere(search);
    error = await Promise.race([helped, patience]);
  } catch (thrown) {
    if (!(thrown instanceof NoSuchCase)) {
      throw thrown;
    }
    error = NO_SUCH_CASE;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    progress.end();
  }
  return { results: plans.map((plan, file) => told(search, plan, file, stopped !== null)), stopped, error };
}

async function searchHere(search: Search): Promise<void> {
  const { desk, plans } = search;
  for (let number = desk.take(); number !== null; number = desk.take()) {
    const job = desk.jobs[number] as Job;
    const start = performance.now();
    const part = tryPart(plans[job.file] as CheckPlan, job.slice);
    finished(search, { number, part, millis: performance.now() - start });
    // Signals and what the other threads say are looked at.
    await immediate();
  }
}

function isCostly(plans: readonly CheckPlan[], file: number, property: number): boolean {
  return plans[file]?.properties[property]?.costly === true;
}

/** A piece is done: with it, perhaps, its property. */
function finished({ desk, plans, properties, progress, settled }: Search, { number, part, millis }: JobDone): void {
  const job = desk.jobs[number] as Job;
  const { file, slice } = job;
  const searched = properties[file]?.[slice.property] as Searched;
  searched.parts.push(part);
  searched.open.delete(job);
  let dropped = 0;
  if (part.verdict !== 'holds') {
    desk.broken(job);
    for (const one of searched.open) {
      if (!desk.matters(one)) {
        searched.open.delete(one);
        dropped += one.slice.count;
      }
    }
  }
  progress.advance({
    count: slice.count,
    tried: part.runs,
    dropped,
    millis,
    costly: isCostly(plans, file, slice.property),
    broken: part.verdict === 'holds' ? null : job.key,
  });
  if (searched.open.size === 0 && !searched.settled) {
    searched.settled = true;
    const plan = plans[file]?.properties[slice.property];
    if (plan !== undefined) {
      settled(file, slice.property, propertyResultOf(plan, searched.parts));
    }
  }
}

/** Properties of which this shard has no piece. */
function settleEmpty({ plans, properties, settled }: Search): void {
  for (const [file, plan] of plans.entries()) {
    for (const [index, property] of plan.properties.entries()) {
      const searched = properties[file]?.[index];
      if (property.wanted && searched !== undefined && searched.open.size === 0) {
        searched.settled = true;
        settled(file, index, propertyResultOf(property, []));
      }
    }
  }
}

/** The result of a file; that of a shard has the parts it was put together from. */
function told({ desk, properties, shard }: Search, plan: CheckPlan, file: number, interrupted: boolean): CheckResult {
  const searched = properties[file] ?? [];
  const counted = searched.map(({ parts }) => parts.filter((part) => isCounted(parts, part)));
  const left = searched.map(({ open }) => [...open].filter((job) => desk.matters(job)).reduce((sum, { slice }) => sum + slice.count, 0));
  const result = resultOf(plan, counted, left);
  const stop = interrupted ? { interrupted: true } : {};
  if (shard === null) {
    return { ...result, ...stop };
  }
  const wanted = plan.properties.flatMap((one, index) => (one.wanted ? [counted[index] ?? []] : []));
  return {
    ...result,
    properties: result.properties.map((one, index) => ({ ...one, parts: [...(wanted[index] ?? [])].sort((a, b) => a.first - b.first) })),
    shard: { number: shard.index + 1, of: shard.of },
    ...stop,
  };
}

/** Whether no part before this one is broken: whether those behind were tried is chance. */
function isCounted(parts: readonly Part[], { first }: Part): boolean {
  return parts.every((one) => one.verdict === 'holds' || one.first >= first);
}
