/** What a verb that goes through several objects prints: lines, warnings, and errors that do not stop it. */
import type { CommandResult } from '../table.ts';

/** The report; the exit code is 1 as soon as one thing failed. */
export class Report {
  #stdout = '';
  #stderr = '';
  #exitCode = 0;

  /** A line on standard output. */
  print(line: string): void {
    this.#stdout += `${line}\n`;
  }

  /** A line on standard error that is no failure. */
  warn(line: string): void {
    this.#stderr += `${line}\n`;
  }

  /** An error. */
  fail(error: string): void {
    this.#stderr += `${error}\n`;
    this.#exitCode = 1;
  }

  /** Another command's output. */
  add(result: CommandResult): void {
    this.#stdout += result.stdout;
    this.#stderr += result.stderr;
    this.#exitCode = Math.max(this.#exitCode, result.exitCode);
  }

  /** Everything so far. */
  result(): CommandResult {
    return { exitCode: this.#exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }
}
