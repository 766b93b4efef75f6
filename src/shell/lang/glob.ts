/** Patterns that stand for the names of files. @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_13_03 */
import type { FileStore } from './file_store.ts';
import { matchesPattern } from './pattern.ts';

/** A pattern may stand for this many names. */
const MAX_NAMES = 1000;

/** Whether a pattern has characters that are not ordinary. */
export function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern.replace(/\\./g, ''));
}

/** The paths a pattern stands for, sorted; none if there are none. Quoted characters have a backslash before them. */
export function matchingPaths(pattern: string, files: FileStore, folder: string): readonly string[] {
  let found = [''];
  for (const [i, segment] of pattern.split('/').entries()) {
    const prefix = i === 0 ? '' : '/';
    const plain = segment.replace(/\\(.)/g, '$1');
    found = isGlob(segment)
      ? found.flatMap((before) => namesIn(before + prefix, segment, files, folder).map((name) => before + prefix + name))
      : found.map((before) => before + prefix + plain);
    if (found.length === 0 || found.length > MAX_NAMES) {
      return [];
    }
  }
  return found.filter((path) => files.read(folder, path).kind !== 'error').sort();
}

/** Names in a directory; those that begin with a dot only if the pattern does. */
function namesIn(directory: string, pattern: string, files: FileStore, folder: string): readonly string[] {
  const read = files.read(folder, directory === '' ? '.' : directory);
  return read.kind === 'directory'
    ? read.names.filter((name) => (!name.startsWith('.') || pattern.startsWith('.')) && matchesPattern(pattern, name))
    : [];
}
