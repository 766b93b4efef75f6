/**
 * Runs syntax trees. One interpreter is one shell or subshell; all of a session share its cluster, files and jobs.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_09
 */
import { nearest } from '../../net/nearest_word.ts';
import { findTool, type Tool, type ToolContext } from '../tool.ts';
import { runInBackground } from './background.ts';
import { BUILTINS } from './builtins.ts';
import { callTool } from './call_tool.ts';
import { evaluateConditional } from './conditional.ts';
import { type ExpansionHost, expandPattern, expandText, expandWords } from './expand.ts';
import { matchingPaths } from './glob.ts';
import { Collector, Input, type Io, type Sink } from './io.ts';
import { matchesPattern } from './pattern.ts';
import type { Pause } from './pause.ts';
import { quoteWord } from './printf.ts';
import { type Opened, openRedirects } from './redirect.ts';
import type { Session } from './session.ts';
import type { Flow, OptionName, ShellState } from './shell_state.ts';
import type { AndOr, Command, List, Pipeline, SimpleCommand, Word } from './syntax.ts';
import { fileTests } from './test_expression.ts';

/** Exit code of a command that is not there. */
const NOT_FOUND = 127;
/** Exit code of a script that was stopped. */
export const EXIT_STOPPED = 137;
/** Functions, `eval` and `.` may call each other this deep. */
const MAX_CALLS = 100;

/** A shell or subshell. */
export class Interpreter implements ExpansionHost {
  readonly session: Session;
  readonly state: ShellState;
  /** Why the rest of the lists is skipped; `null` in the ordinary course. */
  flow: Flow | null = null;
  /** Above zero inside of conditions, where `set -e` does nothing. */
  #tested = 0;
  #err: Sink = () => undefined;
  #line = 0;
  #substituted = 0;

  constructor(session: Session, state: ShellState) {
    this.session = session;
    this.state = state;
  }

  /** Runs a list and returns the exit code of its last command. */
  *run(list: List, io: Io): Generator<Pause, number> {
    this.#err = io.err;
    for (const andOr of list) {
      yield* this.#andOr(andOr, io);
      if (this.flow !== null) {
        break;
      }
    }
    return this.flow?.kind === 'exit' || this.flow?.kind === 'return' ? this.flow.status : this.state.status;
  }

