/**
 * How long a record is on the access log's socket: as protobuf.
 * @see proxy:cilium/api/accesslog.proto#LogEntry
 */
import { utf8 } from '../net/bytes.ts';
import type { HttpLogEntry, KafkaLogEntry, KeyValue, L7LogEntry, LogEntry } from './access_log.ts';

/** The agent reads into a buffer of this size and throws away what does not fit. @see cilium:pkg/envoy/accesslog_server.go#accessLogServer.accessLogger */
export const ACCESS_LOG_BUFFER = 4096;

/** Bytes of a record. Values that are their type's default take none. */
export function accessLogSize(entry: LogEntry): number {
  const numbers =
    (entry.timestamp === 0n ? 0 : 1 + varint(Number(entry.timestamp))) +
    (entry.entry_type === 'Request' ? 0 : 2) +
    (entry.is_ingress ? 2 : 0) +
    (entry.source_security_id === 0 ? 0 : 1 + varint(entry.source_security_id)) +
    (entry.destination_security_id === 0 ? 0 : 2 + varint(entry.destination_security_id));
  const texts = text(entry.policy_name) + text(entry.cilium_rule_ref) + text(entry.source_address) + text(entry.destination_address);
  return numbers + texts + protocolSize(entry);
}

/** The member that holds the protocol's part; its tag has two bytes. */
function protocolSize({ http, kafka, generic_l7: generic }: LogEntry): number {
  if (http !== undefined) {
    return sized(httpSize(http)) + 1;
  }
  if (kafka !== undefined) {
    return sized(kafkaSize(kafka)) + 1;
  }
  return generic === undefined ? 0 : sized(genericSize(generic)) + 1;
}

function kafkaSize(kafka: KafkaLogEntry): number {
  const numbers = [kafka.correlation_id, kafka.error_code, kafka.api_version, kafka.api_key];
  return (
    numbers.reduce((sum, value) => sum + (value === 0 ? 0 : 1 + (value < 0 ? 10 : varint(value))), 0) +
    kafka.topics.reduce((sum, topic) => sum + sized(utf8(topic).length), 0)
  );
}

/** A map's entries are messages of key and value. */
function genericSize({ proto, fields }: L7LogEntry): number {
  const entries = Object.entries(fields).map(([key, value]) => sized(text(key) + sized(utf8(value).length)));
  return text(proto) + entries.reduce((sum, size) => sum + size, 0);
}

function httpSize(http: HttpLogEntry): number {
  const pairs = [...http.headers, ...http.missing_headers, ...http.rejected_headers];
  return (
    (http.http_protocol === 'HTTP10' ? 0 : 2) +
    text(http.scheme) +
    text(http.host) +
    text(http.path) +
    text(http.method) +
    (http.status === 0 ? 0 : 1 + varint(http.status)) +
    pairs.reduce((sum, pair) => sum + sized(pairSize(pair)), 0)
  );
}

function pairSize({ key, value }: KeyValue): number {
  return text(key) + text(value);
}

/** A field that is a text; headers have one character a byte. */
function text(value: string): number {
  return value === '' ? 0 : sized(value.length);
}

/** Tag, length and content of a field with a tag of one byte. */
function sized(length: number): number {
  return 1 + varint(length) + length;
}

function varint(value: number): number {
  let size = 1;
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    size += 1;
  }
  return size;
}
