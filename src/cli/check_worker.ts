/** A thread of `trenchrun check`: tries the slices it is sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CheckOptions, type CheckPlan, planOf, tryPart } from '../testing.ts';
import { load } from './check_input.ts';
import type { Job, JobDone, WorkerData } from './check_search.ts';

const { paths, options } = workerData as WorkerData;
const plans = new Map<number, CheckPlan>();

parentPort?.on('message', (job: Job) => {
  const done: JobDone = { job, part: tryPart(plan(job.file, options), job.slice) };
  parentPort?.postMessage(done);
});

/** The main thread has read the file without a fault a moment ago. */
function plan(file: number, how: CheckOptions): CheckPlan {
  let found = plans.get(file);
  if (found === undefined) {
    const path = paths[file] ?? '';
    const loaded = load(path);
    if ('issues' in loaded) {
      throw new Error(`${path} has changed and has a fault now`);
    }
    found = planOf(loaded.scenario, how);
    plans.set(file, found);
  }
  return found;
}
