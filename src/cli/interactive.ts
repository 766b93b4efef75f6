/** A person at the shell: history, completion, Ctrl-C for the command, Ctrl-D for the shell. */
import { appendFileSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import type { Shell } from '../index.ts';
import { EXIT_INTERRUPTED } from './process.ts';

/** How long a command may run before keys are looked at, in milliseconds. */
const LOOK_UP = 20;
/** A tenth of a second of virtual time passes in as much real time while a command follows. */
const TICK = 100;
const HISTORY_SIZE = 1000;
const PROMPT = '$ ';
const CONTINUED = '> ';

/** Reads and runs lines until the person leaves; the exit code of the last command. */
export async function interact(shell: Shell, title: string | null): Promise<number> {
  const history = readHistory();
  const rl = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    historySize: HISTORY_SIZE,
    history,
    removeHistoryDuplicates: true,
    completer: (line: string) => completer(shell, line),
  });
  process.stdout.write(
    `${title === null ? 'A cluster of one node.' : `The cluster of "${title}".`} Type help for what there is; Ctrl-D ends the shell.\n`,
  );
  const session = new Interactive(shell, rl);
  await session.run();
  return shell.status;
}

class Interactive {
  readonly #shell: Shell;
  readonly #rl: Interface;
  readonly #lines: string[] = [];
  #buffer = '';
  #running = false;
  #interrupted = false;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(shell: Shell, rl: Interface) {
    this.#shell = shell;
    this.#rl = rl;
    rl.on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    rl.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    rl.on('SIGINT', () => {
      if (this.#running) {
        this.#interrupted = true;
        return;
      }
      // The half typed line is left where it is; a new one begins.
      process.stdout.write('^C\n');
      this.#buffer = '';
      rl.write(null, { ctrl: true, name: 'e' });
      rl.write(null, { ctrl: true, name: 'u' });
      this.#prompt();
    });
  }

  async run(): Promise<void> {
    this.#prompt();
    for (;;) {
      const line = this.#lines.shift();
      if (line === undefined) {
        if (this.#closed) {
          process.stdout.write(process.stdout.isTTY ? 'exit\n' : '');
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#buffer += `${line}\n`;
      if (!this.#shell.isIncomplete(this.#buffer)) {
        const text = this.#buffer;
        this.#buffer = '';
        remember(text);
        await this.#execute(text);
        if (this.#shell.exited) {
          this.#rl.close();
          return;
        }
      }
      if (this.#lines.length === 0) {
        this.#prompt();
      }
    }
  }

  async #execute(text: string): Promise<void> {
    this.#running = true;
    this.#interrupted = false;
    const print = (part: string): void => {
      process.stdout.write(part);
    };
    const running = this.#shell.start(text, { out: print, err: print });
    let looked = Date.now();
    for (;;) {
      const { done, value } = running.next();
      if (done === true) {
        break;
      }
      if (value === 'wait') {
        await delay(TICK);
      } else if (Date.now() - looked > LOOK_UP) {
        await immediate();
        looked = Date.now();
      }
      if (this.#interrupted) {
        running.return(EXIT_INTERRUPTED);
        this.#shell.interrupt();
        process.stdout.write('^C\n');
        break;
      }
    }
    this.#running = false;
  }

  #prompt(): void {
    this.#rl.setPrompt(this.#buffer === '' ? PROMPT : CONTINUED);
    this.#rl.prompt();
  }
}

/** What readline asks for: the candidates, and the part of the line they replace. A lone candidate ends the word. */
function completer(shell: Shell, line: string): [string[], string] {
  const { words, partial } = shell.complete(line);
  const [only] = words;
  return [words.length === 1 && only !== undefined && !/[=/]$/.test(only) ? [`${only} `] : [...words], partial];
}

function historyFile(): string | null {
  const named = process.env.TRENCHRUN_HISTORY;
  return named === '' ? null : (named ?? join(homedir(), '.trenchrun_history'));
}

/** The lines of earlier sessions, newest first. */
function readHistory(): string[] {
  const file = historyFile();
  if (file === null) {
    return [];
  }
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .slice(-HISTORY_SIZE)
      .reverse();
  } catch {
    return [];
  }
}

/** A history that cannot be written is no reason to complain. */
function remember(text: string): void {
  const file = historyFile();
  const line = text.trim();
  if (file !== null && line !== '' && !line.includes('\n')) {
    try {
      appendFileSync(file, `${line}\n`, { mode: 0o600 });
    } catch {
      // Read-only home.
    }
  }
}
