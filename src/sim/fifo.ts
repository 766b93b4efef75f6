/** A queue that keeps its memory: one that fills and empties all the time makes no garbage. */

/** Places that are kept when the queue is empty, and taken places that may lie before the first one. */
const KEPT = 1024;

/** The queue. */
export class Fifo<T> {
  #places: (T | undefined)[] = [];
  #head = 0;
  #tail = 0;

  get size(): number {
    return this.#tail - this.#head;
  }

  /** The one that is next. */
  get first(): T | undefined {
    return this.#head === this.#tail ? undefined : this.#places[this.#head];
  }

  push(item: T): void {
    this.#places[this.#tail++] = item;
  }

  /** Takes the one that is next. */
  shift(): T | undefined {
    if (this.#head === this.#tail) {
      return undefined;
    }
    const item = this.#places[this.#head];
    this.#places[this.#head++] = undefined;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
      if (this.#places.length > KEPT) {
        this.#places = [];
      }
    } else if (this.#head > KEPT && this.#head > this.#tail / 2) {
      this.#places = this.#places.slice(this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return item;
  }

  /** Whether any that waits passes a test. */
  some(test: (item: T) => boolean): boolean {
    for (let i = this.#head; i < this.#tail; i++) {
      if (test(this.#places[i] as T)) {
        return true;
      }
    }
    return false;
  }
}
