/**
 * The two errors the parser answers with itself.
 * @see cilium:proxylib/cassandra/cassandraparser.go#unauthMsgBase
 * @see https://github.com/apache/cassandra/blob/trunk/doc/native_protocol_v4.spec (ERROR)
 */
import { latin1 } from '../../../net/bytes.ts';

const UNAUTHORIZED = 0x2100;
const UNPREPARED = 0x2500;

/** "Request Unauthorized", with protocol version and stream of the request. */
export function unauthorizedMessage(request: Uint8Array): Uint8Array {
  return error((request[0] as number) & 0x07, request, UNAUTHORIZED, 'Request Unauthorized');
}

/** A statement is not known. @see cilium:proxylib/cassandra/cassandraparser.go#createUnpreparedMsg */
export function unpreparedMessage(request: Uint8Array, preparedId: string): Uint8Array {
  return error(request[0] as number, request, UNPREPARED, preparedId);
}

/** Header, code, and a text with its length. */
function error(version: number, request: Uint8Array, code: number, text: string): Uint8Array {
  const body = [0, 0, code >>> 8, code & 0xff, (text.length >>> 8) & 0xff, text.length & 0xff, ...latin1(text)];
  const length = body.length;
  return Uint8Array.from([
    0x80 | version,
    0,
    request[2] as number,
    request[3] as number,
    0,
    (length >>> 24) & 0xff,
    (length >>> 16) & 0xff,
    (length >>> 8) & 0xff,
    length & 0xff,
    ...body,
  ]);
}
