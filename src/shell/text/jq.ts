/**
 * jq: paths, `[]`, `|`, `,`, `select`, `length`, `keys`, `map`, literals, comparisons, string building.
 * @see https://jqlang.github.io/jq/manual/
 * @remarks Not modelled: definitions, reduce, assignment, regular expressions, most of the library; an expression that needs them is refused.
 */
import { type Parsed, ready, refused, type Tool } from '../tool.ts';
import { filterTool, readSources } from './filter.ts';
import { parseJq } from './jq_filter.ts';
import { type Filter, JqError } from './jq_values.ts';

/** Longest output, in values. */
const MAX_VALUES = 100_000;

/** The tool. */
export const jqTool: Tool = filterTool({
  name: 'jq',
  summary: 'look into JSON: paths, [], |, select, length, keys, map',
  flags: [
    { name: 'raw-output', short: 'r' },
    { name: 'compact-output', short: 'c' },
    { name: 'slurp', short: 's' },
    { name: 'exit-status', short: 'e' },
    { name: 'sort-keys', short: 'S' },
    { name: 'null-input', short: 'n' },
    { name: 'monochrome-output', short: 'M' },
  ],
  parse: (flags): Parsed => {
    const [expression = '.', ...paths] = flags.positional;
    const filter = parseJq(expression);
    if (typeof filter === 'string') {
      return refused(`jq: error: ${filter}\njq: 1 compile error`, 3);
    }
    const print = (value: unknown): string => {
      if (flags.has('raw-output') && typeof value === 'string') {
        return `${value}\n`;
      }
      const shown = flags.has('sort-keys') ? sortKeys(value) : value;
      return `${jsonText(shown, flags.has('compact-output'))}\n`;
    };
    return ready((context) => {
      const read = readSources('jq', paths, context);
      const text = read.sources.map((source) => source.text).join('');
      const values = flags.has('null-input') ? [null] : jsonValues(text);
      if (typeof values === 'string') {
        return { exitCode: 2, stdout: '', stderr: `jq: error (at <stdin>:0): ${values}\n` };
      }
      return {
        ...apply(filter, flags.has('slurp') ? [values] : values, print, flags.has('exit-status')),
        ...(read.stderr === '' ? {} : { stderr: read.stderr }),
      };
    });
  },
});

function apply(
  filter: Filter,
  inputs: readonly unknown[],
  print: (value: unknown) => string,
  exitStatus: boolean,
): { readonly exitCode: number; readonly stdout: string; readonly stderr: string } {
  let stdout = '';
  let count = 0;
  let last: unknown = null;
  for (const input of inputs) {
    try {
      for (const value of filter(input)) {
        stdout += print(value);
        last = value;
        if (++count >= MAX_VALUES) {
          return { exitCode: 5, stdout, stderr: 'jq: error: too many values\n' };
        }
      }
    } catch (error) {
      if (!(error instanceof JqError)) {
        throw error;
      }
      return { exitCode: 5, stdout, stderr: `jq: error (at <stdin>:0): ${error.message}\n` };
    }
  }
  return { exitCode: exitStatus ? (count === 0 ? 4 : Number(last === null || last === false)) : 0, stdout, stderr: '' };
}

/** The values of a text: one after the other. */
function jsonValues(text: string): unknown[] | string {
  const whole = tryParse(text);
  if (whole !== undefined) {
    return [whole];
  }
  const values: unknown[] = [];
  let pending = '';
  for (const line of text.split('\n')) {
    pending += `${line}\n`;
    if (pending.trim() === '') {
      pending = '';
      continue;
    }
    const value = /[\]}"0-9el]\s*$/.test(pending) ? tryParse(pending) : undefined;
    if (value !== undefined) {
      values.push(value);
      pending = '';
    }
  }
  return pending.trim() === '' ? values : `Cannot parse input as JSON near ${JSON.stringify(pending.trim().slice(0, 30))}`;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function jsonText(value: unknown, compact: boolean): string {
  return compact ? JSON.stringify(value) : JSON.stringify(value, null, 2);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sortKeys);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, one]) => [key, sortKeys(one)]),
      )
    : value;
}
