/** One command of the agent's `cilium`: a module each, listed in `cilium.ts`. */
import type { ClusterView, NodeView } from '../cluster_view.ts';
import type { FlagSpec, Flags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import type { Follower, Refused, ToolContext } from '../tool.ts';

/** A command. */
export interface CiliumCommand {
  /** The words that lead to it: `bpf policy get`. */
  readonly words: string;
  /** Other words that lead to it: `bpf policy list`. `ls` always stands for `list`. */
  readonly aliases?: readonly string[];
  /** A few words for the help. */
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  /** Checks arguments that can be judged without a cluster. */
  check?(flags: Flags): Refused | null;
  run(node: NodeView, flags: Flags, context: ToolContext): CommandResult;
  /** For a command that goes on until it is ended. */
  follow?(node: NodeView, flags: Flags, context: ToolContext): Follower;
  /** Words that may stand where its arguments stand. */
  complete?(cluster: ClusterView): readonly string[];
}
