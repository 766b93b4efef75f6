/**
 * The contract of everything that can be typed: a tool parses its arguments without a cluster, so that a scenario's commands are checked before
 * anything runs, and gives back what to run. `tools.ts` holds the table of all of them.
 */
import { nearest } from '../net/nearest_word.ts';
import type { ClusterView } from './cluster_view.ts';
import type { CommandResult } from './table.ts';

/** What a path leads to. */
export type FileRead =
  | { readonly kind: 'text'; readonly text: string }
  /** Names of the entries, sorted. */
  | { readonly kind: 'directory'; readonly names: readonly string[] }
  /** In the words of strerror(3): `No such file or directory`. */
  | { readonly kind: 'error'; readonly error: string };

/** Reads a file by the path a person typed. The engine has no file system: whoever starts a shell hands this in. */
export type ReadPath = (path: string) => FileRead;

/** What a tool works with. */
export interface ToolContext {
  readonly cluster: ClusterView;
  /** The pod in whose container the tool runs (`cilium-x7k2p` of an agent), or `null`: outside of the cluster. */
  readonly agentPod: string | null;
  /** The node whose agent answers, when the caller says so; otherwise the one of `agentPod`, otherwise the first. */
  readonly nodeName: string | null;
  /** Standard input, whole. */
  readonly stdin: string;
  readonly readPath: ReadPath;
}

/** A command that goes on until it is ended: what it printed since it was last asked. */
export interface Follower {
  next(): CommandResult;
}

/** A command line that can be run. */
export interface Ready {
  readonly ok: true;
  run(context: ToolContext): CommandResult;
  /**
   * For commands that go on (`cilium monitor`, `hubble observe --follow`): starts following. Used with `timeout N …` and `… &`; in the foreground
   * of a script, where nothing else could happen meanwhile, {@link Ready.run} prints what there is and ends.
   */
  follow?(context: ToolContext): Follower;
}

/** A command line that is wrong: what the real tool prints, without the last newline, and its exit code. */
export interface Refused {
  readonly ok: false;
  /** One line in the words of the real tool. */
  readonly error: string;
  readonly exitCode: number;
  /** Further lines: usage, `Did you mean this?`. */
  readonly hint?: string;
}

/** What parsing gives. */
export type Parsed = Ready | Refused;

/** A tool. */
export interface Tool {
  readonly name: string;
  /** A few words for `help`. */
  readonly summary: string;
  /** It works on text alone: no cluster is asked. */
  readonly filter?: true;
  /** Parses the words after the name. */
  parse(args: readonly string[]): Parsed;
  /** Words that may stand for the last of `words` (which may be empty or half typed); the caller keeps those that begin with it. */
  complete(words: readonly string[], cluster: ClusterView): readonly string[];
}

/** The tool of a name in a table. */
export function findTool(name: string, tools: readonly Tool[]): Tool | null {
  return tools.find((tool) => tool.name === name) ?? null;
}

/** A command that can be run. */
export function ready(run: (context: ToolContext) => CommandResult): Ready {
  return { ok: true, run };
}

/** A command line that is refused. */
export function refused(error: string, exitCode = 1, hint?: string): Refused {
  return { ok: false, error, exitCode, ...(hint === undefined ? {} : { hint }) };
}

/** Refuses a word of which only certain ones are known: names the nearest, or all. */
export function unknownWord(what: string, word: string, known: readonly string[], exitCode = 1): Refused {
  const suggestion = nearest(word, known);
  const hint = suggestion === null ? `known: ${known.join(', ')}` : `did you mean "${suggestion}"?`;
  return refused(`${what}; ${hint}`, exitCode);
}

/** What a refused command line leaves: its message on standard error. */
export function refusal(parsed: Refused): CommandResult {
  return { exitCode: parsed.exitCode, stdout: '', stderr: `${parsed.error}\n${parsed.hint === undefined ? '' : `${parsed.hint}\n`}` };
}

/** Reads nothing: for scenario steps, whose commands have no files. */
export const NO_FILES: ReadPath = () => ({ kind: 'error', error: 'No such file or directory' });
