/** Builtins that steer: exit, loops, calling other commands, help. */
import { type Builtin, misused, plain } from './builtin.ts';
import { HELP } from './help.ts';
import type { Interpreter } from './interpreter.ts';
import { Collector, Input, type Io } from './io.ts';
import { parseScript } from './parser.ts';
import type { Pause } from './pause.ts';
import { fileTests, testExpression } from './test_expression.ts';

/** Scripts that call scripts may do so this deep. */
const MAX_DEPTH = 20;

/** The table. */
export const CONTROL_BUILTINS: Readonly<Record<string, Builtin>> = {
  ':': plain(() => 0),
  true: plain(() => 0),
  false: plain(() => 1),
  exit: plain((shell, args, io) => leave(shell, args, io, 'exit')),
  return: plain((shell, args, io) => leave(shell, args, io, 'return')),
  break: plain((shell, args, io) => loop(shell, args, io, 'break')),
  continue: plain((shell, args, io) => loop(shell, args, io, 'continue')),
  test: plain((shell, args, io) => test(shell, args, io)),
  '[': plain((shell, args, io) => (args.at(-1) === ']' ? test(shell, args.slice(0, -1), io) : misused(shell, io, "[: missing ']'"))),
  help: plain((shell, _args, io) => {
    const width = Math.max(...shell.session.tools.map(({ name }) => name.length)) + 2;
    io.out(`${HELP}\n${shell.session.tools.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`).join('')}`);
    return 0;
  }),
  type: plain(locate),
  which: plain(locate),
  *command(shell, args, io) {
    const [first] = args;
    if (first === undefined) {
      return 0;
    }
    return first === '-v' || first === '-V' ? locate(shell, args.slice(1), io) : yield* shell.call(args, io);
  },
  *eval(shell, args, io) {
    return yield* script(shell, args.join(' '), io, 'eval');
  },
  source: dot,
  '.': dot,
  *sh(shell, args, io) {
    return yield* newShell(shell, args, io);
  },
  *bash(shell, args, io) {
    return yield* newShell(shell, args, io);
  },
  *xargs(shell, args, io) {
    return yield* xargs(shell, args, io);
  },
  *time(shell, args, io) {
    const before = shell.session.cluster.now();
    const status = args.length === 0 ? 0 : yield* shell.call(args, io);
    const seconds = (shell.session.cluster.now() - before) / 1e9;
    io.err(`\nreal\t${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s\nuser\t0m0.000s\nsys\t0m0.000s\n`);
    return status;
  },
};

function leave(shell: Interpreter, args: readonly string[], io: Io, kind: 'exit' | 'return'): number {
  const [word] = args;
  const numeric = word === undefined || /^-?[0-9]+$/.test(word);
  if (!numeric) {
    shell.complain(`${kind}: ${word}: numeric argument required`, io.err);
  }
  const status = word === undefined ? shell.state.status : numeric ? ((Number(word) % 256) + 256) % 256 : 2;
  shell.flow = kind === 'exit' ? { kind, status, wanted: true } : { kind, status };
  shell.state.status = status;
  return status;
}

function loop(shell: Interpreter, args: readonly string[], io: Io, kind: 'break' | 'continue'): number {
  const word = args[0] ?? '1';
  if (!/^[1-9][0-9]{0,8}$/.test(word)) {
    return misused(shell, io, `${kind}: ${word}: loop count out of range`, 1);
  }
  shell.flow = { kind, loops: Number(word) };
  return 0;
}

function test(shell: Interpreter, words: readonly string[], io: Io): number {
  const result = testExpression(words, fileTests(shell.session.files, shell.state.folder));
  return result.ok ? Number(!result.value) : misused(shell, io, `test: ${result.error}`);
}

function locate(shell: Interpreter, args: readonly string[], io: Io): number {
  const known = shell.commandNames;
  const missing = args.filter((name) => !known.includes(name));
  io.out(
    args
      .filter((name) => known.includes(name))
      .map((name) => `${name}\n`)
      .join(''),
  );
  return Number(missing.length > 0);
}

/** Runs a text in this shell. */
function* script(shell: Interpreter, text: string, io: Io, what: string): Generator<Pause, number> {
  const parsed = parseScript(text);
  if (!parsed.ok) {
    shell.complain(`${what}: line ${parsed.line}: ${parsed.error}`, io.err);
    return 2;
  }
  if (shell.session.depth >= MAX_DEPTH) {
    return misused(shell, io, `${what}: nested too deep`, 1);
  }
  shell.session.depth++;
  shell.state.status = 0;
  const status = yield* shell.run(parsed.list, io);
  shell.session.depth--;
  return status;
}

function* dot(shell: Interpreter, args: readonly string[], io: Io): Generator<Pause, number> {
  const [path, ...rest] = args;
  if (path === undefined) {
    return misused(shell, io, '.: filename argument required');
  }
  const read = shell.session.files.read(shell.state.folder, path);
  if (read.kind !== 'text') {
    return misused(shell, io, `${path}: ${read.kind === 'directory' ? 'Is a directory' : read.error}`, 1);
  }
  const { positional } = shell.state;
  shell.state.positional = rest.length > 0 ? rest : positional;
  const status = yield* script(shell, read.text, io, path);
  shell.state.positional = positional;
  if (shell.flow?.kind === 'return') {
    const { flow } = shell;
    shell.flow = null;
    return flow.status;
  }
  return status;
}

/** `sh -c 'text' [name args…]`, `sh file [args…]`, or a script on standard input: in a shell of its own. */
function* newShell(shell: Interpreter, args: readonly string[], io: Io): Generator<Pause, number> {
  const { session, state } = shell;
  const letters = args.filter((arg) => /^-[a-z]+$/.test(arg));
  const words = args.filter((arg) => !/^-[a-z]+$/.test(arg));
  const isText = letters.some((arg) => arg.includes('c'));
  const read = isText || words[0] === undefined ? null : session.files.read(state.folder, words[0]);
  if ((isText && words[0] === undefined) || (read !== null && read.kind !== 'text')) {
    const why = isText ? '-c: option requires an argument' : `${words[0] ?? ''}: No such file or directory`;
    return misused(shell, io, why, isText ? 2 : 127);
  }
  const text = isText ? (words[0] as string) : read === null ? io.input.readAll() : read.text;
  const sub = shell.child();
  sub.state.options.delete('errexit');
  sub.state.positional = isText ? words.slice(2) : words.slice(1);
  if (letters.some((arg) => arg.includes('e'))) {
    sub.state.options.add('errexit');
  }
  if (letters.some((arg) => arg.includes('x'))) {
    sub.state.options.add('xtrace');
  }
  return yield* script(sub, text, io, 'sh');
}

/** @remarks Simplified: `-n`, `-I`, `-r`, `-0` is not there; words are split at blanks. */
function* xargs(shell: Interpreter, args: readonly string[], io: Io): Generator<Pause, number> {
  let rest = args;
  let count = Number.POSITIVE_INFINITY;
  let placeholder: string | null = null;
  let evenEmpty = true;
  for (let flag = rest[0]; flag?.startsWith('-') === true; flag = rest[0]) {
    const match = /^-([nI])(.*)$/.exec(flag);
    if (match !== null) {
      const value = match[2] === '' ? (rest[1] ?? '') : (match[2] as string);
      rest = rest.slice(match[2] === '' ? 2 : 1);
      count = match[1] === 'n' ? Math.max(1, Number(value) || 1) : 1;
      placeholder = match[1] === 'I' ? value : placeholder;
    } else if (flag === '-r' || flag === '--no-run-if-empty') {
      evenEmpty = false;
      rest = rest.slice(1);
    } else {
      return misused(shell, io, `xargs: option ${flag} is not available; there are -n, -I and -r`, 1);
    }
  }
  const command = rest.length === 0 ? ['echo'] : rest;
  const input = io.input.readAll();
  const items = (placeholder === null ? input.split(/\s+/) : input.split('\n').map((line) => line.trim())).filter((item) => item !== '');
  let status = 0;
  for (let i = 0; i < Math.max(items.length, evenEmpty && placeholder === null ? 1 : 0); i += Math.min(count, Math.max(1, items.length))) {
    const some = items.slice(i, i + Math.min(count, Math.max(1, items.length)));
    const mark = placeholder;
    const words = mark === null ? [...command, ...some] : command.map((word) => word.replaceAll(mark, some[0] ?? ''));
    const error = new Collector();
    const code = yield* shell.call(words, { input: new Input(''), out: io.out, err: (text) => error.write(text) });
    io.err(error.text);
    status = code === 0 ? status : code === 127 ? 127 : 123;
    if (shell.flow !== null || shell.session.exhausted !== null || !shell.counts()) {
      break;
    }
  }
  return status;
}
