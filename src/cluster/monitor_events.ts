/**
 * What the monitor shows of what the agent tells: access log entries get the endpoints and labels of their ends.
 * @see cilium:pkg/envoy/accesslog_server.go#accessLogServer.logRecord
 * @see cilium:pkg/proxy/logger/logger.go#NewLogRecord
 */
import type { Daemon } from '../agent/daemon/daemon.ts';
import { type LabelArray, printableLabels } from '../agent/labels/labels.ts';
import type { DnsLogRecord, MonitorPayload } from '../agent/monitor/monitor_agent.ts';
import { apiKeyToString } from '../agent/policy/api/kafka.ts';
import { CILIUM_NOTIFY_TRACE_SOCK } from '../maps/eventsmap.ts';
import type { MonitorEvent } from '../monitor/event.ts';
import type { EndpointInfo, LogRecord } from '../monitor/log_record.ts';
import { parseIpv4 } from '../net/ipv4.ts';
import type { Clock } from '../sim/clock.ts';
import type { HttpLogEntry, KafkaLogEntry, LogEntry } from '../xds/access_log.ts';

const PROTOCOLS = { HTTP10: 'HTTP/1', HTTP11: 'HTTP/1.1', HTTP2: 'HTTP/2' } as const;

const NO_LABELS: LabelArray = [];

/** Texts of the labels of identities that were seen: every record of a connection has the same. */
const TEXTS = new WeakMap<LabelArray, readonly string[]>();

/** The event of a payload at this instant. */
export function monitorEvent(agent: Daemon, clock: Clock, payload: MonitorPayload): MonitorEvent {
  const at = clock.now();
  const wallMillis = clock.wallMillis();
  switch (payload.kind) {
    case 'datapath':
      return payload.record.type === CILIUM_NOTIFY_TRACE_SOCK
        ? { at, wallMillis, kind: 'sock', record: payload.record }
        : { at, wallMillis, kind: 'perf', record: payload.record };
    case 'l7':
      return { at, wallMillis, kind: 'l7', record: logRecord(agent, payload.entry) };
    case 'dns':
      return { at, wallMillis, kind: 'l7', record: dnsRecord(agent, payload.record) };
    case 'agent':
      return { at, wallMillis, kind: 'agent', name: payload.name, text: payload.text };
  }
}

function logRecord(agent: Daemon, entry: LogEntry): LogRecord {
  const source = endpointInfo(agent, entry.source_address, entry.source_security_id);
  const destination = endpointInfo(agent, entry.destination_address, entry.destination_security_id);
  const response = entry.entry_type === 'Response';
  return {
    type: response ? 'Response' : 'Request',
    observationPoint: entry.is_ingress ? 'Ingress' : 'Egress',
    verdict: entry.entry_type === 'Denied' ? 'Denied' : 'Forwarded',
    source: response ? destination : source,
    destination: response ? source : destination,
    http: entry.http === undefined ? undefined : httpRecord(entry.http),
    kafka: entry.kafka === undefined ? undefined : kafkaRecord(entry.kafka),
    l7: entry.generic_l7,
  };
}

/** @see cilium:daemon/cmd/fqdn.go#Daemon.notifyOnDNSMsg */
function dnsRecord(agent: Daemon, record: DnsLogRecord): LogRecord {
  const { source, destination } = record;
  return {
    type: record.type,
    observationPoint: 'Egress',
    verdict: record.verdict,
    transport: record.protocol === 'udp' ? 'UDP' : 'TCP',
    source: endpointInfo(agent, `${source.address}:${source.port}`, source.identity),
    destination: endpointInfo(agent, `${destination.address}:${destination.port}`, destination.identity),
    dns: {
      query: record.query,
      qTypes: record.qTypes,
      ips: record.ips,
      cnames: record.cnames,
      ttl: record.ttl,
      rcode: record.rcode,
      observationSource: 'proxy',
      answerTypes: record.answerTypes,
    },
  };
}

function httpRecord(http: HttpLogEntry): NonNullable<LogRecord['http']> {
  return {
    code: http.status,
    method: http.method,
    url: `${http.scheme}://${http.host}${http.path}`,
    protocol: PROTOCOLS[http.http_protocol],
    headers: http.headers,
    missingHeaders: http.missing_headers,
    rejectedHeaders: http.rejected_headers,
  };
}

/** The one topic that the agent has left in the entry. */
function kafkaRecord(kafka: KafkaLogEntry): NonNullable<LogRecord['kafka']> {
  return {
    errorCode: kafka.error_code,
    apiVersion: kafka.api_version,
    apiKey: apiKeyToString(kafka.api_key),
    correlationId: kafka.correlation_id,
    topic: kafka.topics[0] ?? '',
  };
}

function endpointInfo(agent: Daemon, address: string, identity: number): EndpointInfo {
  const colon = address.lastIndexOf(':');
  const ipv4 = address.slice(0, Math.max(0, colon));
  const bits = parseIpv4(ipv4);
  const endpoint = bits === null ? undefined : agent.endpoints.ofAddress(bits);
  return {
    id: endpoint?.id ?? 0,
    ipv4,
    port: Number(address.slice(colon + 1)) || 0,
    identity,
    labels: labelTexts(agent.selectorCache.identity(identity)?.labels ?? NO_LABELS),
  };
}

function labelTexts(labels: LabelArray): readonly string[] {
  let texts = TEXTS.get(labels);
  if (texts === undefined) {
    texts = printableLabels(labels);
    TEXTS.set(labels, texts);
  }
  return texts;
}
