/** `&`: commands that follow go on beside what comes next. */
import { findTool, type Parsed } from '../tool.ts';
import { BUILTINS } from './builtins.ts';
import type { Interpreter } from './interpreter.ts';
import { Collector, Input, type Io } from './io.ts';
import type { Pause } from './pause.ts';
import type { AndOr, Command, SimpleCommand, Word } from './syntax.ts';

/** Filters that give out a line when they have read one: they may stand behind a command that follows. */
const LINE_FILTERS = ['cat', 'cut', 'grep', 'egrep', 'fgrep', 'jq', 'sed', 'tr'];

/** A follower goes on beside what comes next. @remarks Simplified: any other command in the background runs to its end at once. */
export function* runInBackground(shell: Interpreter, andOr: AndOr, io: Io): Generator<Pause, void> {
  const { session, state } = shell;
  const started = yield* startFollowing(shell, andOr, io);
  if (started === 'other') {
    const status = yield* shell.child().run([{ ...andOr, background: false }], { ...io, input: new Input('') });
    state.lastJob = session.jobs.add(andOr.text, null, status, function* () {})?.pid ?? 0;
  }
  state.status = started === 'failed' ? 1 : 0;
}

function* startFollowing(shell: Interpreter, { first, rest, text }: AndOr, io: Io): Generator<Pause, 'started' | 'failed' | 'other'> {
  const [command, ...filters] = first.commands;
  if (rest.length > 0 || first.negated || command?.kind !== 'simple' || !mayFollow(shell, command)) {
    return 'other';
  }
  const { session, state } = shell;
  const sub = shell.child({ line: command.line, err: io.err });
  const prepared = yield* sub.prepare(command, io);
  const [name, ...args] = prepared?.words ?? [];
  const tool = name === undefined || state.functions.has(name) ? null : findTool(name, session.tools);
  if (prepared === null || tool === null) {
    return prepared === null ? 'failed' : 'other';
  }
  const parsed: Parsed = tool.parse(args);
  if (!parsed.ok || parsed.follow === undefined) {
    return 'other';
  }
  shell.rest(tool);
  const whole = new Collector();
  const byLine = filters.every((one) => one.kind === 'simple' && LINE_FILTERS.includes(firstText(one.words)));
  const { opened } = prepared;
  const deliver = function* (result: { readonly stdout: string; readonly stderr: string }, last: boolean): Generator<Pause, void> {
    io.err(result.stderr);
    if (filters.length === 0) {
      opened.io.out(result.stdout);
    } else if (byLine || last) {
      whole.write(result.stdout);
      const text = byLine ? result.stdout : whole.text;
      if (text !== '' || last) {
        yield* sub.piped([passed(), ...filters], { ...io, input: new Input(text) });
      }
    } else {
      whole.write(result.stdout);
    }
    opened.close();
  };
  const job = session.jobs.add(text, parsed.follow(shell.context(opened.io)), 0, deliver);
  if (job === null) {
    shell.complain('too many jobs', io.err);
    return 'failed';
  }
  state.lastJob = job.pid;
  if (session.interactive) {
    io.err(`[${job.id}] ${job.pid}\n`);
  }
  yield* session.jobs.poll();
  return 'started';
}

/** Whether a command's name is one that could follow: only then are its words expanded before it is known what it is. */
function mayFollow(shell: Interpreter, command: SimpleCommand): boolean {
  const name = firstText(command.words);
  return !shell.state.functions.has(name) && findTool(name, shell.session.tools) !== null && !Object.hasOwn(BUILTINS, name);
}

/** `cat`, to feed a pipeline. */
function passed(): Command {
  return { kind: 'simple', assignments: [], words: [[{ kind: 'text', text: 'cat', quoted: true }]], redirects: [], line: 0 };
}

function firstText(words: readonly Word[]): string {
  const part = words[0]?.[0];
  return words[0]?.length === 1 && part?.kind === 'text' ? part.text : '';
}
