/** Where a command reads and writes. */

/** Standard input: a text that is read once. */
export class Input {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** All that is left. */
  readAll(): string {
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }

  /** The next line without its newline; `null` at the end. */
  readLine(): string | null {
    if (this.#at >= this.#text.length) {
      return null;
    }
    const end = this.#text.indexOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 1;
    return line;
  }
}

/** Receives text. */
export type Sink = (text: string) => void;

/** The three descriptors. */
export interface Io {
  readonly input: Input;
  readonly out: Sink;
  readonly err: Sink;
}

/** Longest text that a pipe, a variable or a file may hold, in characters. */
export const MAX_TEXT = 16 * 1024 * 1024;

/** Collects text. What would make it longer than {@link MAX_TEXT} is lost, as if the reader had gone. */
export class Collector {
  #parts: string[] = [];
  #length = 0;

  readonly write: Sink = (text) => {
    if (this.#length + text.length <= MAX_TEXT) {
      this.#parts.push(text);
      this.#length += text.length;
    }
  };

  get text(): string {
    return this.#parts.join('');
  }
}
