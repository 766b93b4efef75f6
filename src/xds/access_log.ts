/**
 * The access log records Cilium's filters write to `/var/run/cilium/access_log.sock`.
 * @see proxy:cilium/api/accesslog.proto#LogEntry
 */

/** @see proxy:cilium/api/accesslog.proto#EntryType */
export type EntryType = 'Request' | 'Response' | 'Denied';

/** One header as logged. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** @see proxy:cilium/api/accesslog.proto#HttpLogEntry */
export interface HttpLogEntry {
  readonly http_protocol: 'HTTP10' | 'HTTP11' | 'HTTP2';
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: readonly KeyValue[];
  /** 0 in request records. */
  readonly status: number;
  readonly missing_headers: readonly KeyValue[];
  readonly rejected_headers: readonly KeyValue[];
}

/** @see proxy:cilium/api/accesslog.proto#KafkaLogEntry */
export interface KafkaLogEntry {
  readonly correlation_id: number;
  readonly error_code: number;
  readonly api_version: number;
  readonly api_key: number;
  readonly topics: readonly string[];
}

/** A record of any other protocol. @see proxy:cilium/api/accesslog.proto#L7LogEntry */
export interface L7LogEntry {
  readonly proto: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** One record. */
export interface LogEntry {
  /** Wall time in nanoseconds; a bigint because it does not fit a double. */
  readonly timestamp: bigint;
  readonly is_ingress: boolean;
  readonly entry_type: EntryType;
  /** The pod address the policy was found by. */
  readonly policy_name: string;
  readonly cilium_rule_ref: string;
  readonly source_security_id: number;
  readonly destination_security_id: number;
  /** `ip:port`; empty if unknown. */
  readonly source_address: string;
  readonly destination_address: string;
  readonly http?: HttpLogEntry | undefined;
  readonly kafka?: KafkaLogEntry | undefined;
  readonly generic_l7?: L7LogEntry | undefined;
}

/** Where records go; messages travel through the scheduler. */
export interface AccessLogSink {
  log(entry: LogEntry): void;
}
