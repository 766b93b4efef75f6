/** One verb of kubectl: a module each, listed in `kubectl.ts`. */
import type { ClusterView } from '../cluster_view.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import type { Parsed } from '../tool.ts';

/** A verb. */
export interface KubectlVerb {
  readonly name: string;
  /** A few words for the help. */
  readonly summary: string;
  /** Its own flags; those of every verb (`--namespace`) are added. */
  readonly flags: readonly FlagSpec[];
  /** Parses its arguments; `flags.positional` begins after the verb. */
  parse(flags: Flags): Parsed;
  /** Words that may stand where the next argument stands, after the arguments `before`. */
  complete?(before: readonly string[], cluster: ClusterView, flags: Flags | null): readonly string[];
}

/** The namespace a verb works in. */
export function namespaceOf(flags: Flags): string {
  return flags.value('namespace') ?? 'default';
}
