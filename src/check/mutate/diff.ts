/** A unified diff of two texts that differ in one place. */

/** Lines around a change. */
const CONTEXT = 3;

/** The diff of a file, whose lines are indented by so many blanks; blank lines that only stand for what is not in the text are no context. */
export function unifiedDiff(file: string, before: string, after: string, indent: number): string {
  const pad = ' '.repeat(indent);
  const [a, b] = [linesOf(before), linesOf(after)].map((lines) => lines.map((line) => (line === '' ? '' : pad + line))) as [
    string[],
    string[],
  ];
  const first = a.findIndex((line) => line.trim() !== '');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) {
    head++;
  }
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
    tail++;
  }
  const from = Math.max(0, first, head - CONTEXT);
  const removed = a.slice(head, a.length - tail);
  const added = b.slice(head, b.length - tail);
  const end = a.slice(a.length - tail, Math.min(a.length, a.length - tail + CONTEXT));
  const start = a.slice(from, head);
  const counts = `-${from + 1},${start.length + removed.length + end.length} +${from + 1},${start.length + added.length + end.length}`;
  return [
    `--- a/${file.replace(/^\/+/, '')}`,
    `+++ b/${file.replace(/^\/+/, '')}`,
    `@@ ${counts} @@`,
    ...start.map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...end.map((line) => ` ${line}`),
    '',
  ].join('\n');
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
