/** What a shell remembers between commands. A subshell works on a copy. */
import type { Command } from './syntax.ts';

/** The options of `set`. */
export const OPTION_NAMES = ['errexit', 'nounset', 'xtrace', 'pipefail', 'settle'] as const;
/** One of them. */
export type OptionName = (typeof OPTION_NAMES)[number];

/** One letter options. */
export const OPTION_LETTERS: Readonly<Record<string, OptionName>> = { e: 'errexit', u: 'nounset', x: 'xtrace' };

/** Why the rest of a list is not run. */
export type Flow =
  /** `wanted`: by `exit` or `set -e`, not because something could not go on; a person's shell ends only then. */
  | { readonly kind: 'exit'; readonly status: number; readonly wanted: boolean }
  | { readonly kind: 'return'; readonly status: number }
  /** How many loops are left or gone on with. */
  | { readonly kind: 'break' | 'continue'; readonly loops: number };

/** The state. */
export class ShellState {
  readonly variables: Map<string, string>;
  readonly exported: Set<string>;
  readonly readonlyNames: Set<string>;
  readonly functions: Map<string, Command>;
  readonly options: Set<OptionName>;
  /** `$1`, `$2`, … */
  positional: readonly string[];
  /** `$0` */
  name: string;
  /** `$?` */
  status = 0;
  /** `$!` */
  lastJob = 0;
  /** Where relative paths begin. */
  folder: string;

  constructor(from: Partial<ShellState> = {}) {
    this.variables = new Map(from.variables ?? []);
    this.exported = new Set(from.exported ?? []);
    this.readonlyNames = new Set(from.readonlyNames ?? []);
    this.functions = new Map(from.functions ?? []);
    this.options = new Set(from.options ?? (['settle'] as const));
    this.positional = from.positional ?? [];
    this.name = from.name ?? 'trenchrun';
    this.status = from.status ?? 0;
    this.lastJob = from.lastJob ?? 0;
    this.folder = from.folder ?? '';
  }

  /** A copy for a subshell. */
  fork(): ShellState {
    return new ShellState(this);
  }
}
