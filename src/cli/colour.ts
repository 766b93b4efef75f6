/** Styles of reports as colours. */
import { Chalk, type ChalkInstance, supportsColor } from 'chalk';
import type { Line, Style } from '../index.ts';

/** Paints the lines of a report. */
export type Painter = (lines: readonly Line[]) => string;

/** A painter for standard output; plain when colours are off or nobody sees them. */
export function painter(colour: boolean): Painter {
  const chalk = new Chalk({ level: colour && supportsColor !== false ? supportsColor.level : 0 });
  const styles: Readonly<Record<Style, ChalkInstance | null>> = {
    plain: null,
    title: chalk.bold,
    strong: chalk.bold,
    faint: chalk.dim,
    good: chalk.green,
    bad: chalk.red,
    name: chalk.cyan,
    source: chalk.blue,
    verdict: chalk.yellow,
  };
  return (lines) =>
    lines
      .map((line) => {
        const last = line.at(-1);
        const spans = last === undefined ? line : [...line.slice(0, -1), { ...last, text: last.text.trimEnd() }];
        return `${spans.map(({ text, style }) => styles[style]?.(text) ?? text).join('')}\n`;
      })
      .join('');
}
