/** `trenchrun run`: runs scenario files and tells what happened. */
import {
  type Coverage,
  failures,
  type Issue,
  issueText,
  mergeCoverage,
  parseScenario,
  type plainText,
  report,
  runCovered,
  runScenario,
  type ScenarioResult,
  type Verbosity,
} from '../index.ts';
import { type Painter, painter } from './colour.ts';
import { coverageWanted, writeCoverage } from './coverage.ts';
import { readTextFile } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, write, writeError } from './process.ts';

/** Options as the command line gives them. */
export interface RunFlags {
  readonly verbose: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly seed?: number;
  readonly coverage?: string | true;
  readonly color: boolean;
}

/** What became of one file. */
type FileRun =
  | { readonly file: string; readonly ok: true; readonly result: ScenarioResult; readonly coverage: Coverage | null }
  | { readonly file: string; readonly ok: false; readonly issues: readonly Issue[] };

/** Runs the files in order, tells each, and returns the worst exit code. */
export async function run(files: readonly string[], flags: RunFlags): Promise<number> {
  const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
  const wanted = coverageWanted(flags.coverage);
  if (wanted !== null && 'error' in wanted) {
    writeError(`${wanted.error}\n`);
    return EXIT_BAD_INPUT;
  }
  const runs: FileRun[] = [];
  for (const file of files) {
    const one = runFile(file, flags);
    runs.push(one);
    if (flags.json !== true) {
      await tell(one, flags, paint, files.length > 1);
    }
  }
  const exitCode = Math.max(EXIT_OK, ...runs.map(exitCodeOf));
  if (flags.json === true) {
    const plain = runs.map((one) => (one.ok ? { file: one.file, ok: one.ok, result: one.result } : one));
    const coverage = wanted === null || wanted.file !== null ? {} : { coverage: coverageOf(runs) };
    await write(`${JSON.stringify({ exitCode, runs: plain, ...coverage }, null, 2)}\n`);
  } else if (files.length > 1) {
    await write(paint(totals(runs)));
  }
  const error = wanted === null ? null : await writeCoverage(coverageOf(runs), wanted, paint, flags.json !== true);
  if (error !== null) {
    writeError(`${error}\n`);
  }
  return error === null ? exitCode : EXIT_BAD_INPUT;
}

function coverageOf(runs: readonly FileRun[]): Coverage {
  return mergeCoverage(runs.flatMap((one) => (one.ok && one.coverage !== null ? [one.coverage] : [])));
}

function runFile(file: string, flags: RunFlags): FileRun {
  const read = readTextFile(file);
  if ('error' in read) {
    return { file, ok: false, issues: [{ code: 'file', message: read.error, position: { file, line: 1, column: 1 }, path: '' }] };
  }
  const parsed = parseScenario(read.text, { file, readFile: readTextFile });
  if (!parsed.ok) {
    return { file, ok: false, issues: parsed.issues };
  }
  const options = flags.seed === undefined ? {} : { seed: flags.seed };
  return flags.coverage === undefined
    ? { file, ok: true, result: runScenario(parsed.scenario, options), coverage: null }
    : { file, ok: true, ...runCovered(parsed.scenario, options) };
}

async function tell(one: FileRun, flags: RunFlags, paint: Painter, several: boolean): Promise<void> {
  if (!one.ok) {
    writeError(one.issues.map((issue) => `${issueText(issue)}\n`).join(''));
    return;
  }
  const verbosity = Math.min(3, flags.verbose) as Verbosity;
  const lines = flags.quiet === true ? failures(one.result) : report(one.result, verbosity);
  await write(paint(lines) + (several && lines.length > 0 ? '\n' : ''));
}

function exitCodeOf(one: FileRun): number {
  return !one.ok ? EXIT_BAD_INPUT : one.result.passed ? EXIT_OK : EXIT_FAILED;
}

function totals(runs: readonly FileRun[]): Parameters<typeof plainText>[0] {
  return runs.map((one) => {
    const code = exitCodeOf(one);
    const word = code === EXIT_OK ? 'held' : code === EXIT_FAILED ? 'failed' : 'bad input';
    return [
      { text: code === EXIT_OK ? '✓ ' : '✗ ', style: code === EXIT_OK ? 'good' : 'bad' },
      { text: `${one.file}: ${word}`, style: 'plain' },
    ];
  });
}
