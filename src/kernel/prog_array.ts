/**
 * BPF_MAP_TYPE_PROG_ARRAY (tail calls) and BPF_MAP_TYPE_PERF_EVENT_ARRAY (events to user space).
 * @see linux:kernel/bpf/arraymap.c#prog_array_map_ops
 */
import { assert } from '../sim/assert.ts';

/** An array of programs indexed by number; an empty slot makes a tail call fall through. */
export class ProgArray<P> {
  readonly name: string;
  readonly maxEntries: number;
  readonly #slots = new Map<number, P>();

  constructor(name: string, maxEntries: number) {
    this.name = name;
    this.maxEntries = maxEntries;
  }

  /** The program in the slot, or `undefined`: then the caller's missed-tail-call path runs. */
  get(index: number): P | undefined {
    return this.#slots.get(index);
  }

  /** Puts a program into a slot. */
  set(index: number, program: P): void {
    assert(index >= 0 && index < this.maxEntries, `${this.name}: no slot ${index}`);
    this.#slots.set(index, program);
  }

  /** Empties a slot. */
  delete(index: number): void {
    this.#slots.delete(index);
  }

  /** Filled slots in ascending order. */
  indexes(): number[] {
    return [...this.#slots.keys()].sort((a, b) => a - b);
  }
}

/**
 * Records to user space. Readers get each record as it is written.
 * @remarks Simplified: no ring buffer, so no lost records.
 */
export class PerfEventArray<R> {
  readonly name: string;
  readonly #readers: ((record: R) => void)[] = [];
  /** Records written since creation. */
  written = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether anybody reads: a program may then skip building the record (its side effects are the same). */
  get hasReaders(): boolean {
    return this.#readers.length > 0;
  }

  /** @see linux:kernel/trace/bpf_trace.c#bpf_perf_event_output */
  output(record: R): void {
    this.written += 1;
    for (const reader of this.#readers) {
      reader(record);
    }
  }

  /** Adds a reader; returns the function that removes it. */
  subscribe(reader: (record: R) => void): () => void {
    this.#readers.push(reader);
    return () => {
      const index = this.#readers.indexOf(reader);
      if (index >= 0) {
        this.#readers.splice(index, 1);
      }
    };
  }
}
