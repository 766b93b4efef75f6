/** Bad input: what is wrong, where, and what was probably meant. */

/** A place in a file; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with the input. */
export interface Issue {
  /** Stable name: `yaml`, `unknown-key`, `type`, `value`, `missing`, `file`, `manifest`, `command`, `reference`. */
  readonly code: string;
  readonly message: string;
  readonly position: SourcePosition;
  /** Path of the value inside the document: `steps[2].request.from`. */
  readonly path: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** `file:line:column: message (did you mean "x"?)` */
export function issueText(issue: Issue): string {
  const { file, line, column } = issue.position;
  const hint = issue.suggestion === undefined ? '' : ` (did you mean "${issue.suggestion}"?)`;
  return `${file}:${line}:${column}: ${issue.message}${hint}`;
}

/** `steps[2].request.from` */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}
