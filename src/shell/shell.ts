/**
 * A shell on a cluster: lines or scripts in, text out. Files that commands read come from the reader that is handed in; files that commands write
 * stay in memory.
 */
import type { ClusterView } from './cluster_view.ts';
import { completions } from './complete.ts';
import { Interpreter } from './lang/interpreter.ts';
import { Collector, Input, type Sink } from './lang/io.ts';
import { parseScript } from './lang/parser.ts';
import { type Pause, runThrough } from './lang/pause.ts';
import { Session } from './lang/session.ts';
import { ShellState } from './lang/shell_state.ts';
import type { CommandResult } from './table.ts';
import { SHELL_TOOLS } from './text/text_tools.ts';
import { NO_FILES, type ReadPath, type Tool } from './tool.ts';
import { TOOLS } from './tools.ts';

/** Exit code of a script that is no script. */
const EXIT_SYNTAX = 2;
/** Exit code of a command ended by Ctrl-C. */
const EXIT_INTERRUPTED = 130;

/** How a shell is made. */
export interface ShellOptions {
  /** Reads the files that commands name; default: there are none. */
  readonly readPath?: ReadPath;
  /** Tools besides those of the table. */
  readonly tools?: readonly Tool[];
  /** Whether a person types: errors have no line numbers, and commands that go on are shown until they are ended. */
  readonly interactive?: boolean;
  /** `$0`, and `$1` and so on. */
  readonly name?: string;
  readonly args?: readonly string[];
}

/** Where a script writes while it runs. */
export interface ShellOutput {
  readonly out: Sink;
  readonly err: Sink;
}

/** A shell. Variables, files, jobs and the cluster's time last from one call to the next. */
export interface Shell {
  /** Runs a line or a script to its end. */
  run(text: string): CommandResult;
  /** The same in steps: the generator pauses after every command and returns the exit code. Output is written as it comes. */
  start(text: string, output: ShellOutput): Generator<Pause, number>;
  /** Whether a text is only the beginning of something: an open quote, loop or here-document. */
  isIncomplete(text: string): boolean;
  /** What the last word of a line may become, and that word. */
  complete(line: string): { readonly words: readonly string[]; readonly partial: string };
  /** Says that a started script was ended from outside: `$?` is that of Ctrl-C. */
  interrupt(): void;
  /** Whether `exit` was run. */
  readonly exited: boolean;
  /** `$?` */
  readonly status: number;
}

/** Makes a shell. */
export function createShell(cluster: ClusterView, options: ShellOptions = {}): Shell {
  const interactive = options.interactive ?? false;
  const session = new Session(cluster, {
    tools: [...TOOLS, ...SHELL_TOOLS, ...(options.tools ?? [])],
    readPath: options.readPath ?? NO_FILES,
    interactive,
  });
  const state = new ShellState({ name: options.name ?? 'trenchrun', positional: options.args ?? [] });
  let exited = false;
  // Jobs of earlier lines write to where the current line writes.
  let current: ShellOutput = { out: () => undefined, err: () => undefined };
  const lasting: ShellOutput = { out: (text) => current.out(text), err: (text) => current.err(text) };
  function* start(text: string, { out, err }: ShellOutput): Generator<Pause, number> {
    session.begin();
    current = { out, err };
    const parsed = parseScript(text);
    if (!parsed.ok) {
      err(`${state.name}: ${interactive ? '' : `line ${parsed.line}: `}${parsed.error}\n`);
      state.status = EXIT_SYNTAX;
      return EXIT_SYNTAX;
    }
    if (parsed.list.length === 0) {
      return 0;
    }
    const shell = new Interpreter(session, state);
    const status = yield* shell.run(parsed.list, { input: new Input(''), ...lasting });
    exited = shell.flow?.kind === 'exit' && (shell.flow.wanted || !interactive);
    state.status = status;
    return status;
  }
  return {
    run: (text) => {
      const [stdout, stderr] = [new Collector(), new Collector()];
      const exitCode = runThrough(start(text, { out: stdout.write, err: stderr.write }));
      return { exitCode, stdout: stdout.text, stderr: stderr.text };
    },
    start,
    isIncomplete: (text) => {
      const parsed = parseScript(text);
      return !parsed.ok && parsed.incomplete;
    },
    interrupt: () => {
      state.status = EXIT_INTERRUPTED;
    },
    complete: (line) => completions(line, new Interpreter(session, state)),
    get exited() {
      return exited;
    },
    get status() {
      return state.status;
    },
  };
}
