/** Runs a command of the command line inside the test's process: what it prints, and its exit code. */
import { vi } from 'vitest';

/** What a command left. */
export interface Captured {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs and captures. */
export async function captured(run: () => Promise<number>): Promise<Captured> {
  const written = { out: '', err: '' };
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text, done?: unknown) => {
    written.out += String(text);
    (done as (() => void) | undefined)?.();
    return true;
  });
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.err += String(text);
    return true;
  });
  try {
    return { code: await run(), ...written };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}
