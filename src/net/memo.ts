/** Results of a pure function of a text, kept for texts that come again and again. */

/** How many results are kept before all are forgotten. */
const LIMIT = 512;

/** The function with its memory. */
export class Memo<T> {
  readonly #compute: (text: string) => T;
  readonly #results = new Map<string, T>();

  constructor(compute: (text: string) => T) {
    this.#compute = compute;
  }

  /** The result for a text. Whoever gets it must not change it. */
  get(text: string): T {
    let result = this.#results.get(text);
    if (result === undefined) {
      result = this.#compute(text);
      if (this.#results.size >= LIMIT) {
        this.#results.clear();
      }
      this.#results.set(text, result);
    }
    return result;
  }
}
