/** Tools that choose, order or count lines: cat, head, tail, wc, sort, uniq, seq, rev order. */
import { type Parsed, ready, refused, type Tool } from '../tool.ts';
import { filtered, filterTool, joinLines, linesOf, readSources } from './filter.ts';

/** The tools. */
export const lineTools: readonly Tool[] = [
  filterTool({
    name: 'cat',
    summary: 'files or input as they are',
    flags: [{ name: 'number', short: 'n' }],
    parse: (flags) =>
      ready((context) => {
        const read = readSources('cat', flags.positional, context);
        const text = read.sources.map((source) => source.text).join('');
        const numbered = (): string => joinLines(linesOf(text).map((line, i) => `${String(i + 1).padStart(6)}\t${line}`));
        return filtered(flags.has('number') ? numbered() : text, read);
      }),
  }),
  ends('head'),
  ends('tail'),
  filterTool({
    name: 'wc',
    summary: 'count lines, words, bytes',
    flags: [
      { name: 'lines', short: 'l' },
      { name: 'words', short: 'w' },
      { name: 'bytes', short: 'c' },
      { name: 'chars', short: 'm' },
    ],
    parse: (flags) =>
      ready((context) => {
        const read = readSources('wc', flags.positional, context);
        const wanted = ['lines', 'words', 'bytes', 'chars'].filter((name) => flags.has(name));
        const columns = wanted.length === 0 ? ['lines', 'words', 'bytes'] : wanted;
        const counts = read.sources.map(({ name, text }) => ({ name, numbers: columns.map((column) => countOf(column, text)) }));
        const total = {
          name: 'total',
          numbers: columns.map((_, i) => counts.reduce((sum, { numbers }) => sum + (numbers[i] as number), 0)),
        };
        const rows = counts.length > 1 ? [...counts, total] : counts;
        const width = columns.length === 1 && rows.length === 1 ? 1 : 7;
        return filtered(
          joinLines(
            rows.map(({ name, numbers }) => numbers.map((n) => String(n).padStart(width)).join(' ') + (name === '-' ? '' : ` ${name}`)),
          ),
          read,
        );
      }),
  }),
  filterTool({
    name: 'sort',
    summary: 'order lines',
    flags: [
      { name: 'numeric-sort', short: 'n' },
      { name: 'reverse', short: 'r' },
      { name: 'unique', short: 'u' },
      { name: 'ignore-case', short: 'f' },
      { name: 'key', short: 'k', value: true },
      { name: 'field-separator', short: 't', value: true },
      { name: 'version-sort', short: 'V' },
    ],
    parse: (flags) => {
      const key = flags.value('key');
      const match = key === null ? null : /^([1-9][0-9]{0,5})([nr]*)(?:,([1-9][0-9]{0,5})([nr]*))?$/.exec(key);
      if (key !== null && match === null) {
        return refused(`sort: invalid key '${key}'; there are -k N, -k N,M and the letters n and r`, 2);
      }
      const letters = `${match?.[2] ?? ''}${match?.[4] ?? ''}`;
      const numeric = flags.has('numeric-sort') || letters.includes('n');
      const separator = flags.value('field-separator');
      const keyOf = (line: string): string => {
        if (match === null) {
          return line;
        }
        const fields = separator === null ? line.trim().split(/\s+/) : line.split(separator);
        return fields.slice(Number(match[1]) - 1, match[3] === undefined ? undefined : Number(match[3])).join(separator ?? ' ');
      };
      const compareKeys = (a: string, b: string): number => {
        const [x, y] = flags.has('ignore-case') ? [a.toUpperCase(), b.toUpperCase()] : [a, b];
        return flags.has('version-sort') ? compareVersions(x, y) : numeric ? numberOf(x) - numberOf(y) : x < y ? -1 : x > y ? 1 : 0;
      };
      const sign = flags.has('reverse') || letters.includes('r') ? -1 : 1;
      const compare = (a: string, b: string): number =>
        sign * (compareKeys(keyOf(a), keyOf(b)) || (flags.has('unique') ? 0 : a < b ? -1 : a > b ? 1 : 0));
      return ready((context) => {
        const read = readSources('sort', flags.positional, context);
        const lines = read.sources.flatMap(({ text }) => linesOf(text)).sort(compare);
        const kept = flags.has('unique')
          ? lines.filter((line, i) => i === 0 || compareKeys(keyOf(line), keyOf(lines[i - 1] as string)) !== 0)
          : lines;
        return filtered(joinLines(kept), read);
      });
    },
  }),
  filterTool({
    name: 'uniq',
    summary: 'drop repeated lines',
    flags: [
      { name: 'count', short: 'c' },
      { name: 'repeated', short: 'd' },
      { name: 'unique', short: 'u' },
      { name: 'ignore-case', short: 'i' },
    ],
    parse: (flags) =>
      ready((context) => {
        const read = readSources('uniq', flags.positional.slice(0, 1), context);
        const runs: { readonly line: string; count: number }[] = [];
        const form = (line: string): string => (flags.has('ignore-case') ? line.toLowerCase() : line);
        for (const line of read.sources.flatMap(({ text }) => linesOf(text))) {
          const last = runs.at(-1);
          if (last !== undefined && form(last.line) === form(line)) {
            last.count++;
          } else {
            runs.push({ line, count: 1 });
          }
        }
        const kept = runs.filter(({ count }) => (!flags.has('repeated') || count > 1) && (!flags.has('unique') || count === 1));
        return filtered(
          joinLines(kept.map(({ line, count }) => (flags.has('count') ? `${String(count).padStart(7)} ${line}` : line))),
          read,
        );
      }),
  }),
  {
    name: 'seq',
    summary: 'numbers in sequence',
    filter: true,
    parse: (args) => {
      const numbers = args.map(Number);
      const [first, last, step] =
        numbers.length === 1
          ? [1, numbers[0], 1]
          : numbers.length === 2
            ? [numbers[0], numbers[1], 1]
            : [numbers[0], numbers[2], numbers[1]];
      if (args.length < 1 || args.length > 3 || numbers.some((n) => !Number.isInteger(n)) || step === 0) {
        return refused('seq: usage: seq [FIRST [STEP]] LAST, whole numbers', 1);
      }
      const [from, to, by] = [first as number, last as number, step as number];
      const count = Math.max(0, Math.floor((to - from) / by) + 1);
      return count > 100_000
        ? refused('seq: too many numbers', 1)
        : ready(() => ({ exitCode: 0, stdout: Array.from({ length: count }, (_, i) => `${from + i * by}\n`).join(''), stderr: '' }));
    },
    complete: () => [],
  },
];

