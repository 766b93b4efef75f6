/** Bytes a process has written: those TCP has not sent yet, and segments of which it may have to send another copy. @see linux:net/ipv4/tcp.c#tcp_sendmsg_locked */
import { concatBytes } from '../../net/bytes.ts';

/** A segment that was sent and is not acknowledged. */
export interface InFlight {
  readonly seq: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** Sequence number after it. */
  readonly end: number;
}

/** A queue of written pieces, taken out in segments. */
export class SendBuffer {
  #pieces: Uint8Array[] = [];

  /** Whether everything has been taken. */
  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Adds written bytes. */
  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  /** Takes at most `limit` bytes from the front. */
  take(limit: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let room = limit;
    while (room > 0 && this.#pieces.length > 0) {
      const first = this.#pieces[0] as Uint8Array;
      if (first.length <= room) {
        parts.push(first);
        this.#pieces.shift();
        room -= first.length;
      } else {
        parts.push(first.subarray(0, room));
        this.#pieces[0] = first.subarray(room);
        room = 0;
      }
    }
    return concatBytes(parts);
  }

  /** Forgets what is left. */
  clear(): void {
    this.#pieces = [];
  }
}
