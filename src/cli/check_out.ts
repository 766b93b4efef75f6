/** Counterexamples as files: `--out DIR`. */
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { kindOf } from './files.ts';

/** Why a directory cannot be written to, before anything is searched for; it need not be there yet. */
export function outProblem(directory: string | undefined): string | null {
  if (directory === undefined) {
    return null;
  }
  if (directory === '') {
    return '--out names no directory';
  }
  // The nearest parent that exists: the others are made.
  let path = resolve(directory);
  while (kindOf(path) === 'absent' && path !== dirname(path)) {
    path = dirname(path);
  }
  if (kindOf(path) !== 'directory') {
    return `--out ${directory}: ${path === resolve(directory) ? 'this' : path} is no directory`;
  }
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch {
    return `--out ${directory}: the directory may not be written to`;
  }
}

/** Writes counterexamples; no two get the same name. */
export class OutFiles {
  readonly #directory: string;
  readonly #names = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The name of the file, or why it cannot be written. */
  write(checked: string, property: number, scenario: string): { readonly file: string } | { readonly error: string } {
    const stem = `${basename(resolve(checked)).replace(/\.(ya?ml|json)$/, '')}-property-${property}`;
    let name = `${stem}.yaml`;
    for (let more = 2; this.#names.has(name); more++) {
      name = `${stem}-${more}.yaml`;
    }
    this.#names.add(name);
    const file = join(this.#directory, name);
    try {
      mkdirSync(this.#directory, { recursive: true });
      writeFileSync(file, scenario);
      return { file };
    } catch (error) {
      return { error: `${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` };
    }
  }
}
