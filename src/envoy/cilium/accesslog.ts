/**
 * Access log entries and their way to the agent's socket.
 * @see proxy:cilium/accesslog.cc#AccessLog
 */

import type { Journey } from '../../sim/journey.ts';
import type { AccessLogSink, EntryType, HttpLogEntry, KeyValue, LogEntry } from '../../xds/access_log.ts';
import type { HeaderMap } from '../http/header_map.ts';

/** What a request's entry starts from. */
export interface EntryStart {
  readonly policyName: string;
  readonly ingress: boolean;
  readonly sourceIdentity: number;
  /** `ip:port`. */
  readonly source: string;
  readonly destination: string;
  readonly protocol: HttpLogEntry['http_protocol'];
  /** Wall nanoseconds at which the stream began. */
  readonly startTime: bigint;
}

interface MutableHttp {
  readonly protocol: HttpLogEntry['http_protocol'];
  scheme: string;
  host: string;
  path: string;
  method: string;
  status: number;
}

/** The entry of one stream, refilled for each record that is written. */
export class AccessLogEntry {
  #timestamp = 0n;
  #ingress = false;
  #policyName = '';
  #sourceId = 0;
  #destinationId = 0;
  #source = '';
  #destination = '';
  /** Stays `null` for streams that were answered before the filter saw them, until the response is logged. */
  #http: MutableHttp | null = null;
  #headers: KeyValue[] = [];
  /** Request headers not sorted into the entry yet: most are replaced by a later snapshot before anybody reads them. */
  #snapshot: { readonly names: readonly string[]; readonly values: readonly string[] } | null = null;
  /** Headers a rule missed; filled by policies. An empty pair is what 1.23 logs for CONTINUE_ON_MISMATCH. */
  readonly missing: KeyValue[] = [];
  /** Headers a rule rejected; filled by policies. */
  readonly rejected: KeyValue[] = [];

  /** @see proxy:cilium/accesslog.cc#AccessLog::Entry::InitFromRequest */
  initFromRequest(start: EntryStart, headers: HeaderMap): void {
    this.#policyName = start.policyName;
    this.#ingress = start.ingress;
    this.#sourceId = start.sourceIdentity;
    this.#source = start.source;
    this.#destination = start.destination;
    this.#timestamp = start.startTime;
    this.#http = { protocol: start.protocol, scheme: '', host: '', path: '', method: '', status: 0 };
    this.updateFromRequest(0, start.destination, headers);
  }

  /** @see proxy:cilium/accesslog.cc#AccessLog::Entry::UpdateFromRequest */
  updateFromRequest(destinationIdentity: number, destination: string, headers: HeaderMap): void {
    if (destinationIdentity !== 0) {
      this.#destinationId = destinationIdentity;
    }
    this.#destination = destination;
    this.#mutableHttp();
    this.#snapshot = { names: headers.names(), values: headers.values() };
  }

  /** @see proxy:cilium/accesslog.cc#AccessLog::Entry::UpdateFromResponse */
  updateFromResponse(headers: HeaderMap, now: bigint): void {
    this.#timestamp = now;
    this.#takeSnapshot();
    const http = this.#mutableHttp();
    const requestId = this.#headers.find((header) => header.key === 'x-request-id')?.value ?? '';
    const logged: KeyValue[] = requestId === '' ? [] : [{ key: 'x-request-id', value: requestId }];
    for (let i = 0; i < headers.size; i++) {
      const key = headers.nameAt(i);
      const value = headers.valueAt(i);
      if (key === ':status') {
        http.status = /^[0-9]+$/.test(value) ? Number(value) : http.status;
      } else if (key !== 'x-request-id' || value !== requestId) {
        logged.push({ key, value });
      }
    }
    this.#headers = logged;
  }

  /** The record as it would be written now. */
  record(type: EntryType): LogEntry {
    this.#takeSnapshot();
    const http = this.#http;
    return {
      timestamp: this.#timestamp,
      is_ingress: this.#ingress,
      entry_type: type,
      policy_name: this.#policyName,
      cilium_rule_ref: '',
      source_security_id: this.#sourceId,
      destination_security_id: this.#destinationId,
      source_address: this.#source,
      destination_address: this.#destination,
      http: http === null ? undefined : this.#httpRecord(http),
    };
  }

  #httpRecord(http: MutableHttp): HttpLogEntry {
    return {
      http_protocol: http.protocol,
      scheme: http.scheme,
      host: http.host,
      path: http.path,
      method: http.method,
      headers: this.#headers,
      status: http.status,
      missing_headers: [...this.missing],
      rejected_headers: [...this.rejected],
    };
  }

  /** Sorts the request's headers into the entry's members. */
  #takeSnapshot(): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) {
      return;
    }
    this.#snapshot = null;
    const http = this.#mutableHttp();
    const logged: KeyValue[] = [];
    for (let i = 0; i < snapshot.names.length; i++) {
      const key = snapshot.names[i] as string;
      const value = snapshot.values[i] as string;
      switch (key) {
        case ':path':
          http.path = value;
          break;
        case ':method':
          http.method = value;
          break;
        case ':authority':
          http.host = value;
          break;
        case 'x-forwarded-proto':
          http.scheme = value;
          break;
        default:
          logged.push({ key, value });
      }
    }
    this.#headers = logged;
  }

  #mutableHttp(): MutableHttp {
    this.#http ??= { protocol: 'HTTP10', scheme: '', host: '', path: '', method: '', status: 0 };
    return this.#http;
  }
}

/**
 * Writes a record to the agent's socket.
 * @see proxy:cilium/accesslog.cc#AccessLog::Log
 * @remarks Not modelled: retries of a broken socket.
 */
export function writeAccessLog(sink: AccessLogSink, journey: Journey, entry: AccessLogEntry, type: EntryType): void {
  const record = entry.record(type);
  if (journey.recording) {
    journey.add({
      kind: 'emit',
      actor: 'envoy',
      fn: 'AccessLog::Log',
      see: 'proxy:cilium/accesslog.cc#AccessLog::Log',
      event: 'access-log',
      data: {
        type,
        policyName: record.policy_name,
        ingress: record.is_ingress,
        source: record.source_address,
        sourceIdentity: record.source_security_id,
        destination: record.destination_address,
        destinationIdentity: record.destination_security_id,
        method: record.http?.method ?? '',
        path: record.http?.path ?? '',
        host: record.http?.host ?? '',
        status: record.http?.status ?? 0,
      },
    });
  }
  sink.log(record);
}
