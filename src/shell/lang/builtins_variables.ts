/** Builtins for variables, options and text. */
import { type Builtin, misused, plain } from './builtin.ts';
import type { Interpreter } from './interpreter.ts';
import type { Io } from './io.ts';
import { isName } from './parser.ts';
import { formatText, quoteWord, unescape } from './printf.ts';
import { OPTION_LETTERS, OPTION_NAMES, type OptionName } from './shell_state.ts';

/** The table. */
export const VARIABLE_BUILTINS: Readonly<Record<string, Builtin>> = {
  echo: plain((_shell, args, io) => {
    let newline = true;
    let escapes = false;
    let rest = args;
    for (let flag = rest[0]; flag !== undefined && /^-[neE]+$/.test(flag); flag = rest[0]) {
      newline &&= !flag.includes('n');
      escapes = flag.includes('e') || (escapes && !flag.includes('E'));
      rest = rest.slice(1);
    }
    const text = rest.join(' ');
    io.out((escapes ? unescape(text) : text) + (newline ? '\n' : ''));
    return 0;
  }),
  printf: plain((shell, args, io) => {
    const words = args[0] === '--' ? args.slice(1) : args;
    if (words[0] === undefined) {
      return misused(shell, io, 'printf: usage: printf format [arguments]');
    }
    const { text, error } = formatText(words[0], words.slice(1));
    io.out(text);
    return error === null ? 0 : misused(shell, io, `printf: ${error}`, 1);
  }),
  export: plain((shell, args, io) => declare(shell, args, io, 'export')),
  readonly: plain((shell, args, io) => declare(shell, args, io, 'readonly')),
  local: plain((shell, args, io) => declare(shell, args, io, 'local')),
  unset: plain((shell, args, io) => {
    const names = args.filter((arg) => !/^-[vf]$/.test(arg));
    const bad = names.find((name) => !isName(name) || shell.state.readonlyNames.has(name));
    if (bad !== undefined) {
      return misused(shell, io, `unset: ${bad}: ${isName(bad) ? 'cannot unset: readonly variable' : 'not a valid identifier'}`, 1);
    }
    for (const name of names) {
      if (!args.includes('-f')) {
        shell.state.variables.delete(name);
        shell.state.exported.delete(name);
      }
      if (!args.includes('-v')) {
        shell.state.functions.delete(name);
      }
    }
    return 0;
  }),
  set: plain(setOptions),
  shift: plain((shell, args, io) => {
    const count = Number(args[0] ?? 1);
    if (!Number.isInteger(count) || count < 0 || count > shell.state.positional.length) {
      return misused(shell, io, `shift: ${args[0] ?? ''}: shift count out of range`, 1);
    }
    shell.state.positional = shell.state.positional.slice(count);
    return 0;
  }),
  read: plain(read),
  *env(shell, args, io) {
    const assigned = args.findIndex((arg) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(arg));
    const pairs = assigned < 0 ? args : args.slice(0, assigned);
    const command = assigned < 0 ? [] : args.slice(assigned);
    if (command.length === 0) {
      io.out(
        [...shell.state.exported].map((name) => `${name}=${shell.state.variables.get(name) ?? ''}\n`).join('') +
          pairs.map((pair) => `${pair}\n`).join(''),
      );
      return 0;
    }
    const sub = shell.child();
    for (const pair of pairs) {
      sub.assign(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return yield* sub.call(command, io);
  },
  printenv: plain((shell, args, io) => {
    const names = args.length === 0 ? [...shell.state.exported] : args;
    const known = names.filter((name) => shell.state.exported.has(name));
    io.out(known.map((name) => `${args.length === 0 ? `${name}=` : ''}${shell.state.variables.get(name) ?? ''}\n`).join(''));
    return Number(known.length < names.length);
  }),
};

/** @remarks Simplified: `local` makes ordinary variables. */
function declare(shell: Interpreter, args: readonly string[], io: Io, what: 'export' | 'readonly' | 'local'): number {
  const { state } = shell;
  const words = args.filter((arg) => arg !== '-p' && arg !== '--');
  if (words.length === 0 && what !== 'local') {
    const names = what === 'export' ? state.exported : state.readonlyNames;
    io.out([...names].map((name) => `${what} ${name}=${quoteWord(state.variables.get(name) ?? '')}\n`).join(''));
    return 0;
  }
  let status = 0;
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!isName(name)) {
      status = misused(shell, io, `${what}: '${word}': not a valid identifier`, 1);
      continue;
    }
    if (equals >= 0) {
      shell.assign(name, word.slice(equals + 1));
    }
    if (what === 'export') {
      state.exported.add(name);
    } else if (what === 'readonly') {
      state.readonlyNames.add(name);
    }
  }
  return status;
}

function setOptions(shell: Interpreter, args: readonly string[], io: Io): number {
  const { state } = shell;
  if (args.length === 0) {
    io.out(
      [...state.variables]
        .map(([name, value]) => `${name}=${quoteWord(value)}\n`)
        .sort()
        .join(''),
    );
    return 0;
  }
  const put = (name: OptionName, on: boolean): void => {
    if (on) {
      state.options.add(name);
    } else {
      state.options.delete(name);
    }
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--' || !/^[-+][A-Za-z]+$/.test(arg)) {
      state.positional = args.slice(arg === '--' ? i + 1 : i);
      return 0;
    }
    const on = arg.startsWith('-');
    for (const letter of arg.slice(1)) {
      if (letter === 'o') {
        const name = args[++i];
        if (name === undefined) {
          io.out(OPTION_NAMES.map((one) => `${one.padEnd(15)}\t${state.options.has(one) ? 'on' : 'off'}\n`).join(''));
          return 0;
        }
        const option = OPTION_NAMES.find((one) => one === name);
        if (option === undefined) {
          return misused(shell, io, `set: ${name}: invalid option name; there are ${OPTION_NAMES.join(', ')}`);
        }
        put(option, on);
        continue;
      }
      const option = OPTION_LETTERS[letter];
      if (option === undefined) {
        return misused(
          shell,
          io,
          `set: -${letter}: invalid option; there are ${Object.keys(OPTION_LETTERS)
            .map((one) => `-${one}`)
            .join(', ')} and -o`,
        );
      }
      put(option, on);
    }
  }
  return 0;
}

/** `read [-r] [-p prompt] names…` */
function read(shell: Interpreter, args: readonly string[], io: Io): number {
  const prompt = args.indexOf('-p');
  const names = args.filter((arg, i) => arg !== '-r' && arg !== '-p' && !(prompt >= 0 && i === prompt + 1));
  const bad = names.find((name) => !isName(name));
  if (bad !== undefined) {
    return misused(shell, io, `read: '${bad}': not a valid identifier`, 1);
  }
  const line = io.input.readLine();
  let rest = (line ?? '').trim();
  const targets = names.length === 0 ? ['REPLY'] : names;
  for (const [i, name] of targets.entries()) {
    const last = i === targets.length - 1;
    const end = last ? -1 : rest.search(/[ \t]/);
    shell.assign(name, end < 0 ? rest : rest.slice(0, end));
    rest = end < 0 ? '' : rest.slice(end).trimStart();
  }
  return Number(line === null);
}
