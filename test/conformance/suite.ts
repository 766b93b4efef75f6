/**
 * The suites of `../shared/suites` as packets through the simulated datapath.
 */
import { type CaseOutcome, type ConformanceModule, hasShared, readLines, type SuiteOutcome, sharedFile } from './module.ts';
import { type ConnectivityLine, runConnectivity, skipReason, type Topology } from './suite_connectivity.ts';
import { compareConnectivity } from './suite_connectivity_compare.ts';
import { compareGuideStep, type GuideLine, GuideRun } from './suite_guide.ts';
import { compareRecipeStep, type RecipeLine, type RecipeStep, type RecipeVerdict, recipeCluster, runRecipeStep } from './suite_recipe.ts';
import { compareTables, type TableLine, TableRunner } from './suite_table.ts';

/** Suites, named as their files. */
const SUITES = ['cyclonus', 'k8s-e2e', 'recipes', 'connectivity', 'guides'] as const;

/** The first line of connectivity.jsonl, which holds for those after it. */
interface TopologyLine {
  readonly topology: Topology;
}

/** A line of any suite. */
type SuiteLine = TableLine | RecipeLine | ConnectivityLine | GuideLine | TopologyLine;

/** Path of a suite's file below `../shared`. */
export function suiteFile(suite: string): string {
  return `suites/${suite}.jsonl`;
}

/** Runs the lines of one file in order. */
export class SuiteRunner {
  readonly #tables = new TableRunner();
  #topology: Topology | null = null;

  /** Results of a line, one object for each of its steps. Never throws, whatever the line is. */
  emit(line: unknown): readonly object[] {
    if (typeof line !== 'object' || line === null) {
      return [{ error: 'a line must be an object' }];
    }
    try {
      return this.#emit(line as SuiteLine);
    } catch (error) {
      return [{ ...('name' in line ? { name: line.name } : {}), error: textOf(error) }];
    }
  }

  #emit(line: SuiteLine): readonly object[] {
    if ('topology' in line) {
      this.#topology = line.topology;
      return [];
    }
    if ('checks' in line) {
      return [this.#emitTable(line)];
    }
    if ('probes' in line) {
      return [this.#emitConnectivity(line)];
    }
    if (!Array.isArray(line.steps)) {
      throw new Error('a line of no suite known: neither checks, probes nor steps');
    }
    return isRecipe(line) ? emitRecipe(line) : emitGuide(line);
  }

  /** Compares a line with what it expects; one whose computation breaks fails; `null` for what is no case of 1.13. */
  check(line: SuiteLine): CaseOutcome | null {
    if ('topology' in line) {
      this.#topology = line.topology;
      return null;
    }
    if ('probes' in line && skipReason(line) !== null) {
      return null;
    }
    try {
      return { name: line.name, differences: this.#differences(line) };
    } catch (error) {
      return { name: line.name, differences: [`broken: ${textOf(error)}`] };
    }
  }

  #differences(line: TableLine | RecipeLine | ConnectivityLine | GuideLine): readonly string[] {
    if ('checks' in line) {
      return compareTables(line, this.#tables.run(line));
    }
    if ('probes' in line) {
      return compareConnectivity(line, runConnectivity(this.#knownTopology(), line));
    }
    return isRecipe(line) ? checkRecipe(line) : checkGuide(line);
  }

  #knownTopology(): Topology {
    if (this.#topology === null) {
      throw new Error('no topology line came before');
    }
    return this.#topology;
  }

  #emitConnectivity(line: ConnectivityLine): object {
    const head = { name: line.name, step: 1 };
    const skipped = skipReason(line);
    if (skipped !== null) {
      return { ...head, skipped };
    }
    try {
      return { ...head, results: runConnectivity(this.#knownTopology(), line) };
    } catch (error) {
      return { ...head, error: textOf(error) };
    }
  }

  #emitTable(line: TableLine): object {
    const { name, step } = line;
    const head = { name, ...(line.case === undefined ? {} : { case: line.case }), step };
    try {
      return { ...head, results: this.#tables.run(line) };
    } catch (error) {
      return { ...head, error: textOf(error) };
    }
  }
}

/** Recipes number their steps; guides do not. */
function isRecipe(line: RecipeLine | GuideLine): line is RecipeLine {
  return line.steps.every((step) => 'probes' in step);
}

/** One object for each step, numbered from 1. */
function emitGuide(line: GuideLine): object[] {
  const run = new GuideRun(line);
  return line.steps.map((step, index) => {
    const head = { name: line.name, step: index + 1 };
    try {
      return { ...head, results: run.step(step) };
    } catch (error) {
      return { ...head, error: textOf(error) };
    }
  });
}

function checkGuide(line: GuideLine): string[] {
  const run = new GuideRun(line);
  return line.steps.flatMap((step, index) => {
    try {
      const difference = compareGuideStep(step, run.step(step));
      return difference === null ? [] : [`step ${index + 1}: ${difference}`];
    } catch (error) {
      return [`step ${index + 1}: ${textOf(error)}`];
    }
  });
}

function emitRecipe(line: RecipeLine): object[] {
  const cluster = recipeCluster(line);
  return line.steps.map((step) => {
    const head = { name: line.name, step: step.step };
    try {
      return { ...head, results: runRecipeStep(cluster, line, step) };
    } catch (error) {
      return { ...head, error: textOf(error) };
    }
  });
}

function checkRecipe(line: RecipeLine): string[] {
  const cluster = recipeCluster(line);
  return line.steps.flatMap((step: RecipeStep) => {
    const verdicts: RecipeVerdict[] = runRecipeStep(cluster, line, step);
    return compareRecipeStep(step, verdicts);
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const emitting = new SuiteRunner();

export const suiteModule: ConformanceModule = {
  kind: 'suite',
  emit: (line) => emitting.emit(line),
  compare(): SuiteOutcome[] {
    return SUITES.filter((suite) => hasShared(suiteFile(suite))).map((suite) => {
      const runner = new SuiteRunner();
      return { suite, cases: (readLines(sharedFile(suiteFile(suite))) as SuiteLine[]).flatMap((line) => runner.check(line) ?? []) };
    });
  },
};
