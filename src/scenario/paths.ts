/** Paths as text: the engine has no file system, only names. */

/** A path relative to the folder of a file. */
export function besideFile(file: string, path: string): string {
  if (path.startsWith('/')) {
    return path;
  }
  const slash = file.lastIndexOf('/');
  const parts = (slash < 0 ? path : `${file.slice(0, slash)}/${path}`).split('/');
  const kept: string[] = [];
  for (const part of parts) {
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..' && kept.at(-1) !== '') {
      kept.pop();
    } else if (part !== '.' && (part !== '' || kept.length === 0)) {
      kept.push(part);
    }
  }
  return kept.join('/');
}
