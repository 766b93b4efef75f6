/** `trenchrun check`: searches for requests that break properties. Starts the threads that help, and only then loads what all of them need. */
import { Threads } from './check_threads.ts';

/** Options as the command line gives them. */
export interface CheckFlags {
  readonly seed: number;
  readonly runs: number;
  readonly faultRuns?: number;
  readonly replay?: string;
  readonly format: string;
  readonly out?: string;
  readonly builtins: boolean;
  readonly workers: number;
  readonly shard?: string;
  /** The paths are results of an earlier search. */
  readonly merge: boolean;
  readonly coverage?: string | true;
  readonly color: boolean;
}

/** Checks the paths in order and returns the exit code. */
export async function check(paths: readonly string[], flags: CheckFlags): Promise<number> {
  const { seed, runs, builtins, replay = null, workers, faultRuns } = flags;
  const options = { seed, runs, builtins, replay, ...(faultRuns === undefined ? {} : { faultRuns }) };
  const threads = new Threads(flags.merge ? 1 : workers, { paths, options });
  try {
    const { checkPaths } = await import('./check_run.ts');
    return await checkPaths(paths, flags, options, threads);
  } finally {
    await threads.end();
  }
}
