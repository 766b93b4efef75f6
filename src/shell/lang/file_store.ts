/** Files as a shell sees them: those it has written itself, in memory, in front of those that the reader finds. */
import type { FileRead, ReadPath } from '../tool.ts';
import { MAX_TEXT } from './io.ts';

/** How many files a session may write. */
const MAX_FILES = 1000;

/** The store. */
export class FileStore {
  readonly #written = new Map<string, string>();
  readonly #outside: ReadPath;

  constructor(outside: ReadPath) {
    this.#outside = outside;
  }

  /** Reads a path that is relative to a folder. */
  read(folder: string, path: string): FileRead {
    if (path === '/dev/null') {
      return { kind: 'text', text: '' };
    }
    const place = joinPath(folder, path) || '.';
    const text = this.#written.get(place);
    if (text !== undefined) {
      return { kind: 'text', text };
    }
    const inside = place === '.' ? '' : `${place}/`;
    const names = [...this.#written.keys()].filter((one) => one.startsWith(inside)).map((one) => one.slice(inside.length));
    const outside = this.#outside(place);
    const here = names.filter((name) => !name.includes('/'));
    return here.length === 0
      ? outside
      : { kind: 'directory', names: [...new Set([...here, ...(outside.kind === 'directory' ? outside.names : [])])].sort() };
  }

  /** Writes a file; an error in the words of strerror(3) if that cannot be. */
  write(folder: string, path: string, text: string, append: boolean): string | null {
    if (path === '/dev/null') {
      return null;
    }
    const place = joinPath(folder, path);
    if (place === '' || place.endsWith('/')) {
      return 'Is a directory';
    }
    const before = append ? this.read(folder, path) : null;
    const whole = (before?.kind === 'text' ? before.text : '') + text;
    if (whole.length > MAX_TEXT || (this.#written.size >= MAX_FILES && !this.#written.has(place))) {
      return 'No space left on device';
    }
    this.#written.set(place, whole);
    return null;
  }

  /** Forgets a file that was written here; whether there was one. */
  remove(folder: string, path: string): boolean {
    return this.#written.delete(joinPath(folder, path));
  }
}

/** A path relative to a folder, without `.` and `..` where they can be resolved. URLs stay as they are. */
export function joinPath(folder: string, path: string): string {
  if (/^[a-z]+:\/\//.test(path)) {
    return path;
  }
  const whole = path.startsWith('/') || folder === '' ? path : `${folder}/${path}`;
  const kept: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..' && kept.at(-1) !== '') {
      kept.pop();
    } else if (part !== '.' && (part !== '' || kept.length === 0)) {
      kept.push(part);
    }
  }
  return kept.join('/') || (whole.startsWith('/') ? '/' : '');
}
