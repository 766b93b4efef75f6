/**
 * Events as `cilium monitor -j` prints them, one line each.
 * @see cilium:pkg/monitor/datapath_trace.go#TraceNotifyVerbose
 * @see cilium:pkg/monitor/datapath_drop.go#DropNotifyVerbose
 * @see cilium:pkg/monitor/logrecord.go#LogRecordNotifyVerbose
 */
import { type DropNotify, TRACE_POINT_NAMES, type TraceNotify } from '../maps/eventsmap.ts';
import { goStructJson } from '../net/go_json.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import { formatMac } from '../net/mac.ts';
import { type Packet, ports } from '../net/packet.ts';
import type { KeyValue } from '../xds/access_log.ts';
import { dropReasonExt } from './datapath_drop.ts';
import { traceReasonText, traceSummary } from './datapath_trace.ts';
import { dissect } from './dissect.ts';
import type { MonitorNames } from './event.ts';
import { canonicalHeaderKey } from './hubble/flow_json.ts';
import { hexText } from './identity_text.ts';
import { type LogRecord, l7Proto } from './log_record.ts';

type Json = Readonly<Record<string, unknown>>;

/** Numbers of DNS record types. @see https://www.rfc-editor.org/rfc/rfc1035#section-3.2.2 */
const DNS_TYPES: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 };

/** A trace. */
export function traceJson(record: TraceNotify, cpu: string, names: MonitorNames): string {
  return goStructJson({
    cpu,
    type: 'trace',
    mark: hexText(record.hash),
    ifindex: names.deviceName(record.ifindex) ?? String(record.ifindex),
    state: traceReasonText(record.reason),
    observationPoint: TRACE_POINT_NAMES[record.obsPoint],
    traceSummary: traceSummary(record),
    source: record.source,
    bytes: record.lenOrig,
    srcLabel: record.srcLabel,
    dstLabel: record.dstLabel,
    dstID: record.dstId,
    summary: summary(record.packet),
  });
}

/** A drop. */
export function dropJson(record: DropNotify, cpu: string): string {
  return goStructJson({
    cpu,
    type: 'drop',
    mark: hexText(record.hash),
    reason: dropReasonExt(record),
    source: record.source,
    bytes: record.lenOrig,
    srcLabel: record.srcLabel,
    dstLabel: record.dstLabel,
    dstID: record.dstId,
    Line: record.line,
    File: record.file,
    ExtError: record.extError,
    Ifindex: record.ifindex,
    summary: summary(record.packet),
  });
}

/** A record of the proxy. */
export function logRecordJson(record: LogRecord): string {
  const { http, kafka, dns, l7 } = record;
  return goStructJson({
    type: 'logRecord',
    observationPoint: record.observationPoint,
    flowType: record.type,
    l7Proto: l7Proto(record),
    srcEpID: record.source.id,
    srcEpLabels: record.source.labels,
    srcIdentity: record.source.identity,
    dstEpID: record.destination.id,
    dstEpLabels: record.destination.labels,
    dstIdentity: record.destination.identity,
    verdict: record.verdict,
    ...(http === undefined ? {} : { http: httpJson(http) }),
    ...(kafka === undefined ? {} : { kafka: kafkaJson(kafka) }),
    ...(dns === undefined ? {} : { dns: dnsJson(dns) }),
    ...(l7 === undefined ? {} : { l7: { Proto: l7.proto, Fields: l7.fields } }),
  });
}

/** The layers as texts, and the two ends of each. @see cilium:pkg/monitor/dissect.go#GetDissectSummary */
function summary(packet: Packet): Json {
  const [ethernet, ipv4, transport] = dissect(packet);
  const { sport, dport } = ports(packet);
  const { kind } = packet.l4;
  const mac = (value: number): string => formatMac(value).toLowerCase();
  return {
    ethernet,
    ipv4,
    ...(transport === undefined ? {} : { [kind === 'icmp' ? 'icmpv4' : kind]: transport }),
    l2: { src: mac(packet.eth.src), dst: mac(packet.eth.dst) },
    l3: { src: formatIpv4(packet.ip.src), dst: formatIpv4(packet.ip.dst) },
    ...(kind === 'icmp' || kind === 'none' ? {} : { l4: { src: String(sport), dst: String(dport) } }),
  };
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordHTTP */
function httpJson(http: NonNullable<LogRecord['http']>): Json {
  return {
    Code: http.code,
    Method: http.method,
    URL: urlJson(http.url),
    Protocol: http.protocol,
    Headers: headersJson(http.headers),
    MissingHeaders: headersJson(http.missingHeaders),
    RejectedHeaders: headersJson(http.rejectedHeaders),
  };
}

/** The members of Go's URL. @see https://pkg.go.dev/net/url#URL */
function urlJson(url: string): Json {
  const [, scheme = '', host = '', path = '', query, fragment] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(url) ?? [];
  return {
    Scheme: scheme,
    Opaque: '',
    User: null,
    Host: host,
    Path: path,
    RawPath: '',
    OmitHost: false,
    ForceQuery: query === '',
    RawQuery: query ?? '',
    Fragment: fragment ?? '',
    RawFragment: '',
  };
}

function headersJson(headers: readonly KeyValue[]): Json {
  const byKey = new Map<string, string[]>();
  for (const { key, value } of headers) {
    const name = canonicalHeaderKey(key);
    byKey.set(name, [...(byKey.get(name) ?? []), value]);
  }
  return Object.fromEntries([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordKafka */
function kafkaJson(kafka: NonNullable<LogRecord['kafka']>): Json {
  return {
    ErrorCode: kafka.errorCode,
    APIVersion: kafka.apiVersion,
    APIKey: kafka.apiKey,
    CorrelationID: kafka.correlationId,
    Topic: kafka.topic === '' ? {} : { Topic: kafka.topic },
  };
}

/** @see cilium:pkg/proxy/accesslog/record.go#LogRecordDNS */
function dnsJson(dns: NonNullable<LogRecord['dns']>): Json {
  const numbers = (types: readonly string[]): number[] => types.map((type) => DNS_TYPES[type] ?? 0);
  const answers = numbers(dns.answerTypes ?? []);
  return {
    Query: dns.query,
    ...(dns.ips.length === 0 ? {} : { IPs: dns.ips }),
    ...(dns.ttl === 0 ? {} : { TTL: dns.ttl }),
    ...(dns.cnames.length === 0 ? {} : { CNAMEs: dns.cnames }),
    ObservationSource: dns.observationSource,
    ...(dns.rcode === 0 ? {} : { RCode: dns.rcode }),
    ...(dns.qTypes.length === 0 ? {} : { QTypes: numbers(dns.qTypes) }),
    ...(answers.length === 0 ? {} : { AnswerTypes: answers }),
  };
}
