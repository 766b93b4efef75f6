/**
 * `python` with the module `bmemcached`, as the guide uses them: a client made, its methods called, results printed.
 * @see https://python-binary-memcached.readthedocs.io/en/latest/intro/
 * @remarks Simplified: of the language there are imports, the making of a client, calls of its methods, and `print`; values are never compressed.
 * Standard input is read as at the prompt, whose answers are printed without the prompt itself.
 */
import type { ProcessEnv, ProcessResult, RunningProcess } from '../process.ts';
import { BmemcachedClient, type CallResult } from './bmemcached.ts';

/** Runs it. */
export function python(env: ProcessEnv, args: readonly string[], done: (result: ProcessResult) => void): RunningProcess {
  const given = args[0] === '-c';
  return new Interpreter(env, given ? (args[1] ?? '') : (env.stdin ?? ''), !given, done);
}

type Literal = string | number;

class Interpreter implements RunningProcess {
  readonly #env: ProcessEnv;
  readonly #lines: string[];
  readonly #prompt: boolean;
  readonly #clients = new Map<string, BmemcachedClient>();
  #done: ((result: ProcessResult) => void) | null;
  #stdout = '';
  #stderr = '';
  #imported = false;

  constructor(env: ProcessEnv, program: string, prompt: boolean, done: (result: ProcessResult) => void) {
    this.#env = env;
    this.#lines = splitLines(program);
    this.#prompt = prompt;
    this.#done = done;
    env.scheduler.after(0, 'process', () => this.#next());
  }

  kill(): void {
    this.#done = null;
    for (const client of this.#clients.values()) {
      client.close();
    }
  }

  #end(exitCode: number): void {
    const done = this.#done;
    this.kill();
    done?.({ exitCode, stdout: this.#stdout, stderr: this.#stderr });
  }

  #next(): void {
    const line = this.#lines.shift()?.trim();
    if (line === undefined || /^(?:exit|quit)\(\)$/.test(line)) {
      this.#end(0);
      return;
    }
    if (this.#done === null) {
      return;
    }
    this.#run(line);
  }

  #run(line: string): void {
    if (line === '' || line.startsWith('#')) {
      this.#next();
      return;
    }
    if (line === 'import bmemcached') {
      this.#imported = true;
      this.#next();
      return;
    }
    const made = /^(\w+)\s*=\s*bmemcached\.Client\(\(?\[?\s*["']([^"':]+)(?::(\d+))?["'],?\s*\]?\)?\)$/.exec(line);
    if (made !== null) {
      this.#make(made[1] as string, made[2] as string, Number(made[3] ?? 11211));
      return;
    }
    const [, printed, expression = line] = /^(print)\((.*)\)$/.exec(line) ?? [];
    const call = /^(\w+)\.(\w+)\((.*)\)$/.exec(expression);
    if (call === null) {
      this.#raise(`  File "<stdin>", line 1\n    ${line}\nSyntaxError: invalid syntax\n`);
      return;
    }
    this.#call(call[1] as string, call[2] as string, call[3] as string, printed !== undefined);
  }

  #make(name: string, host: string, port: number): void {
    if (!this.#imported) {
      this.#raise(traceback("NameError: name 'bmemcached' is not defined"));
      return;
    }
    this.#clients.get(name)?.close();
    this.#clients.set(name, new BmemcachedClient(this.#env, host, port));
    this.#next();
  }

  #call(name: string, method: string, text: string, printed: boolean): void {
    const client = this.#clients.get(name);
    if (client === undefined) {
      this.#raise(traceback(`NameError: name '${name}' is not defined`));
      return;
    }
    const done = (result: CallResult): void => {
      if ('exception' in result) {
        this.#raise(traceback(result.exception));
        return;
      }
      const shown = printed ? plain(result.value) : this.#prompt && result.value !== null ? repr(result.value) : null;
      this.#stdout += shown === null ? '' : `${shown}\n`;
      this.#next();
    };
    const { positional, named } = readArguments(text);
    const [key, second] = positional;
    const time = Number(named.get('time') ?? 0);
    switch (method) {
      case 'get':
        client.get(String(key), done);
        return;
      case 'set':
      case 'add':
      case 'replace':
        client.store(method, String(key), String(second), Number(positional[2] ?? time), done);
        return;
      case 'delete':
        client.delete(String(key), done);
        return;
      default:
        this.#raise(traceback(`AttributeError: 'ReplicatingClient' object has no attribute '${method}'`));
    }
  }

  /** The prompt goes on after an exception, a program ends. */
  #raise(text: string): void {
    this.#stderr += text;
    if (this.#prompt) {
      this.#next();
    } else {
      this.#end(1);
    }
  }
}

/** Statements stand in lines or between semicolons. */
function splitLines(program: string): string[] {
  return program.match(/(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\n;"'])+/g) ?? [];
}

/** @remarks Simplified: the frames of the module's own files are left out. */
function traceback(exception: string): string {
  return `Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\n${exception}\n`;
}

function plain(value: string | boolean | null): string {
  return value === null ? 'None' : typeof value === 'boolean' ? pythonBool(value) : value;
}

function repr(value: string | boolean): string {
  return typeof value === 'boolean' ? pythonBool(value) : `'${value}'`;
}

function pythonBool(value: boolean): string {
  return value ? 'True' : 'False';
}

/** `"key", 'value', time=2400`. */
function readArguments(text: string): { readonly positional: readonly Literal[]; readonly named: ReadonlyMap<string, Literal> } {
  const positional: Literal[] = [];
  const named = new Map<string, Literal>();
  for (const part of text.match(/(?:"[^"]*"|'[^']*'|[^,])+/g) ?? []) {
    const [, name, value = ''] = /^\s*(?:(\w+)\s*=\s*)?(.*?)\s*$/s.exec(part) ?? [];
    const literal = /^["']/.test(value) ? value.slice(1, -1) : Number(value);
    if (name === undefined) {
      positional.push(literal);
    } else {
      named.set(name, literal);
    }
  }
  return { positional, named };
}
