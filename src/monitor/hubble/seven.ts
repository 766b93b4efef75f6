/**
 * L7 records as flows.
 * @see cilium:pkg/hubble/parser/seven/parser.go#Parser.Decode
 */
import { type LogRecord, l7Proto } from '../log_record.ts';
import type { Flow, FlowEndpoint, FlowNames, FlowVerdict } from './flow.ts';

/** Names of response codes. @see https://pkg.go.dev/github.com/google/gopacket/layers#DNSResponseCode.String */
const RCODE_NAMES: Readonly<Record<number, string>> = {
  1: 'Format Error',
  2: 'Server Failure ',
  3: 'Non-Existent Domain',
  4: 'Not Implemented',
  5: 'Query Refused',
};

/** The flow of a record. `latencyNanos` is the time since the request with the same x-request-id; 0 for requests. */
export function sevenFlow(record: LogRecord, time: number, latencyNanos: number, names: FlowNames): Flow {
  const source = l7Endpoint(names, record.source);
  const destination = l7Endpoint(names, record.destination);
  return {
    time,
    nodeName: names.nodeName,
    verdict: verdictOf(record),
    dropReason: 0,
    ethernet: null,
    encrypted: false,
    l4: record.transport === 'UDP' ? { kind: 'UDP' } : { kind: 'TCP', flags: null },
    source,
    destination,
    sourceNames: names.namesOf(destination.id, source.ip),
    destinationNames: names.namesOf(source.id, destination.ip),
    sourceService: names.serviceByAddress(source.ip, source.port),
    destinationService: names.serviceByAddress(destination.ip, destination.port),
    event: { kind: 'l7', record, latencyNanos },
    isReply: record.type === 'Response',
    direction: record.observationPoint === 'Ingress' ? 'INGRESS' : 'EGRESS',
    interface: null,
    proxyPort: 0,
    summary: summaryOf(record, latencyNanos),
  };
}

/** The value that ties a response to its request. @see cilium:pkg/hubble/parser/seven/parser.go#extractRequestID */
export function requestId(record: LogRecord): string | null {
  return record.http?.headers.find(({ key }) => key.toLowerCase() === 'x-request-id')?.value ?? null;
}

/** One end: the record's own numbers and labels, and the pod's name by address. @see cilium:pkg/hubble/parser/seven/parser.go#decodeEndpoint */
function l7Endpoint(names: FlowNames, end: LogRecord['source']): FlowEndpoint {
  const pod = names.podByIp(end.ipv4);
  return {
    id: end.id,
    identity: end.identity,
    namespace: pod?.namespace ?? '',
    podName: pod?.podName ?? '',
    labels: [...end.labels].sort(),
    workloads: names.endpointByIp(end.ipv4)?.workloads ?? [],
    ip: end.ipv4,
    port: end.port,
  };
}

function verdictOf(record: LogRecord): FlowVerdict {
  switch (record.verdict) {
    case 'Forwarded':
      return 'FORWARDED';
    case 'Denied':
      return 'DROPPED';
    case 'Error':
      return 'ERROR';
    case 'Redirected':
      return 'REDIRECTED';
  }
}

/** @see cilium:pkg/hubble/parser/seven/http.go#httpSummary @see cilium:pkg/hubble/parser/seven/kafka.go#kafkaSummary @see cilium:pkg/hubble/parser/seven/dns.go#dnsSummary */
function summaryOf(record: LogRecord, latencyNanos: number): string {
  const { http, kafka, dns, l7 } = record;
  if (http !== undefined) {
    return record.type === 'Request'
      ? `${http.protocol} ${http.method} ${http.url}`
      : `${http.protocol} ${http.code} ${Math.floor(latencyNanos / 1_000_000)}ms (${http.method} ${http.url})`;
  }
  if (kafka !== undefined) {
    const about = `${kafka.apiKey} correlation id ${kafka.correlationId} topic '${kafka.topic}'`;
    return record.type === 'Request' ? `Kafka request ${about}` : `Kafka response ${about} return code ${kafka.errorCode}`;
  }
  if (dns !== undefined) {
    const types = dns.qTypes.join(',');
    return record.type === 'Request'
      ? `DNS Query ${dns.query} ${types}`
      : `DNS Answer ${answerOf(dns)} TTL: ${dns.ttl} (${dns.observationSource === 'proxy' ? 'Proxy' : 'Query'} ${dns.query} ${types})`;
  }
  const fields = Object.entries(l7?.fields ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}:${value}`);
  return l7 === undefined ? '' : `${l7Proto(record)} Fields: map[${fields.join(' ')}]`;
}

function answerOf(dns: NonNullable<LogRecord['dns']>): string {
  if (dns.rcode !== 0) {
    return `RCode: ${RCODE_NAMES[dns.rcode] ?? 'Unknown'}`;
  }
  const ips = dns.ips.length === 0 ? [] : [JSON.stringify(dns.ips.join(','))];
  const cnames = dns.cnames.length === 0 ? [] : [`CNAMEs: ${JSON.stringify(dns.cnames.join(','))}`];
  return [...ips, ...cnames].join(' ');
}
