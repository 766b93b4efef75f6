/**
 * The wire format of protocol buffers, for messages of numbers and texts.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { concatBytes, fromUtf8, NO_BYTES, utf8 } from '../net/bytes.ts';

/** A field's value: a varint, a float, or a text. */
export type ProtoValue = { readonly varint: number } | { readonly float: number } | { readonly text: string };

/** Fields by number. */
export type ProtoMessage = ReadonlyMap<number, ProtoValue>;

/** Writes a message; fields that have their default are left out, as proto3 does. */
export function encodeProto(fields: readonly (readonly [number: number, value: ProtoValue])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if ('varint' in value) {
      if (value.varint !== 0) {
        parts.push(varint(number * 8), varint(value.varint));
      }
    } else if ('float' in value) {
      if (value.float !== 0) {
        parts.push(varint(number * 8 + 5), float32(value.float));
      }
    } else if (value.text !== '') {
      const bytes = utf8(value.text);
      parts.push(varint(number * 8 + 2), varint(bytes.length), bytes);
    }
  }
  return parts.length === 0 ? NO_BYTES : concatBytes(parts);
}

/** Reads a message; `null` if it is none. */
export function decodeProto(bytes: Uint8Array): ProtoMessage | null {
  const fields = new Map<number, ProtoValue>();
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    if (tag === null || tag.value < 8) {
      return null;
    }
    at = tag.end;
    const number = Math.floor(tag.value / 8);
    const length = readVarint(bytes, at);
    switch (tag.value % 8) {
      case 0:
        if (length === null) {
          return null;
        }
        fields.set(number, { varint: length.value });
        at = length.end;
        break;
      case 2:
        if (length === null || length.end + length.value > bytes.length) {
          return null;
        }
        fields.set(number, { text: fromUtf8(bytes.subarray(length.end, length.end + length.value)) });
        at = length.end + length.value;
        break;
      case 5:
        if (at + 4 > bytes.length) {
          return null;
        }
        fields.set(number, { float: new DataView(bytes.buffer, bytes.byteOffset + at, 4).getFloat32(0, true) });
        at += 4;
        break;
      default:
        return null;
    }
  }
  return fields;
}

/** A number field, or 0. */
export function protoNumber(message: ProtoMessage, number: number): number {
  const value = message.get(number);
  return value === undefined ? 0 : 'varint' in value ? value.varint : 'float' in value ? value.float : 0;
}

/** A text field, or nothing. */
export function protoText(message: ProtoMessage, number: number): string {
  const value = message.get(number);
  return value !== undefined && 'text' in value ? value.text : '';
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    out.push((rest % 128) | 0x80);
  }
  out.push(rest);
  return Uint8Array.from(out);
}

function float32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return bytes;
}

function readVarint(bytes: Uint8Array, from: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  let factor = 1;
  for (let at = from; at < bytes.length && at < from + 10; at++) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) {
      return { value, end: at + 1 };
    }
  }
  return null;
}
