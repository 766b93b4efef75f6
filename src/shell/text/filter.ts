/** What the tools that work on text share: they read the files named, or standard input. */
import type { FlagSpec, Flags } from '../flags.ts';
import { parseFlags } from '../flags.ts';
import type { CommandResult } from '../table.ts';
import { type Parsed, refused, type Tool, type ToolContext } from '../tool.ts';

/** One input. */
export interface TextSource {
  /** `-` for standard input. */
  readonly name: string;
  readonly text: string;
}

/** The inputs of a tool, and what could not be read. */
export interface Sources {
  readonly sources: readonly TextSource[];
  /** Messages, ready to be printed. */
  readonly stderr: string;
}

/** Reads the files, or standard input if none is named. */
export function readSources(tool: string, paths: readonly string[], context: ToolContext): Sources {
  const sources: TextSource[] = [];
  let stderr = '';
  for (const name of paths.length === 0 ? ['-'] : paths) {
    const read = name === '-' ? { kind: 'text' as const, text: context.stdin } : context.readPath(name);
    if (read.kind === 'text') {
      sources.push({ name, text: read.text });
    } else {
      stderr += `${tool}: ${name}: ${read.kind === 'directory' ? 'Is a directory' : read.error}\n`;
    }
  }
  return { sources, stderr };
}

/** The lines of a text without their newlines. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') {
    lines.pop();
  }
  return lines;
}

/** Lines as text. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** A tool that works on text. */
export function filterTool(spec: {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  /** Changes arguments before flags are read, for forms that are no flags (`head -5`). */
  readonly rewrite?: (args: readonly string[]) => readonly string[];
  parse(flags: Flags): Parsed;
}): Tool {
  const { name, summary, flags, rewrite } = spec;
  return {
    name,
    summary,
    filter: true,
    parse: (args) => {
      const parsed = parseFlags(rewrite === undefined ? args : rewrite(args), flags);
      if (parsed.ok) {
        return spec.parse(parsed.flags);
      }
      const known = flags.map((flag) => (flag.short === undefined ? `--${flag.name}` : `-${flag.short}`)).join(', ');
      return refused(`${name}: ${parsed.error}; there are ${known === '' ? 'no flags' : known}`, 2);
    },
    complete: () => flags.map((flag) => `--${flag.name}`),
  };
}

/** The usual result: output, messages, and failure if something could not be read. */
export function filtered(stdout: string, { stderr }: Sources): CommandResult {
  return { exitCode: stderr === '' ? 0 : 1, stdout, stderr };
}