  /** A subshell. `from`: the command that is run there, for the places in messages. */
  child(from: { readonly line: number; readonly err: Sink } = { line: this.#line, err: this.#err }): Interpreter {
    const sub = new Interpreter(this.session, this.state.fork());
    sub.#tested = this.#tested;
    sub.#err = from.err;
    sub.#line = from.line;
    return sub;
  }

  /** Counts a command that a builtin calls; false when the script has run too long. */
  counts(): boolean {
    return this.#mayGoOn();
  }

  has(option: OptionName): boolean {
    return this.state.options.has(option);
  }

  /** Says what is wrong, with the line where it is. */
  complain(message: string, err: Sink = this.#err): void {
    err(`${this.state.name}: ${this.#line > 0 && !this.session.interactive ? `line ${this.#line}: ` : ''}${message}\n`);
  }

  exit(status: number, wanted = false): void {
    this.flow = { kind: 'exit', status, wanted };
    this.state.status = status;
  }

  get positional(): readonly string[] {
    return this.state.positional;
  }

  get nounset(): boolean {
    return this.has('nounset');
  }

  variable(name: string): string | undefined {
    const { state } = this;
    if (/^[0-9]+$/.test(name)) {
      return name === '0' ? state.name : state.positional[Number(name) - 1];
    }
    switch (name) {
      case '?':
        return String(state.status);
      case '#':
        return String(state.positional.length);
      case '$':
        return '4241';
      case '!':
        return state.lastJob === 0 ? undefined : String(state.lastJob);
      case '-':
        return [
          state.options.has('errexit') ? 'e' : '',
          state.options.has('nounset') ? 'u' : '',
          state.options.has('xtrace') ? 'x' : '',
        ].join('');
      case 'PWD':
        return state.folder === '' ? '.' : state.folder;
      case 'LINENO':
        return String(this.#line);
      default:
        return state.variables.get(name);
    }
  }

  assign(name: string, value: string): void {
    if (this.state.readonlyNames.has(name)) {
      this.fail(`${name}: readonly variable`);
      return;
    }
    this.state.variables.set(name, value);
  }

  fail(message: string): void {
    if (this.flow === null) {
      this.complain(message);
      this.exit(1);
    }
  }

  *substitute(script: List): Generator<Pause, string> {
    const output = new Collector();
    const sub = this.child();
    this.#substituted++;
    this.state.status = yield* sub.run(script, { input: new Input(''), out: output.write, err: this.#err });
    return output.text.replace(/\n+$/, '');
  }

  *#andOr(andOr: AndOr, io: Io): Generator<Pause, void> {
    if (andOr.background) {
      yield* runInBackground(this, andOr, io);
      return;
    }
    const { first, rest } = andOr;
    yield* this.#pipeline(first, io, rest.length > 0);
    for (const [i, { operator, pipeline }] of rest.entries()) {
      if (this.flow !== null) {
        return;
      }
      if ((operator === '&&') === (this.state.status === 0)) {
        yield* this.#pipeline(pipeline, io, i < rest.length - 1);
      }
    }
  }

  /** `tested`: what becomes of a failure is decided by `&&` or `||`. */
  *#pipeline({ negated, commands }: Pipeline, io: Io, tested: boolean): Generator<Pause, void> {
    this.#tested += negated || tested ? 1 : 0;
    const status = commands.length === 1 ? yield* this.#command(commands[0] as Command, io) : yield* this.piped(commands, io);
    this.#tested -= negated || tested ? 1 : 0;
    if (this.flow !== null) {
      return;
    }
    this.state.status = negated ? Number(status === 0) : status;
    if (status !== 0 && !negated && !tested && this.#tested === 0 && this.has('errexit')) {
      this.exit(status, true);
    }
  }

  /** Each command is a subshell whose output the next one reads. */
  *piped(commands: readonly Command[], io: Io): Generator<Pause, number> {
    let input = io.input;
    let status = 0;
    for (const [i, command] of commands.entries()) {
      const last = i === commands.length - 1;
      const output = new Collector();
      const sub = this.child();
      yield* sub.#pipeline({ negated: false, commands: [command] }, { input, out: last ? io.out : output.write, err: io.err }, true);
      const left = sub.flow?.kind === 'exit' ? sub.flow.status : sub.state.status;
      status = this.has('pipefail') && left === 0 ? status : last || this.has('pipefail') ? left : 0;
      input = new Input(output.text);
    }
    return status;
  }

  *#command(command: Command, io: Io): Generator<Pause, number> {
    if (command.kind === 'simple') {
      return yield* this.#simple(command, io);
    }
    const opened = yield* openRedirects(command.redirects, io, this);
    if (opened === null) {
      return 1;
    }
    const status = yield* this.#compound(command, opened.io);
    opened.close();
    return status;
  }

  *#compound(command: Exclude<Command, { readonly kind: 'simple' }>, io: Io): Generator<Pause, number> {
    switch (command.kind) {
      case 'group':
        return yield* command.subshell ? this.#subshell(command.body, io) : this.run(command.body, io);
      case 'if': {
        for (const { condition, body } of command.clauses) {
          if ((yield* this.#condition(condition, io)) && this.flow === null) {
            return yield* this.run(body, io);
          }
          if (this.flow !== null) {
            return this.state.status;
          }
        }
        this.state.status = 0;
        return command.otherwise === null ? 0 : yield* this.run(command.otherwise, io);
      }
      case 'for':
        return yield* this.#for(command.name, command.words, command.body, io);
      case 'loop': {
        let status = 0;
        while (this.flow === null && (yield* this.#condition(command.condition, io)) !== command.until && this.#mayGoOn()) {
          status = yield* this.run(command.body, io);
          if (!this.#nextRound()) {
            break;
          }
        }
        return status;
      }
      case 'case': {
        const subject = yield* expandText(command.subject, this);
        for (const { patterns, body } of command.branches) {
          for (const pattern of patterns) {
            if (matchesPattern(yield* expandPattern(pattern, this), subject)) {
              this.state.status = 0;
              return yield* this.run(body, io);
            }
          }
        }
        return 0;
      }
      case 'conditional': {
        this.#line = command.line;
        let status = 0;
        const holds = yield* evaluateConditional(command.condition, this, fileTests(this.session.files, this.state.folder), (message) => {
          this.complain(`[[: ${message}`, io.err);
          status = 2;
        });
        return status === 0 ? Number(!holds) : status;
      }
      case 'function':
        this.state.functions.set(command.name, command.body);
        return 0;
    }
  }

  *#subshell(body: List, io: Io): Generator<Pause, number> {
    return yield* this.child().run(body, io);
  }

  *#condition(list: List, io: Io): Generator<Pause, boolean> {
    this.#tested++;
    const status = yield* this.run(list, io);
    this.#tested--;
    return status === 0;
  }

  *#for(name: string, words: readonly Word[] | null, body: List, io: Io): Generator<Pause, number> {
    const values = words === null ? this.state.positional : yield* expandWords(words, this);
    this.state.status = 0;
    for (const value of values) {
      if (this.flow !== null || !this.#mayGoOn()) {
        break;
      }
      this.assign(name, value);
      yield* this.run(body, io);
      if (!this.#nextRound()) {
        break;
      }
    }
    return this.state.status;
  }

  /** Whether a loop goes on after its body. */
  #nextRound(): boolean {
    const { flow } = this;
    if (flow?.kind !== 'break' && flow?.kind !== 'continue') {
      return flow === null;
    }
    this.flow = flow.loops > 1 ? { ...flow, loops: flow.loops - 1 } : null;
    return this.flow === null && flow.kind === 'continue';
  }

