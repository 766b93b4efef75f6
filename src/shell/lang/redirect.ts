/** Opens the redirections of a command. */
import { expandText } from './expand.ts';
import type { Interpreter } from './interpreter.ts';
import { Collector, Input, type Io, type Sink } from './io.ts';
import type { Pause } from './pause.ts';
import type { Redirect } from './syntax.ts';

/** The descriptors of a command, and what to do when it has ended. */
export interface Opened {
  readonly io: Io;
  /** Writes what was collected to the files. */
  close(): void;
}

/** Opens them from left to right; `null` and a message if one cannot be opened. */
export function* openRedirects(redirects: readonly Redirect[], io: Io, shell: Interpreter): Generator<Pause, Opened | null> {
  let { input, out, err } = io;
  const files: { readonly path: string; readonly collector: Collector; written: number }[] = [];
  const { session, state } = shell;
  const open = (path: string, append: boolean): Sink | null => {
    if (path === '/dev/null') {
      return () => undefined;
    }
    if (path === '/dev/stdout' || path === '/dev/stderr') {
      return path === '/dev/stdout' ? out : err;
    }
    const error = session.files.write(state.folder, path, '', append);
    if (error !== null) {
      shell.complain(`${path}: ${error}`, err);
      return null;
    }
    const collector = new Collector();
    files.push({ path, collector, written: 0 });
    return collector.write;
  };
  for (const { fd, operator, target } of redirects) {
    const text = yield* expandText(target, shell);
    if (shell.flow !== null) {
      return null;
    }
    if (operator === 'heredoc') {
      input = new Input(text);
      continue;
    }
    if (operator === '<') {
      const read = text === '/dev/stdin' ? { kind: 'text' as const, text: input.readAll() } : session.files.read(state.folder, text);
      if (read.kind !== 'text') {
        shell.complain(`${text}: ${read.kind === 'directory' ? 'Is a directory' : read.error}`, err);
        return null;
      }
      input = new Input(read.text);
      continue;
    }
    const sink = operator === '>&' ? duplicated(text, { input, out, err }) : open(text, operator.endsWith('>>'));
    if (sink === null || fd > 2) {
      if (operator === '>&' || sink !== null) {
        shell.complain(`${fd > 2 ? fd : text}: Bad file descriptor`, err);
      }
      return null;
    }
    if (fd === 1 || operator.startsWith('&')) {
      out = sink;
    }
    if (fd === 2 || operator.startsWith('&')) {
      err = sink;
    }
  }
  const close = (): void => {
    for (const file of files) {
      const fresh = file.collector.text.slice(file.written);
      file.written += fresh.length;
      const error = fresh === '' ? null : session.files.write(state.folder, file.path, fresh, true);
      if (error !== null) {
        shell.complain(`${file.path}: ${error}`, io.err);
      }
    }
  };
  return { io: { input, out, err }, close };
}

/** `>&1`, `>&2`, `>&-` */
function duplicated(text: string, io: Io): Sink | null {
  return text === '1' ? io.out : text === '2' ? io.err : text === '-' ? () => undefined : null;
}
