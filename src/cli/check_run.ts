/** What `trenchrun check` does with its arguments: reads, searches, tells. */
import { dirname } from 'node:path';
import { issueText, mergeCoverage, type Scenario } from '../index.ts';
import {
  CHECK_FORMATS,
  type CheckOptions,
  type CheckResult,
  checkCoverage,
  mergeResults,
  type PlannedProperty,
  parseCheckResults,
  planOf,
} from '../testing.ts';
import type { CheckFlags } from './check.ts';
import { load } from './check_input.ts';
import { shardOf } from './check_jobs.ts';
import { outProblem } from './check_out.ts';
import { searchAll } from './check_search.ts';
import { type CheckFormat, newTeller } from './check_tell.ts';
import type { Threads } from './check_threads.ts';
import { painter } from './colour.ts';
import { type CoverageWanted, coverageWanted, writeCoverage } from './coverage.ts';
import { kindOf, readTextFile } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_TERMINATED, writeError } from './process.ts';
import { newProgress } from './progress.ts';

/** Cases of each property that are sent as packets to see what they exercise. */
const COVERAGE_SAMPLE = 200;

/** Checks the paths in order and returns the exit code. */
export async function checkPaths(paths: readonly string[], flags: CheckFlags, options: CheckOptions, threads: Threads): Promise<number> {
  const format = CHECK_FORMATS.find((one) => one === flags.format);
  if (format === undefined) {
    return badInput(`there is no format "${flags.format}"; there are: ${CHECK_FORMATS.join(', ')}`);
  }
  const unfit = outProblem(flags.out);
  if (unfit !== null) {
    return badInput(unfit);
  }
  return flags.merge ? await merge(paths, flags, format) : await search(paths, flags, format, options, threads);
}

/** Tells what shards, or another search, have found. */
async function merge(paths: readonly string[], flags: CheckFlags, format: CheckFormat): Promise<number> {
  if (flags.shard !== undefined || flags.replay !== undefined || flags.coverage !== undefined) {
    return badInput('--merge searches nothing: it goes with --format and --out only');
  }
  const shards: (readonly CheckResult[])[] = [];
  for (const path of paths) {
    const read = readTextFile(path);
    const results = 'error' in read ? read : parseCheckResults(read.text);
    if ('error' in results) {
      return badInput(`${path}: ${results.error}`);
    }
    shards.push(results);
  }
  const merged = mergeResults(shards);
  if (merged.length === 0) {
    return badInput('there are no results in the files');
  }
  if (typeof merged === 'string') {
    return badInput(merged);
  }
  const teller = newTeller({ format, out: flags.out, paint: paintOf(flags) });
  const error = await teller.end(merged);
  return error === null ? codeOf(merged) : badInput(error);
}

async function search(
  paths: readonly string[],
  flags: CheckFlags,
  format: CheckFormat,
  options: CheckOptions,
  threads: Threads,
): Promise<number> {
  const shard = flags.shard === undefined ? null : shardOf(flags.shard, process.env['JOB_COMPLETION_INDEX']);
  if (typeof shard === 'string') {
    return badInput(shard);
  }
  const coverage = coverageWanted(flags.coverage);
  const wrong = wrongOptions(flags, format, coverage);
  if (wrong !== null || (coverage !== null && 'error' in coverage)) {
    return badInput(wrong ?? '');
  }
  const loaded = [...new Set(paths)].map(load);
  const issues = loaded.flatMap((one) => ('issues' in one ? one.issues : []));
  if (issues.length > 0) {
    writeError(issues.map((issue) => `${issueText(issue)}\n`).join(''));
    return EXIT_BAD_INPUT;
  }
  const scenarios = loaded.flatMap((one) => ('scenario' in one ? [one.scenario] : []));
  const plans = scenarios.map((one) => planOf(one, options));
  const nothing = nothingToDo(
    plans.flatMap(({ properties }) => properties),
    flags,
  );
  if (nothing !== null) {
    return badInput(nothing);
  }
  const progress = newProgress();
  const teller = newTeller({ format, out: flags.out, paint: paintOf(flags), plans, progress });
  const done = await searchAll({ plans, threads, shard, progress, settled: teller.settled });
  const error = done.error ?? (await teller.end(done.results));
  if (error !== null) {
    return badInput(error);
  }
  const code = codeOf(done.results);
  if (done.stopped !== null) {
    writeError('interrupted: what was found until now is above, and how much was tried\n');
    const found = done.results.some(({ properties }) => properties.some(({ verdict }) => verdict === 'broken' || verdict === 'vacuous'));
    return found ? EXIT_FAILED : done.stopped === 'SIGINT' ? EXIT_INTERRUPTED : EXIT_TERMINATED;
  }
  return coverage === null ? code : await tellCoverage(scenarios, coverage, flags, code);
}

function wrongOptions(flags: CheckFlags, format: CheckFormat, coverage: ReturnType<typeof coverageWanted>): string | null {
  if (flags.replay !== undefined && !/^\d{1,6}:(\d{1,9}(:\d{1,9})*)?$/.test(flags.replay)) {
    return `"${flags.replay}" is no handle of a case; it looks like 1:17:0:2`;
  }
  if (coverage !== null && 'error' in coverage) {
    return coverage.error.replace(/^error: /, '');
  }
  if (coverage === null) {
    return null;
  }
  if (coverage.file === null) {
    return format === 'text' ? null : `with --format ${format} the coverage needs a file of its own: --coverage ${coverage.format}=FILE`;
  }
  return kindOf(coverage.file) === 'directory' || kindOf(dirname(coverage.file)) !== 'directory'
    ? `--coverage: ${coverage.file} cannot be written: ${kindOf(coverage.file) === 'directory' ? 'it is a directory' : 'there is no such directory'}`
    : null;
}

/** Why nothing would be tried, although something was asked for. */
function nothingToDo(properties: readonly PlannedProperty[], { replay, builtins }: CheckFlags): string | null {
  if (replay !== undefined && !properties.some(({ wanted }) => wanted)) {
    return `--replay ${replay}: there is no property ${replay.split(':')[0] ?? ''}; there are ${properties.length}`;
  }
  return properties.length === 0 && !builtins ? 'no file states a property, and --no-builtins leaves out all others' : null;
}

async function tellCoverage(scenarios: readonly Scenario[], wanted: CoverageWanted, flags: CheckFlags, code: number): Promise<number> {
  const { seed, runs, builtins } = flags;
  const sample = Math.min(runs, COVERAGE_SAMPLE);
  const coverage = mergeCoverage(scenarios.map((one) => checkCoverage(one, { seed, sample, builtins })));
  const error = await writeCoverage(coverage, wanted, paintOf(flags), true);
  return error === null ? code : badInput(error.replace(/^error: /, ''));
}

function paintOf({ color }: CheckFlags): ReturnType<typeof painter> {
  return painter(color && (process.env.NO_COLOR ?? '') === '');
}

function codeOf(results: readonly CheckResult[]): number {
  return results.every(({ passed }) => passed) ? EXIT_OK : EXIT_FAILED;
}

function badInput(message: string): number {
  writeError(`error: ${message}\n`);
  return EXIT_BAD_INPUT;
}
