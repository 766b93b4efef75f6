/**
 * L7 records as text.
 * @see cilium:pkg/monitor/logrecord.go
 */
import { type EndpointInfo, type LogRecord, l7Proto } from './log_record.ts';

/** The one-line form. @see cilium:pkg/monitor/logrecord.go#LogRecordNotify.DumpInfo */
export function logRecordInfo(record: LogRecord): string {
  const arrow = record.observationPoint === 'Ingress' ? '<-' : '->';
  const ends =
    record.type === 'Request'
      ? `from ${end(record.source)} to ${end(record.destination)}`
      : `to ${end(record.destination)} from ${end(record.source)}`;
  const identities = `identity ${record.source.identity}->${record.destination.identity}`;
  return `${arrow} ${record.type} ${l7Proto(record)} ${ends}, ${identities}, verdict ${record.verdict}${detail(record)}`;
}

function end(endpoint: EndpointInfo): string {
  return `${endpoint.id} ([${endpoint.labels.join(' ')}])`;
}

function detail(record: LogRecord): string {
  const { http, kafka, dns, l7 } = record;
  if (http !== undefined) {
    return ` ${http.method} ${http.url} => ${http.code}`;
  }
  if (kafka !== undefined) {
    return ` ${kafka.apiKey} topic ${kafka.topic} => ${kafka.errorCode}`;
  }
  if (dns !== undefined) {
    const question = ` DNS ${dns.observationSource}: ${dns.query} ${dns.qTypes.join(',')}`;
    if (record.type === 'Request') {
      return question;
    }
    const names = dns.cnames.length > 0 ? ` CNAMEs: ${dns.cnames.join(',')}` : '';
    return `${question} TTL: ${dns.ttl} Answer: '${dns.ips.join(',')}'${names}`;
  }
  if (l7 !== undefined) {
    const fields = Object.entries(l7.fields).filter(([key]) => key !== 'status');
    const status = l7.fields.status === undefined || l7.fields.status === '' ? '' : ` => status:${l7.fields.status}`;
    return fields.map(([key, value]) => ` ${key}:${value}`).join('') + status;
  }
  return '';
}
