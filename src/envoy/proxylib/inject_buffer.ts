/**
 * The buffer in which the library leaves bytes for the proxy to send.
 * @see proxy:cilium/proxylib.h#ResetableSlice
 */

/** @see proxy:cilium/proxylib.h#GoFilter::Instance::Direction (inject_buf_) */
export const INJECT_BUFFER_SIZE = 1024;

/** The buffer: filled at its end, drained at its head, emptied as a whole. Draining makes no room. */
export class InjectBuffer {
  readonly #bytes: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(capacity = INJECT_BUFFER_SIZE) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes in it. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Whether all room was used. @see proxy:cilium/proxylib.h#ResetableSlice::at_capacity */
  get atCapacity(): boolean {
    return this.#end >= this.#bytes.length;
  }

  /** Adds what there is room for; returns how much that was. */
  append(bytes: Uint8Array): number {
    const room = Math.min(bytes.length, this.#bytes.length - this.#end);
    this.#bytes.set(bytes.subarray(0, room), this.#end);
    this.#end += room;
    return room;
  }

  /** Takes bytes off its head. */
  drain(length: number): Uint8Array {
    const taken = this.#bytes.slice(this.#start, this.#start + Math.min(length, this.length));
    this.#start += taken.length;
    return taken;
  }

  /** Takes all, and makes room again. */
  take(): Uint8Array {
    const taken = this.drain(this.length);
    this.reset();
    return taken;
  }

  /** Empties it. */
  reset(): void {
    this.#start = 0;
    this.#end = 0;
  }
}
