/**
 * Records as clients since 0.11 send them: batches of format version 2, uncompressed.
 * @see https://kafka.apache.org/documentation/#recordbatch
 * @remarks Simplified: one record a batch; no compression, no producer ids.
 */
import { fromUtf8, utf8 } from '../../net/bytes.ts';
import { crc32c } from '../../net/crc32.ts';
import { Reader, Writer } from './wire.ts';

const MAGIC = 2;

/** A batch with one record, whose key is null. */
export function recordBatch(value: string, timestamp: number): Uint8Array {
  const text = utf8(value);
  // Attributes, time and offset deltas, key length -1, value, no headers.
  const record = new Writer().int8(0).raw(varint(0)).raw(varint(0)).raw(varint(-1)).raw(varint(text.length)).raw(text).raw(varint(0)).bytes;
  const body = new Writer()
    .int16(0)
    .int32(0)
    .int64(timestamp)
    .int64(timestamp)
    .int64(-1)
    .int16(-1)
    .int32(-1)
    .int32(1)
    .raw(varint(record.length))
    .raw(record).bytes;
  const length = 4 + 1 + 4 + body.length;
  return new Writer().int64(0).int32(length).int32(-1).int8(MAGIC).int32(crc32c(body)).raw(body).bytes;
}

/** The same batch at an offset of the log. */
export function atOffset(batch: Uint8Array, offset: number): Uint8Array {
  return new Writer().int64(offset).raw(batch.subarray(8)).bytes;
}

/** Values of the records of batches one after another, with their offsets. */
export function recordValues(batches: Uint8Array): { readonly offset: number; readonly value: string }[] {
  const values: { readonly offset: number; readonly value: string }[] = [];
  let rest = batches;
  while (rest.length >= 61) {
    const reader = new Reader(rest);
    const offset = reader.int64();
    const length = reader.int32();
    const batch = new Reader(rest.subarray(12 + 4 + 1 + 4, 12 + length));
    // Attributes, last offset delta, two times, producer, epoch, sequence, count of records: 40 bytes.
    for (let i = 0; i < 10; i++) {
      batch.int32();
    }
    // What has no value is printed by that word.
    values.push({ offset, value: readRecord(batch.rest()) ?? 'null' });
    rest = rest.subarray(12 + length);
  }
  return values;
}

/** Length, attributes, deltas, key, value. */
function readRecord(bytes: Uint8Array): string | null {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at] as number;
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        break;
      }
    }
    return (value >>> 1) ^ -(value & 1);
  };
  next();
  at += 1;
  next();
  next();
  const keyLength = next();
  at += Math.max(0, keyLength);
  const length = next();
  return length < 0 ? null : fromUtf8(bytes.subarray(at, at + length));
}

/** Zigzag, seven bits a byte. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest > 0x7f; rest >>>= 7) {
    out.push((rest & 0x7f) | 0x80);
  }
  out.push(rest);
  return Uint8Array.from(out);
}
