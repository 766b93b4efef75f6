/** The contract of commands that belong to the shell itself. */
import type { Interpreter } from './interpreter.ts';
import type { Io } from './io.ts';
import type { Pause } from './pause.ts';

/** A builtin: its exit code. */
export type Builtin = (shell: Interpreter, args: readonly string[], io: Io) => Generator<Pause, number>;

/** A builtin that needs no pauses. */
export function plain(run: (shell: Interpreter, args: readonly string[], io: Io) => number): Builtin {
  // biome-ignore lint/correctness/useYield: the others do
  return function* (shell, args, io) {
    return run(shell, args, io);
  };
}

/** Says what is wrong with the arguments of a builtin. */
export function misused(shell: Interpreter, io: Io, message: string, status = 2): number {
  shell.complain(message, io.err);
  return status;
}
