/** A place in the text of a script, with the here-documents whose bodies are still to come. */
import type { WordPart } from './syntax.ts';

/** Substitutions, groups and loops may nest this deep. */
const MAX_DEPTH = 40;

/** A here-document of the current line. */
export interface PendingHeredoc {
  readonly delimiter: string;
  /** `<<-`: leading tabs are dropped. */
  readonly stripTabs: boolean;
  /** A quoted delimiter: nothing is expanded. */
  readonly literal: boolean;
  /** Receives the body. */
  readonly parts: WordPart[];
}

/** Ends parsing; caught by `parseScript` alone. */
export class ShellSyntaxError extends Error {
  readonly line: number;
  readonly incomplete: boolean;

  constructor(message: string, line: number, incomplete: boolean) {
    super(message);
    this.line = line;
    this.incomplete = incomplete;
  }
}

/** The cursor. */
export class Cursor {
  readonly text: string;
  /** Line number of the first line. */
  readonly firstLine: number;
  i = 0;
  #depth: number;
  readonly heredocs: PendingHeredoc[] = [];

  constructor(text: string, firstLine = 1, depth = 0) {
    this.text = text;
    this.firstLine = firstLine;
    this.#depth = depth;
  }

  get depth(): number {
    return this.#depth;
  }

  get atEnd(): boolean {
    return this.i >= this.text.length;
  }

  get line(): number {
    let line = this.firstLine;
    for (let at = this.text.indexOf('\n'); at >= 0 && at < this.i; at = this.text.indexOf('\n', at + 1)) {
      line++;
    }
    return line;
  }

  /** The character here or a little further; empty at the end. */
  peek(offset = 0): string {
    return this.text.charAt(this.i + offset);
  }

  startsWith(text: string): boolean {
    return this.text.startsWith(text, this.i);
  }

  /** Skips a text if it stands here. */
  take(text: string): boolean {
    const found = this.startsWith(text);
    this.i += found ? text.length : 0;
    return found;
  }

  /** Skips blanks, continued lines and a comment. */
  skipBlanks(): void {
    for (;;) {
      const c = this.peek();
      if (c === ' ' || c === '\t' || c === '\r') {
        this.i++;
      } else if (c === '\\' && this.peek(1) === '\n') {
        this.i += 2;
      } else if (c === '#') {
        const end = this.text.indexOf('\n', this.i);
        this.i = end < 0 ? this.text.length : end;
      } else {
        return;
      }
    }
  }

  fail(message: string): never {
    throw new ShellSyntaxError(message, this.line, false);
  }

  /** Fails because the text ends too early. */
  failAtEnd(message: string): never {
    throw new ShellSyntaxError(message, this.line, true);
  }

  /** Does something one level deeper. */
  nested<T>(action: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      this.fail(`nested more than ${MAX_DEPTH} deep`);
    }
    const result = action();
    this.#depth--;
    return result;
  }
}
