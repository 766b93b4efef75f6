/** `trenchrun check`: searches for requests that break properties. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { issueText, mergeCoverage } from '../index.ts';
import {
  CHECK_FORMATS,
  type CheckOptions,
  type CheckResult,
  checkCoverage,
  checkReport,
  github,
  junit,
  mergeResults,
  planOf,
  sarif,
} from '../testing.ts';
import { load } from './check_input.ts';
import { searchAll, shardOf } from './check_search.ts';
import { painter } from './colour.ts';
import { coverageWanted, writeCoverage } from './coverage.ts';
import { readTextFile } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, write, writeError } from './process.ts';

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
  /** The paths are results of shards. */
  readonly merge: boolean;
  readonly coverage?: string | true;
  readonly color: boolean;
}

/** Cases of each property that are sent as packets to see what they exercise. */
const COVERAGE_SAMPLE = 200;

/** Checks the paths in order and returns the exit code. */
export async function check(paths: readonly string[], flags: CheckFlags): Promise<number> {
  const format = CHECK_FORMATS.find((one) => one === flags.format);
  const shard = flags.shard === undefined ? null : shardOf(flags.shard, process.env['JOB_COMPLETION_INDEX']);
  const wrong =
    format === undefined
      ? `there is no format "${flags.format}"; there are: ${CHECK_FORMATS.join(', ')}`
      : flags.replay !== undefined && !/^\d+:(\d+(:\d+)*)?$/.test(flags.replay)
        ? `"${flags.replay}" is no handle of a case; it looks like 1:17:0:2`
        : typeof shard === 'string'
          ? shard
          : null;
  if (format === undefined || typeof shard === 'string' || wrong !== null) {
    return badInput(wrong ?? '');
  }
  if (flags.merge) {
    const merged = readResults(paths);
    return typeof merged === 'string' ? badInput(merged) : await tell(merged, format, flags);
  }
  const wanted = coverageWanted(flags.coverage);
  if (wanted !== null && 'error' in wanted) {
    return badInput(wanted.error.replace(/^error: /, ''));
  }
  const loaded = paths.map(load);
  const issues = loaded.flatMap((one) => ('issues' in one ? one.issues : []));
  if (issues.length > 0) {
    writeError(issues.map((issue) => `${issueText(issue)}\n`).join(''));
    return EXIT_BAD_INPUT;
  }
  const { seed, runs, builtins, replay = null, workers, faultRuns } = flags;
  const options: CheckOptions = { seed, runs, builtins, replay, ...(faultRuns === undefined ? {} : { faultRuns }) };
  const plans = loaded.flatMap((one) => ('scenario' in one ? [planOf(one.scenario, options)] : []));
  const done = await searchAll({ paths, options, plans, workers, shard });
  const code = await tell(done.results, format, flags);
  if (done.interrupted) {
    writeError(`stopped after ${done.tried} of ${done.planned} cases\n`);
    return EXIT_INTERRUPTED;
  }
  if (wanted !== null) {
    const scenarios = loaded.flatMap((one) => ('scenario' in one ? [one.scenario] : []));
    const sample = Math.min(runs, COVERAGE_SAMPLE);
    const coverage = mergeCoverage(scenarios.map((one) => checkCoverage(one, { seed, sample, builtins })));
    const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
    const error = await writeCoverage(coverage, wanted, paint, format === 'text');
    return error === null ? code : badInput(error.replace(/^error: /, ''));
  }
  return code;
}

async function tell(results: readonly CheckResult[], format: (typeof CHECK_FORMATS)[number], flags: CheckFlags): Promise<number> {
  const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
  for (const result of results) {
    const files = flags.out === undefined ? new Map<number, string>() : save(result, flags.out);
    if (format === 'text') {
      await write(paint(checkReport(result, files)));
    }
  }
  const machine = {
    json: () => `${JSON.stringify(results, null, 2)}\n`,
    junit: () => junit(results),
    sarif: () => sarif(results),
    github: () => github(results),
  };
  if (format !== 'text') {
    await write(machine[format]());
  }
  return results.every(({ passed }) => passed) ? EXIT_OK : EXIT_FAILED;
}

/** Results of shards, put together; or what is wrong with the files. */
function readResults(paths: readonly string[]): readonly CheckResult[] | string {
  const shards: CheckResult[][] = [];
  for (const path of paths) {
    const read = readTextFile(path);
    if ('error' in read) {
      return `${path}: ${read.error}`;
    }
    const results = parseResults(read.text);
    if (results === null) {
      return `${path}: this is no result of trenchrun check --format json`;
    }
    shards.push(results);
  }
  return mergeResults(shards);
}

function parseResults(text: string): CheckResult[] | null {
  try {
    const value = JSON.parse(text) as unknown;
    return Array.isArray(value) && value.every(isResult) ? value : null;
  } catch {
    return null;
  }
}

function isResult(value: unknown): value is CheckResult {
  const one = value as Partial<CheckResult> | null;
  return typeof one === 'object' && one !== null && typeof one.file === 'string' && Array.isArray(one.properties);
}

function badInput(message: string): number {
  writeError(`error: ${message}\n`);
  return EXIT_BAD_INPUT;
}

function save(result: CheckResult, directory: string): Map<number, string> {
  const files = new Map<number, string>();
  for (const [index, { counterexample }] of result.properties.entries()) {
    if (counterexample !== null) {
      mkdirSync(directory, { recursive: true });
      const file = join(directory, `${basename(result.file).replace(/\.ya?ml$/, '')}-property-${index + 1}.yaml`);
      writeFileSync(file, counterexample.scenario);
      files.set(index, file);
    }
  }
  return files;
}
