/** Builtins for files and folders. What is written stays in memory. */
import { formatRfc3339 } from '../../net/rfc3339.ts';
import { type Builtin, misused, plain } from './builtin.ts';
import { joinPath } from './file_store.ts';

/** The table. */
export const FILE_BUILTINS: Readonly<Record<string, Builtin>> = {
  cd: plain((shell, args, io) => {
    const path = args[0] ?? '';
    if (path === '' || path === '~') {
      shell.state.folder = '';
      return 0;
    }
    const { kind } = shell.session.files.read(shell.state.folder, path);
    if (kind !== 'directory') {
      return misused(shell, io, `cd: ${path}: ${kind === 'text' ? 'Not a directory' : 'No such file or directory'}`, 1);
    }
    shell.state.folder = joinPath(shell.state.folder, path);
    return 0;
  }),
  pwd: plain((shell, _args, io) => {
    io.out(`${shell.state.folder === '' ? '.' : shell.state.folder}\n`);
    return 0;
  }),
  ls: plain((shell, args, io) => {
    const paths = args.filter((arg) => !arg.startsWith('-'));
    let status = 0;
    for (const path of paths.length === 0 ? ['.'] : paths) {
      const read = shell.session.files.read(shell.state.folder, path);
      if (read.kind === 'error') {
        io.err(`ls: cannot access '${path}': ${read.error}\n`);
        status = 2;
      } else {
        io.out((read.kind === 'directory' ? read.names : [path]).map((name) => `${name}\n`).join(''));
      }
    }
    return status;
  }),
  rm: plain((shell, args, io) => {
    const force = args.some((arg) => /^-[a-z]*f/.test(arg));
    const missing = args.filter((arg) => !arg.startsWith('-')).filter((path) => !shell.session.files.remove(shell.state.folder, path));
    if (missing.length === 0 || force) {
      return 0;
    }
    return misused(shell, io, `rm: cannot remove '${missing[0] as string}': it was not written here`, 1);
  }),
  touch: plain((shell, args, io) => {
    const errors = args.map((path) => shell.session.files.write(shell.state.folder, path, '', true));
    const at = errors.findIndex((error) => error !== null);
    return at < 0 ? 0 : misused(shell, io, `touch: cannot touch '${args[at] as string}': ${errors[at] as string}`, 1);
  }),
  mkdir: plain(() => 0),
  tee: plain((shell, args, io) => {
    const append = args.includes('-a');
    const text = io.input.readAll();
    io.out(text);
    let status = 0;
    for (const path of args.filter((arg) => arg !== '-a')) {
      const error = shell.session.files.write(shell.state.folder, path, text, append);
      status = error === null ? status : misused(shell, io, `tee: ${path}: ${error}`, 1);
    }
    return status;
  }),
  date: plain((shell, args, io) => {
    const millis = shell.session.cluster.wallMillis();
    const format = args.find((arg) => arg.startsWith('+'));
    const text = formatRfc3339(millis);
    io.out(`${format === '+%s' ? Math.floor(millis / 1000) : text}\n`);
    return 0;
  }),
  clear: plain((_shell, _args, io) => {
    io.out('\u001b[H\u001b[2J');
    return 0;
  }),
};
