/**
 * Text with meaning instead of colour: the command line decides what a style looks like, tests and files take the plain text.
 */

/** What a piece of text means. */
export type Style = 'plain' | 'title' | 'strong' | 'faint' | 'good' | 'bad' | 'name' | 'source' | 'verdict';

/** A piece of a line. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** A line of a report. */
export type Line = readonly Span[];

/** A piece in a style. */
export function span(text: string, style: Style = 'plain'): Span {
  return { text, style };
}

/** A line of one plain piece. */
export function plain(text: string): Line {
  return [span(text)];
}

/** The empty line. */
export const BLANK: Line = [];

/** The plain text of a report, one newline after each line. */
export function plainText(lines: readonly Line[]): string {
  return lines
    .map(
      (line) =>
        `${line
          .map(({ text }) => text)
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Rows as lines whose first cells (all but the last, or `count`) are lined up by two blanks; the cells after them follow as they are. */
export function columns(rows: readonly (readonly Span[])[], indent = '', count = Number.POSITIVE_INFINITY): Line[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, Math.min(count, row.length - 1)).forEach(({ text }, i) => {
      widths[i] = Math.max(widths[i] ?? 0, textWidth(text));
    });
  }
  const pad = (cell: Span, i: number): Span => ({
    ...cell,
    text: cell.text + ' '.repeat((widths[i] as number) - textWidth(cell.text) + 2),
  });
  return rows.map((row) => [span(indent), ...row.map((cell, i) => (i < Math.min(count, row.length - 1) ? pad(cell, i) : cell))]);
}

/** Characters a text takes on a terminal. @remarks Simplified: every code point takes one cell. */
function textWidth(text: string): number {
  return [...text].length;
}
