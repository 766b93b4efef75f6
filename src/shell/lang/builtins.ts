/** The table of commands that belong to the shell itself. */
import type { Builtin } from './builtin.ts';
import { CONTROL_BUILTINS } from './builtins_control.ts';
import { FILE_BUILTINS } from './builtins_files.ts';
import { JOB_BUILTINS } from './builtins_jobs.ts';
import { VARIABLE_BUILTINS } from './builtins_variables.ts';

/** The table. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  ...CONTROL_BUILTINS,
  ...FILE_BUILTINS,
  ...JOB_BUILTINS,
  ...VARIABLE_BUILTINS,
};
