/** Received bytes in order, whatever order the segments come in. @see linux:net/ipv4/tcp_input.c#tcp_data_queue_ofo */
import { concatBytes, NO_BYTES } from '../../net/bytes.ts';
import { seqAdd, seqDiff } from './seq.ts';

interface Piece {
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** The receive side of a stream. */
export class Reassembly {
  #next = 0;
  #finAt: number | null = null;
  #finished = false;
  #waiting: Piece[] = [];

  /** Sets the first expected sequence number. */
  start(seq: number): void {
    this.#next = seq;
  }

  /** The sequence number expected next: what an acknowledgement says. */
  get next(): number {
    return this.#next;
  }

  /** Whether the FIN has been reached. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Takes a segment; returns the bytes that are now in order. */
  add(seq: number, payload: Uint8Array, fin: boolean): Uint8Array {
    if (fin) {
      this.#finAt = seqAdd(seq, payload.length);
    }
    if (payload.length > 0 && this.#waiting.length === 0 && seq === this.#next) {
      this.#next = seqAdd(seq, payload.length);
      this.#reachFin();
      return payload;
    }
    if (payload.length > 0) {
      this.#waiting.push({ seq, payload });
    }
    const ready = this.#drain();
    this.#reachFin();
    return ready;
  }

  #drain(): Uint8Array {
    const ready: Uint8Array[] = [];
    for (let found = true; found; ) {
      found = false;
      for (let i = 0; i < this.#waiting.length; i++) {
        const { seq, payload } = this.#waiting[i] as Piece;
        const skip = seqDiff(this.#next, seq);
        if (skip < 0) {
          continue;
        }
        this.#waiting.splice(i, 1);
        i -= 1;
        if (skip < payload.length) {
          ready.push(payload.subarray(skip));
          this.#next = seqAdd(seq, payload.length);
          found = true;
        }
      }
    }
    return ready.length === 0 ? NO_BYTES : concatBytes(ready);
  }

  #reachFin(): void {
    if (!this.#finished && this.#finAt !== null && this.#finAt === this.#next) {
      this.#finished = true;
      this.#next = seqAdd(this.#next, 1);
    }
  }
}
