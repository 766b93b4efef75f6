/**
 * Go's text/tabwriter with blanks as padding and left-aligned cells: the layout of cilium's, kubectl's and hubble's tables.
 * @see https://pkg.go.dev/text/tabwriter
 */

/** The writer's settings. */
export interface TabwriterOptions {
  /** Minimal cell width including padding. */
  readonly minWidth: number;
  /** Width of a tab; has no effect with blanks as padding. */
  readonly tabWidth: number;
  /** Blanks added to the widest cell of a column. */
  readonly padding: number;
}

/**
 * Lays out lines of cells. Every cell but the last of its line ends in a tab; a line that ends in a tab has an empty last cell. A column is a
 * block of consecutive lines that have a tab-terminated cell in it. Returns the text, one newline after each line.
 */
export function tabwriter(rows: readonly (readonly string[])[], options: TabwriterOptions): string {
  const lines: string[] = [];
  layout(rows, 0, rows.length, [], options, lines);
  return lines.map((line) => `${line}\n`).join('');
}

function layout(
  rows: readonly (readonly string[])[],
  from: number,
  to: number,
  widths: readonly number[],
  options: TabwriterOptions,
  lines: string[],
): void {
  const column = widths.length;
  const has = (row: number): boolean => column < (rows[row] as readonly string[]).length - 1;
  let row = from;
  while (row < to) {
    if (!has(row)) {
      lines.push(line(rows[row] as readonly string[], widths));
      row++;
      continue;
    }
    let end = row;
    let width = options.minWidth;
    while (end < to && has(end)) {
      const cell = (rows[end] as readonly string[])[column] as string;
      width = Math.max(width, [...cell].length + options.padding);
      end++;
    }
    layout(rows, row, end, [...widths, width], options, lines);
    row = end;
  }
}

function line(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => (i < cells.length - 1 ? cell + ' '.repeat(Math.max(0, (widths[i] as number) - [...cell].length)) : cell))
    .join('');
}
