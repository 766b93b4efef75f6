/** What a half typed line may become. */
import type { Interpreter } from './lang/interpreter.ts';
import { findTool } from './tool.ts';

/** Tools that run the command that follows their own arguments: what comes after is completed as that command. */
const PREFIXES: Readonly<Record<string, RegExp>> = {
  time: /^/,
  timeout: /^[0-9.]+[a-z]*$/,
  command: /^/,
  xargs: /^/,
};

/** The candidates for the last word of a line, sorted, and that word. */
export function completions(line: string, shell: Interpreter): { readonly words: readonly string[]; readonly partial: string } {
  const words = lastCommand(line);
  const partial = words.at(-1) ?? '';
  const variable = /\$\{?([A-Za-z0-9_]*)$/.exec(partial);
  if (variable !== null) {
    const head = partial.slice(0, partial.length - (variable[1] as string).length);
    const names = [...shell.state.variables.keys()].map((name) => head + name);
    return { words: beginning(names, partial), partial };
  }
  return { words: beginning(candidates(words, shell), partial), partial };
}

function candidates(words: readonly string[], shell: Interpreter): readonly string[] {
  const [name, ...rest] = words;
  if (name === undefined || rest.length === 0) {
    return shell.commandNames.filter((one) => /^[a-z]/.test(one));
  }
  const prefix = Object.hasOwn(PREFIXES, name) ? PREFIXES[name] : undefined;
  if (prefix !== undefined) {
    return candidates(prefix.test(rest[0] as string) && prefix.source !== '^' ? rest.slice(1) : rest, shell);
  }
  const before = rest.at(-2) ?? '';
  const partial = rest.at(-1) as string;
  if (before === '-f' || before === '--filename' || (findTool(name, shell.session.tools)?.filter === true && !partial.startsWith('-'))) {
    return paths(partial, shell);
  }
  const tool = findTool(name, shell.session.tools);
  return tool === null ? paths(partial, shell) : tool.complete(rest, shell.session.cluster);
}

/** Paths that begin like a word. */
function paths(partial: string, shell: Interpreter): string[] {
  const slash = partial.lastIndexOf('/') + 1;
  const folder = partial.slice(0, slash);
  const read = shell.session.files.read(shell.state.folder, folder === '' ? '.' : folder);
  return read.kind === 'directory' ? read.names.map((name) => folder + name) : [];
}

/** The words of the command that is being typed: after the last `|`, `&&`, `;` or `$(`. */
function lastCommand(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (quote !== '') {
      quote = c === quote ? '' : quote;
      word += c === quote || quote === '' ? '' : c;
    } else if (c === "'" || c === '"') {
      quote = c;
    } else if ('|&;('.includes(c)) {
      words.length = 0;
      word = '';
    } else if (c === ' ' || c === '\t' || c === '\n') {
      if (word !== '') {
        words.push(word);
      }
      word = '';
    } else {
      word += c;
    }
  }
  while (/^[A-Za-z_][A-Za-z0-9_]*=/.test(words[0] ?? '')) {
    words.shift();
  }
  return [...words, word];
}

function beginning(words: readonly string[], partial: string): string[] {
  return [...new Set(words)].filter((word) => word.startsWith(partial)).sort();
}
