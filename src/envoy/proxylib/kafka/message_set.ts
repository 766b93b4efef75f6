/**
 * Message sets of produce requests. The parser reads the two old formats; of a record batch, which is what clients since 0.11 send, it takes the
 * checksum for a wrong one and looks no further.
 * @see https://github.com/optiopay/kafka (proto/messages.go#readMessageSet)
 * @remarks Not modelled: what is inside of compressed messages of the old formats; they are taken for well-formed.
 */
import { crc32 } from '../../../net/crc32.ts';
import { Decoder, MAX_PARSE_BUFFER } from './decoder.ts';

/** Where the set was left off, or `null` if it makes the request unreadable. */
export function skipMessageSet(bytes: Uint8Array, start: number, size: number, version: number): number | null {
  if (size < 0) {
    return start;
  }
  if (size > MAX_PARSE_BUFFER) {
    return null;
  }
  const end = Math.min(start + size, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  for (;;) {
    // Offset and size; a set may be cut off anywhere.
    if (at + 12 > end) {
      return end;
    }
    const length = view.getInt32(at + 8);
    at += 12;
    if (length <= 0) {
      return at;
    }
    if (length > MAX_PARSE_BUFFER) {
      return null;
    }
    if (at + length > end) {
      return end;
    }
    const message = bytes.subarray(at, at + length);
    at += length;
    if (length <= 4 || view.getUint32(at - length) !== crc32(message.subarray(4))) {
      return at;
    }
    const fate = messageFate(message, version);
    if (fate !== 'next') {
      return fate === 'broken' ? null : at;
    }
  }
}

/** What a message with a right checksum means for those after it. */
function messageFate(message: Uint8Array, version: number): 'next' | 'last' | 'broken' {
  const decoder = new Decoder(message, 4);
  decoder.int8();
  const compression = decoder.int8() & 3;
  if (version >= 1) {
    decoder.skip64();
  }
  if (compression === 3) {
    return 'last';
  }
  decoder.skipBytes();
  decoder.skipBytes();
  return decoder.failed ? 'broken' : 'next';
}
