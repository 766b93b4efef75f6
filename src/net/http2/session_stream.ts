/**
 * One stream of an HTTP/2 session.
 * @see nghttp2:lib/nghttp2_stream.h#nghttp2_stream
 */
import type { HeaderField } from './hpack_table.ts';
import { MessageRules } from './message_rules.ts';

/** A stream. */
export class SessionStream {
  readonly id: number;
  /** What the peer sends on it. */
  readonly rules: MessageRules;
  /** `opening`: the answer has not begun; `closing`: RST_STREAM waits to be sent. */
  state: 'opening' | 'opened' | 'closing' = 'opening';
  /** The peer's, and the own, end was seen or sent. */
  readEnded = false;
  writeEnded = false;
  /** Bytes that may still be sent. */
  sendWindow: number;
  /** Bytes that the peer may send in all before it hears of more, how many came, and how many of these are used up. */
  receiveWindow: number;
  received = 0;
  consumed = 0;
  /** Headers were sent, so data may follow. */
  headersSent = false;
  /** Data that waits, and what comes after it. */
  readonly #output: Uint8Array[] = [];
  #outputBytes = 0;
  endAfterData = false;
  trailers: readonly HeaderField[] | null = null;

  constructor(id: number, server: boolean, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.rules = new MessageRules(server);
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Number of bytes that wait. */
  get pending(): number {
    return this.#outputBytes;
  }

  /** Whether there is a DATA frame to send: bytes, or the end. */
  get wantsData(): boolean {
    return this.headersSent && !this.writeEnded && this.state !== 'closing' && (this.#outputBytes > 0 || this.endAfterData);
  }

  /** Adds data to what waits. */
  push(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      this.#output.push(bytes);
      this.#outputBytes += bytes.length;
    }
  }

  /** Takes up to so many bytes of what waits. */
  take(limit: number): Uint8Array {
    const size = Math.min(limit, this.#outputBytes);
    const taken = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const part = this.#output[0] as Uint8Array;
      const piece = part.subarray(0, size - filled);
      taken.set(piece, filled);
      filled += piece.length;
      if (piece.length === part.length) {
        this.#output.shift();
      } else {
        this.#output[0] = part.subarray(piece.length);
      }
    }
    this.#outputBytes -= size;
    return taken;
  }
}
