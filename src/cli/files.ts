/** Reads text files, and says in words a person understands why one cannot be read. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
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

/** The file itself, or the YAML and JSON files below a directory in the order of their names. */
export function yamlFiles(path: string): string[] {
  let isDirectory = false;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch {
    // Reading it says why.
  }
  if (!isDirectory) {
    return [path];
  }
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const full = join(path, entry.name);
    return entry.isDirectory() ? yamlFiles(full) : /\.(?:ya?ml|json)$/.test(entry.name) ? [full] : [];
  });
}
