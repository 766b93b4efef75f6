/** `trenchrun shell`: commands from a script, from `-c`, from standard input, or from a person. */
import { readFileSync } from 'node:fs';
import { issueText, parseScenario, type Scenario, scenarioShell } from '../index.ts';
import { readTextFile } from './files.ts';
import { interact } from './interactive.ts';
import { EXIT_BAD_INPUT, write, writeError } from './process.ts';
import { pathReader } from './shell_files.ts';

/** Options as the command line gives them. */
export interface ShellFlags {
  readonly command?: string;
  readonly seed?: number;
}

/** Output is handed on when this much has come together, in characters. */
const CHUNK = 16_384;
/** Exit code of a shell whose script is not there. */
const EXIT_NO_SCRIPT = 127;

/** Runs the shell and returns the exit code of its last command. */
export async function shell(files: readonly string[], flags: ShellFlags): Promise<number> {
  const isScenario = (file: string | undefined): file is string => file !== undefined && /\.ya?ml$/.test(file);
  const scenarioFile = isScenario(files[0]) ? files[0] : null;
  const rest = scenarioFile === null ? files : files.slice(1);
  const scenario = scenarioFile === null ? null : readScenario(scenarioFile);
  if (scenario === 'bad') {
    return EXIT_BAD_INPUT;
  }
  const scriptFile = flags.command === undefined ? rest[0] : undefined;
  const interactive = flags.command === undefined && scriptFile === undefined && process.stdin.isTTY === true;
  const opened = scenarioShell(scenario, {
    interactive,
    readPath: pathReader([scriptFile, scenarioFile].filter((file) => file !== undefined && file !== null)),
    args: flags.command === undefined ? rest.slice(1) : rest,
    ...(scriptFile === undefined ? {} : { name: scriptFile }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  });
  if (interactive) {
    return await interact(opened, scenario?.name ?? null);
  }
  const script = flags.command ?? readScript(scriptFile);
  return script === null ? EXIT_NO_SCRIPT : await runScript(opened, script);
}

/** A scenario, `null` for none, or `bad` after a message. */
function readScenario(file: string): Scenario | null | 'bad' {
  const read = readTextFile(file);
  if ('error' in read) {
    writeError(`${file}:1:1: ${read.error}\n`);
    return 'bad';
  }
  const parsed = parseScenario(read.text, { file, readFile: readTextFile });
  if (!parsed.ok) {
    writeError(parsed.issues.map((issue) => `${issueText(issue)}\n`).join(''));
    return 'bad';
  }
  return parsed.scenario;
}

/** The text of a script file or of standard input; `null` after a message. */
function readScript(file: string | undefined): string | null {
  if (file === undefined || file === '-') {
    return readFileSync(0, 'utf8');
  }
  const read = readTextFile(file);
  if ('error' in read && read.error !== 'the file is empty') {
    writeError(`trenchrun: ${file}: ${read.error}\n`);
    return null;
  }
  return 'text' in read ? read.text : '';
}

async function runScript(opened: ReturnType<typeof scenarioShell>, script: string): Promise<number> {
  const output = new OrderedOutput();
  const running = opened.start(script, { out: (text) => output.add('out', text), err: (text) => output.add('err', text) });
  for (;;) {
    const { done, value } = running.next();
    if (output.length > CHUNK || done === true || value === 'wait') {
      await output.flush();
    }
    if (done === true) {
      return value as number;
    }
  }
}

/** Both streams in the order in which they were written, so that `2>&1` into a file or pipe reads as on a terminal. */
class OrderedOutput {
  #parts: { readonly stream: 'out' | 'err'; text: string }[] = [];
  length = 0;

  add(stream: 'out' | 'err', text: string): void {
    const last = this.#parts.at(-1);
    this.length += text.length;
    if (last?.stream === stream) {
      last.text += text;
    } else if (text !== '') {
      this.#parts.push({ stream, text });
    }
  }

  async flush(): Promise<void> {
    const parts = this.#parts;
    this.#parts = [];
    this.length = 0;
    for (const { stream, text } of parts) {
      await (stream === 'out' ? write(text) : writeError(text));
    }
  }
}
