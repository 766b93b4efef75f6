/** Messages of the protocols that the library's parsers read, and connections cut in pieces. */
import fc from 'fast-check';
import { concatBytes, latin1 } from '../../src/net/bytes.ts';

export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
export const u16 = (value: number): Uint8Array => Uint8Array.from([value >>> 8, value]);
export const u32 = (value: number): Uint8Array => Uint8Array.from([value >>> 24, value >>> 16, value >>> 8, value]);

/** A frame of Cassandra's protocol. */
export function cqlFrame(opcode: number, body: Uint8Array, stream = 4, version = 4, flags = 0): Uint8Array {
  return concatBytes([Uint8Array.from([version, flags]), u16(stream), u8(opcode), u32(body.length), body]);
}

/** A query; opcode 9 prepares it. */
export function cqlQuery(text: string, opcode = 7): Uint8Array {
  return cqlFrame(opcode, concatBytes([u32(text.length), latin1(text), u16(1), u8(0)]));
}

/** A request of memcached's binary protocol. */
export function memcacheRequest(opcode: number, key: string, extras = 0, value = '', magic = 0x80): Uint8Array {
  const body = key.length + extras + value.length;
  const head = [u8(magic), u8(opcode), u16(key.length), u8(extras), new Uint8Array(3), u32(body), new Uint8Array(12)];
  return concatBytes([...head, new Uint8Array(extras), latin1(key + value)]);
}

const kafkaString = (text: string): Uint8Array => concatBytes([u16(text.length), latin1(text)]);

/** A frame of Kafka's protocol. */
export function kafkaRequest(kind: number, version: number, body: readonly Uint8Array[], client = 'c'): Uint8Array {
  const content = concatBytes([u16(kind), u16(version), u32(7), kafkaString(client), ...body]);
  return concatBytes([u32(content.length), content]);
}

export function kafkaMetadata(topics: readonly string[], version = 1): Uint8Array {
  return kafkaRequest(3, version, [u32(topics.length), ...topics.map(kafkaString), ...(version >= 4 ? [u8(1)] : [])]);
}

export function kafkaProduce(topic: string, records: Uint8Array): Uint8Array {
  const partition = concatBytes([u32(1), u32(0), u32(records.length), records]);
  return kafkaRequest(0, 3, [kafkaString(''), u16(1), u32(1000), u32(1), kafkaString(topic), partition]);
}

const word = fc.constantFrom('a', 'b', 'plans', 'orders');
const bytes = fc.uint8Array({ maxLength: 30 });

/** Requests of a protocol that are well formed. Those of memcached have no value: one that comes late ends the connection. */
export const REQUESTS: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  r2d2: fc
    .tuple(fc.constantFrom('READ', 'WRITE', 'HALT', 'RESET', 'BEEP'), fc.option(word, { nil: undefined }))
    .map(([cmd, file]) => latin1(`${cmd}${file === undefined ? '' : ` ${file}`}\r\n`)),
  kafka: fc.oneof(
    fc.tuple(fc.array(word, { maxLength: 3 }), fc.nat(5)).map(([topics, version]) => kafkaMetadata(topics, version)),
    fc.tuple(word, bytes).map(([topic, records]) => kafkaProduce(topic, records)),
    fc.constantFrom(10, 11, 12, 18, 36).map((kind) => kafkaRequest(kind, 0, [kafkaString('group')])),
  ),
  cassandra: fc.oneof(
    fc.constantFrom(cqlFrame(5, new Uint8Array()), cqlFrame(1, u16(0)), cqlFrame(10, concatBytes([u16(2), latin1('id'), u8(0)]))),
    fc.tuple(word, word, fc.constantFrom(7, 9)).map(([a, b, opcode]) => cqlQuery(`SELECT * FROM ${a}.${b}`, opcode)),
    fc.tuple(word, word).map(([a, b]) => cqlQuery(`INSERT INTO ${a}.${b} (x) VALUES (1)`)),
    word.map((a) => cqlQuery(`USE ${a}`)),
  ),
  memcache: fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 3 }).map((keys) => latin1(`get ${keys.join(' ')}\r\n`)),
    fc.constantFrom('touch a 1\r\n', 'delete a noreply\r\n', 'incr a 1\r\n', 'version\r\n', 'quit\r\n').map(latin1),
  ),
  'memcache binary': fc
    .tuple(fc.constantFrom(0, 1, 4, 9, 14), word, fc.nat(8))
    .map(([opcode, key, extras]) => memcacheRequest(opcode, key, extras)),
};

/** Rules of a protocol that allow some of these requests. */
export const RULES: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  r2d2: [{ cmd: 'READ' }, { file: 'p' }],
  cassandra: [{ query_action: 'select', query_table: '^a\\.' }, { query_action: 'insert' }],
  memcache: [{ command: 'get', keyPrefix: 'a' }, { command: 'version' }],
  'memcache binary': [
    { command: 'get', keyPrefix: 'a' },
    { command: 'set', keyRegex: 's$' },
  ],
};
