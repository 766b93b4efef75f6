/**
 * What a part of the conformance suite offers: computing results for one file, and comparing them with expectations.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One compared case. */
export interface CaseOutcome {
  readonly name: string;
  /** Empty = passed. */
  readonly differences: readonly string[];
}

/** All cases of one suite. */
export interface SuiteOutcome {
  readonly suite: string;
  readonly cases: readonly CaseOutcome[];
}

/** A part of the conformance suite. */
export interface ConformanceModule {
  /** First argument of `vectors`: policy, proxy or suite. */
  readonly kind: string;
  /** Computes one parsed line; several objects or none may be printed. Must not throw on input it does not know. `null`: nothing to print. */
  emit: ((line: unknown) => readonly object[]) | null;
  /** Compares all files of this part; a missing file is an empty list. */
  compare(): readonly SuiteOutcome[];
}

const SHARED = join(dirname(fileURLToPath(import.meta.url)), '../../../shared');

/** Path of a file of the expectations beside the project. */
export function sharedFile(path: string): string {
  return join(SHARED, path);
}

/** Whether the expectations are there. */
export function hasShared(path: string): boolean {
  return existsSync(sharedFile(path));
}

/** The parsed lines of a JSON Lines file. */
export function readLines(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as unknown);
}
