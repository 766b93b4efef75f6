/** The files a shell reads: from where the command was started, then from beside the script and the scenario. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileRead, ReadPath } from '../index.ts';
import { readTextFile } from './files.ts';

/** Where a file named by a URL is looked for below the folder of a scenario: guides name their manifests by URL. */
const URL_FOLDERS = ['', 'manifests'];

/** A reader. `beside`: files in whose folders to look. */
export function pathReader(beside: readonly string[]): ReadPath {
  const folders = [...new Set(['', ...beside.map((file) => dirname(file))])];
  return (path) => {
    const url = /^https?:\/\/[^/]+\/(.+)$/.exec(path);
    const places =
      url === null
        ? path.startsWith('/')
          ? [path]
          : folders.map((folder) => join(folder, path === '' ? '.' : path))
        : folders.slice(1).flatMap((folder) => URL_FOLDERS.map((below) => join(folder, below, basename(url[1] as string))));
    const place = places.find((one) => statSync(one, { throwIfNoEntry: false }) !== undefined);
    if (place === undefined) {
      return {
        kind: 'error',
        error: url === null ? 'No such file or directory' : 'there is no network here, and no file of that name beside the scenario',
      };
    }
    return readPlace(place);
  };
}

function readPlace(place: string): FileRead {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() === true) {
    try {
      return { kind: 'directory', names: readdirSync(place).sort() };
    } catch {
      return { kind: 'error', error: 'Permission denied' };
    }
  }
  const read = readTextFile(place);
  if ('text' in read) {
    return { kind: 'text', text: read.text };
  }
  return read.error === 'the file is empty' ? { kind: 'text', text: '' } : { kind: 'error', error: read.error };
}
