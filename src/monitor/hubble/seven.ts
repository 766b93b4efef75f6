/**
 * L7 records as flows.
 * @see cilium:pkg/hubble/parser/seven/parser.go#Parser.Decode
 */
import { type LogRecord, l7Proto } from '../log_record.ts';
import type { Flow, FlowEndpoint, FlowNames, FlowVerdict } from './flow.ts';
import { flowEndpoint } from './threefour.ts';

/** Names of response codes. @see cilium:pkg/hubble/parser/seven/dns.go#rcodeToString */
const RCODE_NAMES: Readonly<Record<number, string>> = {
  1: 'Format Error',
  2: 'Server Failure',
  3: 'Non-Existent Domain',
  4: 'Not Implemented',
  5: 'Query Refused',
};

/** The flow of a record. `latencyMillis` is the time since the request with the same x-request-id; 0 for requests. */
export function sevenFlow(record: LogRecord, time: number, latencyMillis: number, names: FlowNames): Flow {
  const isReply = record.type === 'Response';
  return {
    time,
    nodeName: names.nodeName,
    verdict: verdictOf(record),
    source: l7Endpoint(names, record.source),
    destination: l7Endpoint(names, record.destination),
    protocol: record.transport ?? 'TCP',
    event: { kind: 'l7', record, latencyMillis },
    isReply,
    direction: (record.observationPoint === 'Ingress') === !isReply ? 'INGRESS' : 'EGRESS',
    proxyPort: 0,
    summary: summaryOf(record, latencyMillis),
  };
}

/** The value that ties a response to its request. */
export function requestId(record: LogRecord): string | null {
  return record.http?.headers.find(({ key }) => key.toLowerCase() === 'x-request-id')?.value ?? null;
}

function l7Endpoint(names: FlowNames, end: LogRecord['source']): FlowEndpoint {
  return flowEndpoint(names, end.ipv4, end.port, end.identity);
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

/** @see cilium:pkg/hubble/parser/seven/http.go#httpSummary @see cilium:pkg/hubble/parser/seven/dns.go#dnsSummary */
function summaryOf(record: LogRecord, latencyMillis: number): string {
  const { http, dns } = record;
  if (http !== undefined) {
    return record.type === 'Request'
      ? `${http.protocol} ${http.method} ${http.url}`
      : `${http.protocol} ${http.code} ${latencyMillis}ms (${http.method} ${http.url})`;
  }
  if (dns !== undefined) {
    const types = dns.qTypes.join(',');
    if (record.type === 'Request') {
      return `DNS Query ${dns.query} ${types}`;
    }
    const answer = dns.rcode === 0 ? `"${dns.ips.join(',')}"` : `RCode: ${RCODE_NAMES[dns.rcode] ?? dns.rcode}`;
    const source = dns.observationSource === 'proxy' ? 'Proxy' : dns.observationSource;
    return `DNS Answer ${answer} TTL: ${dns.ttl} (${source} ${dns.query} ${types})`;
  }
  return l7Proto(record);
}
