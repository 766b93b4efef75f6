/**
 * Values of columns: as text inside, as bytes on the wire.
 * @see https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec (6. Data type serialization formats)
 * @remarks Simplified: types other than these are text.
 */
import { fromUtf8, utf8 } from '../../net/bytes.ts';
import { BodyReader, u32 } from './frames.ts';

/** Numbers of types by their name in CQL. */
const TYPE_IDS: Readonly<Record<string, number>> = { boolean: 4, int: 9, uuid: 12, varchar: 13, text: 13, timeuuid: 15 };
const TEXT = 13;

/** The number of a type. */
export function typeId(name: string): number {
  return TYPE_IDS[name] ?? TEXT;
}

/** The bytes of a value. */
export function encodeValue(type: number, value: string): Uint8Array {
  switch (type) {
    case 4:
      return Uint8Array.of(value.toLowerCase() === 'true' ? 1 : 0);
    case 9:
      return u32(Number(value) | 0);
    case 12:
    case 15:
      return Uint8Array.from((value.replaceAll('-', '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
    default:
      return utf8(value);
  }
}

/** A value as cqlsh prints it. */
export function formatValue(type: number, bytes: Uint8Array | null): string {
  if (bytes === null) {
    return 'null';
  }
  switch (type) {
    case 4:
      return bytes[0] === 1 ? 'True' : 'False';
    case 9:
      return String(new BodyReader(bytes).u32() | 0);
    case 12:
    case 15: {
      const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    }
    default:
      return fromUtf8(bytes);
  }
}
