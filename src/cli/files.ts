/** Reads text files, and says in words a person understands why one cannot be read. */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Larger files are no scenarios and no manifests. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The text of a file, or an error in words. */
export function readTextFile(path: string): { readonly text: string } | { readonly error: string } {
  let bytes: Buffer;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) {
      return { error: 'this is a directory' };
    }
    if (stat.size > MAX_BYTES) {
      return { error: `the file is too large (${Math.ceil(stat.size / 1024 / 1024)} MiB)` };
    }
    bytes = readFileSync(path);
  } catch (error) {
    return { error: errnoText(error) };
  }
  if (bytes.length === 0) {
    return { error: 'the file is empty' };
  }
  if (bytes.includes(0)) {
    return { error: 'this is a binary file' };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { error: `the file is not UTF-8 (byte ${firstBadByte(bytes)})` };
  }
}

/** What a path leads to; `absent` also where a part of it is no directory. */
export function kindOf(path: string): 'directory' | 'file' | 'absent' {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file';
  } catch {
    return 'absent';
  }
}

/** Entries of a directory, or an error in words. */
export function entriesOf(path: string): readonly Dirent[] | { readonly error: string } {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    return { error: errnoText(error) };
  }
}

function errnoText(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'the file may not be read';
    case 'ENOTDIR':
      return 'a part of the path is no directory';
    default:
      return `the file cannot be read (${code ?? String(error)})`;
  }
}

/** Offset of the byte at which the text stops being well-formed. */
function firstBadByte(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}

/** The file itself, or the YAML and JSON files below a directory in the order of their names. A directory that cannot be read stands for itself: reading it says why. */
export function yamlFiles(path: string): string[] {
  const entries = kindOf(path) === 'directory' ? entriesOf(path) : null;
  if (entries === null || 'error' in entries) {
    return [path];
  }
  return entries.flatMap((entry) => {
    const full = join(path, entry.name);
    if (kindOf(full) === 'directory') {
      // Links could lead in a circle; `..data` and what it leads to are a ConfigMap volume's own copies.
      return entry.isSymbolicLink() || entry.name.startsWith('..') ? [] : yamlFiles(full);
    }
    return YAML_NAME.test(entry.name) ? [full] : [];
  });
}

const YAML_NAME = /\.(?:ya?ml|json)$/;