/** `head` and `tail`. */
function ends(name: 'head' | 'tail'): Tool {
  return filterTool({
    name,
    summary: name === 'head' ? 'the first lines' : 'the last lines',
    flags: [
      { name: 'lines', short: 'n', value: true },
      { name: 'bytes', short: 'c', value: true },
      { name: 'quiet', short: 'q' },
    ],
    rewrite: (args) => args.map((arg) => (/^-[0-9]+$/.test(arg) ? `-n${arg.slice(1)}` : arg)),
    parse: (flags): Parsed => {
      const bytes = flags.value('bytes');
      const value = bytes ?? flags.value('lines') ?? '10';
      if (!/^[-+]?[0-9]{1,9}$/.test(value)) {
        return refused(`${name}: invalid number of ${bytes === null ? 'lines' : 'bytes'}: '${value}'`);
      }
      const many = flags.positional.length > 1 && !flags.has('quiet');
      return ready((context) => {
        const read = readSources(name, flags.positional, context);
        const texts = read.sources.map((source, i) => {
          const head = many ? `${i > 0 ? '\n' : ''}==> ${source.name} <==\n` : '';
          return head + (bytes === null ? joinLines(cut(name, value, linesOf(source.text))) : cut(name, value, [...source.text]).join(''));
        });
        return filtered(texts.join(''), read);
      });
    },
  });
}

/** `head -n -3`: all but the last three; `tail -n +3`: from the third on. */
function cut(name: 'head' | 'tail', value: string, items: readonly string[]): readonly string[] {
  const count = Math.abs(Number(value));
  if (name === 'head') {
    return value.startsWith('-') ? items.slice(0, Math.max(0, items.length - count)) : items.slice(0, count);
  }
  return value.startsWith('+') ? items.slice(Math.max(0, count - 1)) : items.slice(Math.max(0, items.length - count));
}

function countOf(column: string, text: string): number {
  switch (column) {
    case 'lines':
      return text.split('\n').length - 1;
    case 'words':
      return text.split(/\s+/).filter((word) => word !== '').length;
    case 'chars':
      return [...text].length;
    default:
      return [...text].reduce((sum, c) => sum + utf8Length(c.codePointAt(0) as number), 0);
  }
}

function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

function numberOf(text: string): number {
  return Number(/^\s*-?[0-9]*\.?[0-9]*/.exec(text)?.[0] ?? 0) || 0;
}

/** Runs of digits compare as numbers. */
function compareVersions(a: string, b: string): number {
  const [x, y] = [a.match(/[0-9]+|[^0-9]+/g) ?? [], b.match(/[0-9]+|[^0-9]+/g) ?? []];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const [p, q] = [x[i] as string, y[i] as string];
    const difference = /^[0-9]/.test(p) && /^[0-9]/.test(q) ? Number(p) - Number(q) : p < q ? -1 : p > q ? 1 : 0;
    if (difference !== 0) {
      return difference;
    }
  }
  return x.length - y.length;
}
