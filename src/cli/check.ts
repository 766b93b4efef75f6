/** `trenchrun check`: searches for requests that break properties. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Issue, issueText, parseScenario, type Scenario } from '../index.ts';
import { CHECK_FORMATS, type CheckResult, checkReport, checkScenario, github, junit, sarif } from '../testing.ts';
import { painter } from './colour.ts';
import { readTextFile } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, write, writeError } from './process.ts';

/** Options as the command line gives them. */
export interface CheckFlags {
  readonly seed: number;
  readonly runs: number;
  readonly replay?: string;
  readonly format: string;
  readonly out?: string;
  readonly builtins: boolean;
  readonly color: boolean;
}

type Loaded = { readonly scenario: Scenario } | { readonly issues: readonly Issue[] };

/** Checks the paths in order and returns the exit code. */
export async function check(paths: readonly string[], flags: CheckFlags): Promise<number> {
  const format = CHECK_FORMATS.find((one) => one === flags.format);
  if (format === undefined) {
    writeError(`error: there is no format "${flags.format}"; there are: ${CHECK_FORMATS.join(', ')}\n`);
    return EXIT_BAD_INPUT;
  }
  if (flags.replay !== undefined && !/^\d+:(\d+(:\d+)*)?$/.test(flags.replay)) {
    writeError(`error: "${flags.replay}" is no handle of a case; it looks like 1:17:0:2\n`);
    return EXIT_BAD_INPUT;
  }
  const loaded = paths.map(load);
  const issues = loaded.flatMap((one) => ('issues' in one ? one.issues : []));
  if (issues.length > 0) {
    writeError(issues.map((issue) => `${issueText(issue)}\n`).join(''));
    return EXIT_BAD_INPUT;
  }
  const results: CheckResult[] = [];
  const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
  for (const one of loaded) {
    if ('scenario' in one) {
      const { seed, runs, builtins, replay = null } = flags;
      const result = checkScenario(one.scenario, { seed, runs, builtins, replay });
      results.push(result);
      const files = flags.out === undefined ? new Map<number, string>() : save(result, flags.out);
      if (format === 'text') {
        await write(paint(checkReport(result, files)));
      }
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

/** A scenario file, or all manifests of a directory as one. */
function load(path: string): Loaded {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isDirectory) {
    const files = manifestsIn(path);
    if (files.length === 0) {
      return problem(path, 'the directory holds no manifests (*.yaml, *.yml, *.json)');
    }
    const text = JSON.stringify({ name: path, steps: [{ apply: files }] });
    return parse(text, join(path, 'manifests'));
  }
  const read = readTextFile(path);
  return 'error' in read ? problem(path, read.error) : parse(read.text, path);
}

function parse(text: string, file: string): Loaded {
  const parsed = parseScenario(text, { file, readFile: readTextFile });
  return parsed.ok ? { scenario: parsed.scenario } : { issues: parsed.issues };
}

function problem(file: string, message: string): Loaded {
  return { issues: [{ code: 'file', message, position: { file, line: 1, column: 1 }, path: '' }] };
}

/** Manifests of a directory and below; scenario files, which have steps, are none. */
function manifestsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, '/').length))
    .filter((name) => {
      const read = readTextFile(join(directory, name));
      return !('text' in read && /^steps:/m.test(read.text));
    })
    .sort();
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
