/** `trenchrun mutate`: which weakenings of the policies nothing in a scenario notices. */
import { issueText, parseScenario, type Scenario } from '../index.ts';
import { type MutateResult, mutateReport, mutateScenario } from '../testing.ts';
import { painter } from './colour.ts';
import { readTextFile } from './files.ts';
import { EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, write, writeError } from './process.ts';

/** Options as the command line gives them. */
export interface MutateFlags {
  readonly seed: number;
  readonly max?: number;
  readonly runs: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

/** Mutates the scenarios in order. Exit code 1: a mutant survives. */
export async function mutate(files: readonly string[], flags: MutateFlags): Promise<number> {
  const scenarios: Scenario[] = [];
  const errors: string[] = [];
  for (const file of files) {
    const read = readTextFile(file);
    const parsed = 'text' in read ? parseScenario(read.text, { file, readFile: readTextFile }) : null;
    if ('error' in read) {
      errors.push(`${file}:1:1: ${read.error}`);
    } else if (parsed?.ok === true) {
      scenarios.push(parsed.scenario);
    } else {
      errors.push(...(parsed?.issues ?? []).map(issueText));
    }
  }
  if (errors.length > 0) {
    writeError(errors.map((error) => `${error}\n`).join(''));
    return EXIT_BAD_INPUT;
  }
  const paint = painter(flags.color && (process.env.NO_COLOR ?? '') === '');
  const results: MutateResult[] = [];
  for (const scenario of scenarios) {
    const result = mutateScenario(scenario, { seed: flags.seed, max: flags.max ?? null, runs: flags.runs });
    results.push(result);
    if (flags.json !== true) {
      await write(paint(mutateReport(result, flags.verbose === true)));
    }
  }
  if (flags.json === true) {
    await write(`${JSON.stringify(results, null, 2)}\n`);
  }
  const survived = results.some(({ mutants }) => mutants.some(({ verdict }) => verdict === 'survived'));
  return results.some(({ error }) => error !== null) ? EXIT_BAD_INPUT : survived ? EXIT_FAILED : EXIT_OK;
}
