/** Tools that change lines: cut, tr, sed. */
import { type Parsed, ready, refused, type Tool } from '../tool.ts';
import { filtered, filterTool, joinLines, linesOf, readSources } from './filter.ts';

/** The tools. */
export const characterTools: readonly Tool[] = [
  filterTool({
    name: 'cut',
    summary: 'fields or characters of lines',
    flags: [
      { name: 'delimiter', short: 'd', value: true },
      { name: 'fields', short: 'f', value: true },
      { name: 'characters', short: 'c', value: true },
      { name: 'bytes', short: 'b', value: true },
      { name: 'only-delimited', short: 's' },
      { name: 'output-delimiter', value: true },
    ],
    parse: (flags): Parsed => {
      const list = flags.value('fields') ?? flags.value('characters') ?? flags.value('bytes');
      const delimiter = flags.value('delimiter') ?? '\t';
      if (list === null) {
        return refused('cut: you must specify a list of bytes, characters, or fields');
      }
      if ([...delimiter].length !== 1) {
        return refused('cut: the delimiter must be a single character');
      }
      const chosen = parseRanges(list);
      if (chosen === null) {
        return refused(`cut: invalid field range '${list}'`);
      }
      const byFields = flags.value('fields') !== null;
      const joint = flags.value('output-delimiter') ?? (byFields ? delimiter : '');
      return ready((context) => {
        const read = readSources('cut', flags.positional, context);
        const lines = read.sources.flatMap(({ text }) => linesOf(text));
        const out = lines.flatMap((line) => {
          if (byFields && !line.includes(delimiter)) {
            return flags.has('only-delimited') ? [] : [line];
          }
          return [(byFields ? line.split(delimiter) : [...line]).filter((_, i) => chosen(i + 1)).join(joint)];
        });
        return filtered(joinLines(out), read);
      });
    },
  }),
  filterTool({
    name: 'tr',
    summary: 'replace or delete characters',
    flags: [
      { name: 'delete', short: 'd' },
      { name: 'squeeze-repeats', short: 's' },
      { name: 'complement', short: 'c' },
    ],
    parse: (flags): Parsed => {
      const [first, second] = flags.positional;
      if (first === undefined || (second === undefined && !flags.has('delete') && !flags.has('squeeze-repeats'))) {
        return refused(`tr: missing operand${first === undefined ? '' : ` after '${first}'`}`);
      }
      const set = characters(first);
      const to = second === undefined ? [] : characters(second);
      const member = (c: string): boolean => set.includes(c) !== flags.has('complement');
      const squeezed = second === undefined || flags.has('delete') ? (to.length > 0 ? to : set) : to;
      return ready((context) => {
        let out = '';
        let last = '';
        for (const c of context.stdin) {
          if (flags.has('delete') && member(c)) {
            continue;
          }
          const at = flags.has('complement') ? (member(c) ? to.length - 1 : -1) : set.indexOf(c);
          const next = !flags.has('delete') && to.length > 0 && at >= 0 ? (to[Math.min(at, to.length - 1)] as string) : c;
          const repeats =
            flags.has('squeeze-repeats') && next === last && (squeezed.includes(next) || (second === undefined && member(next)));
          out += repeats ? '' : next;
          last = next;
        }
        return { exitCode: 0, stdout: out, stderr: '' };
      });
    },
  }),
];

/** `1,3-5,7-`: whether a number is meant; `null` if the list is none. */
function parseRanges(list: string): ((n: number) => boolean) | null {
  const ranges: (readonly [number, number])[] = [];
  for (const part of list.split(',')) {
    const match = /^([0-9]{1,9})?(-)?([0-9]{1,9})?$/.exec(part);
    if (match === null || part === '' || part === '-' || match[1] === '0') {
      return null;
    }
    const from = Number(match[1] ?? 1);
    ranges.push([from, match[2] === undefined ? from : Number(match[3] ?? Number.POSITIVE_INFINITY)]);
  }
  return (n) => ranges.some(([from, to]) => n >= from && n <= to);
}

const CLASSES: Readonly<Record<string, string>> = {
  upper: 'A-Z',
  lower: 'a-z',
  digit: '0-9',
  alpha: 'A-Za-z',
  alnum: 'A-Za-z0-9',
  space: ' \\t\\n\\r',
  blank: ' \\t',
};

/** The characters of a set: ranges, classes, escapes. */
function characters(text: string): string[] {
  const plain = text.replace(/\[:([a-z]+):\]/g, (whole, name: string) => CLASSES[name] ?? whole);
  const items = [...plain.replace(/\\n/g, '\n').replace(/\\t/g, '\t').replace(/\\r/g, '\r').replace(/\\\\/g, '\\')];
  const out: string[] = [];
  for (let i = 0; i < items.length; i++) {
    const [c, dash, end] = [items[i] as string, items[i + 1], items[i + 2]];
    if (dash === '-' && end !== undefined && end >= c) {
      for (let code = c.codePointAt(0) as number; code <= (end.codePointAt(0) as number) && out.length < 70_000; code++) {
        out.push(String.fromCodePoint(code));
      }
      i += 2;
    } else {
      out.push(c);
    }
  }
  return out;
}
