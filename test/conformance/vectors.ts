/**
 * `npm run -s vectors -- <policy|proxy|suite> FILE.jsonl`: prints computed results as JSON lines, in input order.
 * Exit 0 when every line was emitted, 2 on unreadable input.
 */

import { readLines } from './module.ts';
import { MODULES } from './modules.ts';

function main(kind: string | undefined, file: string | undefined): number {
  const emitting = MODULES.flatMap(({ kind: name, emit }) => (emit === null ? [] : [{ name, emit }]));
  const emit = emitting.find(({ name }) => name === kind)?.emit;
  if (emit === undefined || file === undefined) {
    process.stderr.write(`usage: vectors <${emitting.map(({ name }) => name).join('|')}> FILE.jsonl\n`);
    return 2;
  }
  let lines: unknown[];
  try {
    lines = readLines(file);
  } catch (error) {
    process.stderr.write(`${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  for (const line of lines) {
    for (const output of emit(line)) {
      process.stdout.write(`${JSON.stringify(output)}\n`);
    }
  }
  return 0;
}

process.exitCode = main(process.argv[2], process.argv[3]);
