/** The two table layouts of the real tools, and results of commands. */
import { tabwriter } from '../net/go_tabwriter.ts';

/** What a command printed. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A result with output and success. */
export function printed(stdout: string): CommandResult {
  return { exitCode: 0, stdout, stderr: '' };
}

/** A result with an error message; a newline is added. */
export function failed(message: string, exitCode = 1): CommandResult {
  return { exitCode, stdout: '', stderr: `${message}\n` };
}

/** A table of the cilium command: minimum width 5, padding 3. Rows that end in a tab have an empty last cell. */
export function ciliumTable(rows: readonly (readonly string[])[], minWidth = 5): string {
  return tabwriter(rows, { minWidth, tabWidth: 0, padding: 3 });
}

/** A table of kubectl: minimum width 6, tab width 4, padding 3. @see kubernetes:staging/src/k8s.io/cli-runtime/pkg/printers/tabwriter.go#GetNewTabWriter */
export function kubectlTable(rows: readonly (readonly string[])[]): string {
  return tabwriter(rows, { minWidth: 6, tabWidth: 4, padding: 3 });
}

/** Keys with lists of values, first key once. @see cilium:cilium/cmd/helpers.go#TablePrinter */
export function keyedTable(first: string, second: string, data: ReadonlyMap<string, readonly string[]>): string {
  const rows: string[][] = [[first, second]];
  for (const [key, values] of data) {
    values.forEach((value, i) => rows.push([i === 0 ? key : '', value, '']));
  }
  return ciliumTable(rows);
}

/** The `-o json` form of a command. @see cilium:pkg/command/output.go#dumpJSON */
export function jsonOutput(data: unknown): string {
  return `${JSON.stringify(data, null, 2)}\n`;
}
