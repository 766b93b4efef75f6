/**
 * DNS over TCP: each message is preceded by its length, two bytes.
 * @see https://www.rfc-editor.org/rfc/rfc1035#section-4.2.2
 */

/** A message with its length. */
export function frame(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(message.length + 2);
  out[0] = message.length >>> 8;
  out[1] = message.length & 255;
  out.set(message, 2);
  return out;
}

/** Cuts a stream into messages. It holds at most one unfinished message: 65,537 bytes. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0);

  /** Adds bytes; the messages that are complete now. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= 2) {
      const length = (all[at] as number) * 256 + (all[at + 1] as number);
      if (all.length - at - 2 < length) {
        break;
      }
      messages.push(all.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    this.#rest = all.slice(at);
    return messages;
  }
}
