/**
 * The suites of `../shared/suites` as packets through the simulated datapath.
 */
import { type CaseOutcome, type ConformanceModule, hasShared, readLines, type SuiteOutcome, sharedFile } from './module.ts';
import { compareTables, type TableLine, TableRunner } from './suite_table.ts';

/** Suites, named as their files. */
export const TABLE_SUITES = ['cyclonus', 'k8s-e2e'] as const;

/** Path of a suite's file below `../shared`. */
export function suiteFile(suite: string): string {
  return `suites/${suite}.jsonl`;
}

/** Computes and compares one line of a table suite; a line whose computation breaks fails. */
export function checkTableLine(runner: TableRunner, line: TableLine): CaseOutcome {
  try {
    return { name: line.name, differences: compareTables(line, runner.run(line)) };
  } catch (error) {
    return { name: line.name, differences: [`broken: ${String(error)}`] };
  }
}

const tables = new TableRunner();

export const suiteModule: ConformanceModule = {
  kind: 'suite',
  emit(line) {
    const input = line as TableLine;
    const { name, step } = input;
    const head = { name, ...(input.case === undefined ? {} : { case: input.case }), step };
    try {
      return [{ ...head, results: tables.run(input) }];
    } catch (error) {
      return [{ ...head, error: error instanceof Error ? error.message : String(error) }];
    }
  },
  compare(): SuiteOutcome[] {
    return TABLE_SUITES.filter((suite) => hasShared(suiteFile(suite))).map((suite) => {
      const runner = new TableRunner();
      return { suite, cases: (readLines(sharedFile(suiteFile(suite))) as TableLine[]).map((line) => checkTableLine(runner, line)) };
    });
  },
};
