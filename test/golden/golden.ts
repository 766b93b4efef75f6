/** Golden files: the exact text a command prints. `UPDATE=1` rewrites them; the difference is then reviewed like code. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';

/** Compares a text with the golden file of a name below `test/golden`. */
export function expectGolden(name: string, text: string): void {
  const path = new URL(name, import.meta.url);
  if (process.env.UPDATE === '1' || !existsSync(path)) {
    expect(process.env.UPDATE, `there is no golden file ${name}; run with UPDATE=1`).toBe('1');
    mkdirSync(dirname(path.pathname), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, 'utf8'));
}