  /** Counts a command; false when the script has run too long. */
  #mayGoOn(): boolean {
    this.session.commands++;
    const { exhausted } = this.session;
    if (exhausted === null) {
      return this.session.cluster.now() < this.session.deadline;
    }
    if (this.flow === null) {
      this.complain(exhausted);
      this.exit(EXIT_STOPPED);
    }
    return false;
  }

  *#simple(command: SimpleCommand, io: Io): Generator<Pause, number> {
    this.#line = command.line;
    this.#err = io.err;
    const prepared = yield* this.prepare(command, io);
    if (prepared === null) {
      return this.flow?.kind === 'exit' ? this.flow.status : 1;
    }
    const { words, opened, before } = prepared;
    const status = words.length === 0 ? prepared.status : yield* this.call(words, opened.io);
    for (const [name, value] of before) {
      if (value === undefined) {
        this.state.variables.delete(name);
      } else {
        this.state.variables.set(name, value);
      }
    }
    opened.close();
    yield* this.session.jobs.poll();
    yield 'step';
    return status;
  }

  /** Expands the words, opens the redirections, makes the assignments. `before`: what to put back afterwards. */
  *prepare(
    command: SimpleCommand,
    io: Io,
  ): Generator<
    Pause,
    {
      readonly words: readonly string[];
      readonly opened: Opened;
      readonly before: ReadonlyMap<string, string | undefined>;
      readonly status: number;
    } | null
  > {
    if (!this.#mayGoOn()) {
      return null;
    }
    const substituted = this.#substituted;
    const words = yield* expandWords(command.words, this);
    if (this.flow !== null) {
      return null;
    }
    const opened = yield* openRedirects(command.redirects, io, this);
    if (opened === null) {
      return null;
    }
    const before = new Map<string, string | undefined>();
    for (const { name, value } of command.assignments) {
      const text = yield* expandText(value, this);
      if (this.flow !== null) {
        return null;
      }
      if (words.length > 0 && !before.has(name)) {
        before.set(name, this.state.variables.get(name));
      }
      this.assign(name, text);
    }
    if (this.has('xtrace')) {
      const assigned = command.assignments.map(({ name }) => `${name}=${quoteWord(this.state.variables.get(name) ?? '')}`);
      io.err(`+ ${[...assigned, ...words.map(quoteWord)].join(' ')}\n`);
    }
    return { words, opened, before, status: this.#substituted > substituted ? this.state.status : 0 };
  }

  /** Calls a function, a builtin or a tool. */
  *call(words: readonly string[], io: Io): Generator<Pause, number> {
    const [name, ...args] = words as readonly [string, ...string[]];
    const body = this.state.functions.get(name);
    if (body !== undefined) {
      return yield* this.#function(body, args, io);
    }
    const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
    if (builtin !== undefined) {
      return yield* builtin(this, args, io);
    }
    const tool = findTool(name, this.session.tools);
    if (tool === null) {
      this.complain(this.#notFound(name), io.err);
      return NOT_FOUND;
    }
    return yield* callTool(this, tool, args, io);
  }

  *#function(body: Command, args: readonly string[], io: Io): Generator<Pause, number> {
    const { state, session } = this;
    if (session.depth >= MAX_CALLS) {
      this.fail(`maximum function nesting level exceeded (${MAX_CALLS})`);
      return 1;
    }
    const { positional } = state;
    state.positional = args;
    session.depth++;
    let status: number;
    try {
      status = yield* this.#command(body, io);
    } finally {
      // Also when Ctrl-C ends the generator.
      session.depth--;
      state.positional = positional;
    }
    const { flow } = this;
    if (flow?.kind === 'return') {
      this.flow = null;
      return flow.status;
    }
    return status;
  }

  /** The paths a pattern stands for. */
  matchingPaths(pattern: string): readonly string[] {
    return matchingPaths(pattern, this.session.files, this.state.folder);
  }

  /** Before a command that talks to the cluster the cluster comes to rest, unless `set +o settle` forbids it. */
  rest(tool: Tool): void {
    if (tool.filter !== true && this.has('settle')) {
      this.session.settle();
    }
  }

  /** What a tool is given. */
  context(io: Io): ToolContext {
    const { session, state } = this;
    return {
      cluster: session.view,
      agentPod: null,
      nodeName: null,
      get stdin() {
        return io.input.readAll();
      },
      readPath: (path) =>
        path === '-' || path === '/dev/stdin' ? { kind: 'text', text: io.input.readAll() } : session.files.read(state.folder, path),
    };
  }

  /** Names of everything that can be called. */
  get commandNames(): string[] {
    return [...new Set([...this.session.tools.map(({ name }) => name), ...Object.keys(BUILTINS), ...this.state.functions.keys()])].sort();
  }

  #notFound(name: string): string {
    const suggestion = nearest(name, this.commandNames);
    return `${name}: command not found${suggestion === null ? '; "help" lists what there is' : `; did you mean "${suggestion}"?`}`;
  }
}
