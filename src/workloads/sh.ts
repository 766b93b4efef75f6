/**
 * The shell of a container, for `sh -c`: pipelines and lists of plain commands.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html
 * @remarks Simplified: words with quotes, `|`, `&&`, `||`, `;` and line ends, `2>&1` and redirections to /dev/null; no variables, expansions, loops.
 * Programs of a pipeline run one after the other.
 */
import type { ProcessEnv, ProcessResult, RunningProcess } from './process.ts';

/** Starts a program of the container. */
export type Execute = (env: ProcessEnv, argv: readonly string[], done: (result: ProcessResult) => void) => RunningProcess;

/** What joins a pipeline to the one before it. */
type Joint = ';' | '&&' | '||';

/** A pipeline. */
interface Pipeline {
  readonly joint: Joint;
  readonly commands: readonly (readonly string[])[];
}

/** Runs a script. */
export function sh(env: ProcessEnv, args: readonly string[], execute: Execute, done: (result: ProcessResult) => void): RunningProcess {
  const script = args[0] === '-c' ? (args[1] ?? '') : (env.stdin ?? '');
  const parsed = parse(script);
  if (typeof parsed === 'string') {
    const timer = env.scheduler.after(0, 'process', () => done({ exitCode: 2, stdout: '', stderr: `sh: syntax error: ${parsed}\n` }));
    return { kill: () => timer.cancel() };
  }
  return new Run(env, parsed, execute, done);
}

class Run implements RunningProcess {
  readonly #env: ProcessEnv;
  readonly #list: Pipeline[];
  readonly #execute: Execute;
  #done: ((result: ProcessResult) => void) | null;
  #current: RunningProcess | null = null;
  #stdout = '';
  #stderr = '';
  #status = 0;

  constructor(env: ProcessEnv, list: readonly Pipeline[], execute: Execute, done: (result: ProcessResult) => void) {
    this.#env = env;
    this.#list = [...list];
    this.#execute = execute;
    this.#done = done;
    env.scheduler.after(0, 'process', () => this.#next());
  }

  kill(): void {
    this.#done = null;
    this.#current?.kill();
  }

  printed(): { readonly stdout: string; readonly stderr: string } {
    const { stdout = '', stderr = '' } = this.#current?.printed?.() ?? {};
    return { stdout: this.#stdout + stdout, stderr: this.#stderr + stderr };
  }

  #next(): void {
    const pipeline = this.#list.shift();
    if (this.#done === null) {
      return;
    }
    if (pipeline === undefined) {
      this.#done({ exitCode: this.#status, stdout: this.#stdout, stderr: this.#stderr });
      return;
    }
    const { joint, commands } = pipeline;
    if ((joint === '&&' && this.#status !== 0) || (joint === '||' && this.#status === 0)) {
      this.#next();
      return;
    }
    this.#pipe(commands, this.#env.stdin ?? '');
  }

  #pipe(commands: readonly (readonly string[])[], stdin: string): void {
    const [words = [], ...rest] = commands;
    const { argv, merge, quietOut, quietErr } = redirections(words);
    const start = argv.length === 0 ? ['true'] : argv;
    this.#current = this.#execute({ ...this.#env, stdin }, start, (result) => {
      this.#current = null;
      const notFound = result.stderr.startsWith('OCI runtime exec failed') ? `sh: ${start[0] ?? ''}: not found\n` : result.stderr;
      const err = quietErr ? '' : notFound;
      const out = quietOut ? '' : result.stdout + (merge ? err : '');
      this.#stderr += merge ? '' : err;
      this.#status = result.exitCode;
      if (rest.length > 0) {
        this.#pipe(rest, out);
      } else {
        this.#stdout += out;
        this.#next();
      }
    });
  }
}

function redirections(words: readonly string[]): { argv: string[]; merge: boolean; quietOut: boolean; quietErr: boolean } {
  const argv: string[] = [];
  const found = { merge: false, quietOut: false, quietErr: false };
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const [, stream, rest] = /^(1|2|&)?>{1,2}(.*)$/.exec(word) ?? [];
    if (rest === undefined || word.startsWith(QUOTED)) {
      argv.push(word.replace(QUOTED, ''));
    } else if (word === '2>&1') {
      found.merge = true;
    } else {
      i += rest === '' ? 1 : 0;
      found.quietOut ||= stream !== '2';
      found.quietErr ||= stream === '2' || stream === '&';
    }
  }
  return { argv, ...found };
}

/** Marks a word that had quotes: it is no operator. */
const QUOTED = '\u0000';

/** The pipelines of a script, or what is wrong with it. */
function parse(script: string): Pipeline[] | string {
  const list: { joint: Joint; commands: string[][] }[] = [{ joint: ';', commands: [[]] }];
  let word: string | null = null;
  const end = (): void => {
    if (word !== null) {
      list.at(-1)?.commands.at(-1)?.push(word);
      word = null;
    }
  };
  for (let i = 0; i < script.length; i++) {
    const c = script.charAt(i);
    const two = script.slice(i, i + 2);
    if (c === "'" || c === '"') {
      const close = closing(script, i);
      if (close < 0) {
        return 'unterminated quoted string';
      }
      const inner = script.slice(i + 1, close);
      word = `${word ?? QUOTED}${c === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner}`;
      i = close;
    } else if (c === '\\') {
      i += 1;
      word = (word ?? '') + script.charAt(i);
    } else if (/\s/.test(c) && c !== '\n') {
      end();
    } else if (two === '&&' || two === '||') {
      end();
      list.push({ joint: two, commands: [[]] });
      i += 1;
    } else if (c === ';' || c === '\n') {
      end();
      list.push({ joint: ';', commands: [[]] });
    } else if (c === '|') {
      end();
      list.at(-1)?.commands.push([]);
    } else if (c === '`' || (c === '$' && /[({\w]/.test(script.charAt(i + 1))) || c === '(' || c === '<') {
      return `unexpected "${c}"`;
    } else {
      word = (word ?? '') + c;
    }
  }
  end();
  const used = list.filter(({ commands }) => commands.some((words) => words.length > 0));
  return used.some(({ commands }) => commands.some((words) => words.length === 0)) ? 'unexpected "|"' : used;
}

/** Index of the quote that closes the one at `start`, or -1. */
function closing(script: string, start: number): number {
  const quote = script.charAt(start);
  for (let i = start + 1; i < script.length; i++) {
    if (quote === '"' && script.charAt(i) === '\\') {
      i += 1;
    } else if (script.charAt(i) === quote) {
      return i;
    }
  }
  return -1;
}
