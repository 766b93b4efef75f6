/**
 * Reading the project's own sources: the modules of each room, their imports, their code without comments and strings, their doc comments.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** One source file of a room. */
export interface Module {
  /** Path from the project's top: `src/bpf/bpf_lxc.ts`. */
  readonly path: string;
  /** First folder below src, or the file's own name for files directly in src. */
  readonly room: string;
  readonly text: string;
}

/** An import statement, resolved to a path from the top for relative ones. */
export interface ImportOf {
  readonly specifier: string;
  readonly line: number;
}

/** The project's top folder. */
export const TOP = join(import.meta.dirname, '..', '..', '..');

/** All files below a folder with one of the endings, in a fixed order. */
export function filesBelow(folder: string, endings: readonly string[]): string[] {
  const found: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (name === 'node_modules' || name === 'dist' || name === '.git') {
      continue;
    }
    if (statSync(path).isDirectory()) {
      found.push(...filesBelow(path, endings));
    } else if (endings.some((ending) => name.endsWith(ending))) {
      found.push(path);
    }
  }
  return found;
}

/** All modules of src. */
export function sourceModules(): Module[] {
  return filesBelow(join(TOP, 'src'), ['.ts']).map((path) => moduleOf(relative(TOP, path), readFileSync(path, 'utf8')));
}

/** A module of a given path and text; rooms come from the path. */
export function moduleOf(path: string, text: string): Module {
  const parts = path.split('/');
  return { path, room: parts.length > 2 ? (parts[1] as string) : 'index', text };
}

/** Import and export-from statements, static and dynamic, type-only ones included. */
export function importsOf(module: Module): ImportOf[] {
  const code = blank(module.text);
  const found: ImportOf[] = [];
  // In the blanked code a quote is where a string begins; the string itself is read from the text.
  const pattern = /^(?:import|export)\b[^;'"`]*?\bfrom\s*(?=['"])|^import\s*(?=['"])|\bimport\s*\(\s*(?=['"])/gm;
  for (const match of code.matchAll(pattern)) {
    const quote = match.index + match[0].length;
    const end = module.text.indexOf(module.text[quote] as string, quote + 1);
    found.push({ specifier: module.text.slice(quote + 1, end), line: lineAt(code, quote) });
  }
  return found;
}

/** The room (or package) an import reaches. */
export function targetOf(
  module: Module,
  specifier: string,
): { readonly room: string; readonly path: string } | { readonly package: string } {
  if (!specifier.startsWith('.')) {
    return { package: specifier };
  }
  const parts = module.path.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') {
      parts.pop();
    } else if (step !== '.') {
      parts.push(step);
    }
  }
  const path = parts.join('/');
  return { room: moduleOf(path, '').room, path };
}

/** Line number, from 1, of a position. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}

/**
 * The text with comments and the contents of string, template and regular expression literals replaced by blanks;
 * every position stays where it was. Template expressions `${...}` are kept as code.
 */
export function blank(text: string): string {
  const out = [...text];
  const wipe = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      if (out[i] !== '\n') {
        out[i] = ' ';
      }
    }
  };
  const skipQuoted = (start: number): number => {
    const quote = text[start] as string;
    let i = start + 1;
    while (i < text.length && text[i] !== quote && text[i] !== '\n') {
      i += text[i] === '\\' ? 2 : 1;
    }
    return i + 1;
  };
  const skipTemplate = (start: number): number => {
    let i = start + 1;
    let from = i;
    while (i < text.length && text[i] !== '`') {
      if (text[i] === '\\') {
        i += 2;
      } else if (text[i] === '$' && text[i + 1] === '{') {
        wipe(from, i);
        i = scan(i + 2, '}') + 1;
        from = i;
      } else {
        i += 1;
      }
    }
    wipe(from, i);
    return i + 1;
  };
  const skipRegExp = (start: number): number => {
    let i = start + 1;
    let inClass = false;
    while (i < text.length && text[i] !== '\n' && (inClass || text[i] !== '/')) {
      if (text[i] === '\\') {
        i += 1;
      } else if (text[i] === '[') {
        inClass = true;
      } else if (text[i] === ']') {
        inClass = false;
      }
      i += 1;
    }
    return i + 1;
  };
  const scan = (start: number, until: string | null): number => {
    let i = start;
    let depth = 0;
    let previous = '';
    while (i < text.length) {
      const c = text[i] as string;
      if (until !== null && c === until && depth === 0) {
        return i;
      }
      if (text.startsWith('//', i) || text.startsWith('/*', i)) {
        const end = text.startsWith('//', i) ? text.indexOf('\n', i) : text.indexOf('*/', i) + 2;
        const stop = end < i + 2 ? text.length : end;
        wipe(i, stop);
        i = stop;
      } else if (c === "'" || c === '"') {
        const end = skipQuoted(i);
        wipe(i + 1, end - 1);
        i = end;
        previous = c;
      } else if (c === '`') {
        i = skipTemplate(i);
        previous = c;
      } else if (c === '/' && !/[\w)\]'"`]/.test(previous)) {
        const end = skipRegExp(i);
        wipe(i + 1, end - 1);
        i = end;
        previous = '/';
      } else {
        depth += c === '{' ? 1 : c === '}' ? -1 : 0;
        if (!/\s/.test(c)) {
          previous = c;
        }
        i += 1;
      }
    }
    return i;
  };
  scan(0, null);
  return out.join('');
}
