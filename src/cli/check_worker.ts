/** A thread of `trenchrun check`: tries pieces until the desk has none. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CheckPlan, planOf, tryPart } from '../testing.ts';
import { load } from './check_input.ts';
import { Desk } from './check_jobs.ts';
import type { ThreadMessage, Work, WorkerData } from './check_threads.ts';

const { paths, options } = workerData as WorkerData;
const plans = new Map<number, CheckPlan>();

parentPort?.on('message', ({ jobs, memory }: Work) => {
  const desk = new Desk(jobs, memory);
  for (let number = desk.take(); number !== null; number = desk.take()) {
    const job = jobs[number];
    const ready = job === undefined ? null : plan(job.file);
    if (job === undefined || ready === null) {
      say({ failed: `${paths[job?.file ?? 0] ?? ''} has changed and has a fault now` });
      return;
    }
    const start = performance.now();
    const part = tryPart(ready, job.slice);
    if (part.verdict !== 'holds') {
      desk.broken(job);
    }
    say({ number, part, millis: performance.now() - start });
  }
  say('idle');
});
// While the main thread reads the files too.
plan(0);

function say(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

/** `null`: the file has a fault, of which the main thread tells. */
function plan(file: number): CheckPlan | null {
  let found = plans.get(file) ?? null;
  if (found === null) {
    const loaded = load(paths[file] ?? '');
    found = 'scenario' in loaded ? planOf(loaded.scenario, options) : null;
    if (found !== null) {
      plans.set(file, found);
    }
  }
  return found;
}
