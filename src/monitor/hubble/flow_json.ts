/**
 * Flows as JSON: proto3's mapping with the names of the proto, members in the order of the proto, zero values left out.
 * @see cilium:api/v1/flow/flow.proto#Flow
 * @see cilium:api/v1/observer/observer.proto#GetFlowsResponse
 */

import { CILIUM_NOTIFY_DROP, CILIUM_NOTIFY_POLICY_VERDICT, CILIUM_NOTIFY_TRACE, CILIUM_NOTIFY_TRACE_SOCK } from '../../maps/eventsmap.ts';
import { goStructJson } from '../../net/go_json.ts';
import { formatRfc3339 } from '../../net/rfc3339.ts';
import { MESSAGE_TYPE_ACCESS_LOG } from '../event.ts';
import type { LogRecord } from '../log_record.ts';
import { DROP_REASON_NAMES } from './drop_reason_names.ts';
import type { Flow, FlowEndpoint, FlowEvent } from './flow.ts';

type Json = Readonly<Record<string, unknown>>;

/** One line of `hubble observe -o jsonpb`. */
export function flowResponseJson(flow: Flow): string {
  return goStructJson({ flow: flowJson(flow), node_name: flow.nodeName, time: protoTime(flow.time) });
}

/** The flow's message. */
export function flowJson(flow: Flow): Json {
  const { event } = flow;
  return present({
    time: protoTime(flow.time),
    verdict: flow.verdict,
    drop_reason: flow.dropReason,
    ethernet: flow.ethernet,
    IP: present({ source: flow.source.ip, destination: flow.destination.ip, ipVersion: 'IPv4', encrypted: flow.encrypted }),
    l4: l4Json(flow),
    source: endpointJson(flow.source),
    destination: endpointJson(flow.destination),
    Type: event.kind === 'l7' ? 'L7' : event.kind === 'trace-sock' ? 'SOCK' : 'L3_L4',
    node_name: flow.nodeName,
    source_names: flow.sourceNames,
    destination_names: flow.destinationNames,
    l7: event.kind === 'l7' ? l7Json(event.record, event.latencyNanos) : null,
    reply: flow.isReply === true,
    event_type: eventTypeJson(event),
    source_service: flow.sourceService,
    destination_service: flow.destinationService,
    traffic_direction: flow.direction,
    policy_match_type: event.kind === 'policy-verdict' ? event.matchType : 0,
    trace_observation_point: event.kind === 'trace' ? event.point.toUpperCase().replace('-', '_') : null,
    drop_reason_desc: DROP_REASON_NAMES[flow.dropReason] ?? flow.dropReason,
    is_reply: flow.isReply,
    interface: flow.interface === null ? null : present({ index: flow.interface.index, name: flow.interface.name }),
    proxy_port: flow.proxyPort,
    ...(event.kind === 'trace-sock'
      ? { sock_xlate_point: SOCK_XLATE_POINTS[event.xlatePoint], socket_cookie: String(event.cookie), cgroup_id: String(event.cgroupId) }
      : {}),
    Summary: flow.summary,
  });
}

/** @see cilium:api/v1/flow/flow.proto#SocketTranslationPoint */
const SOCK_XLATE_POINTS = ['UNKNOWN', 'PRE_DIRECTION_FWD', 'POST_DIRECTION_FWD', 'PRE_DIRECTION_REV', 'POST_DIRECTION_REV'].map(
  (name) => `SOCK_XLATE_POINT_${name}`,
);

/** Type and sub type numbers of a flow's event. @see cilium:pkg/hubble/parser/threefour/parser.go#decodeCiliumEventType */
export function eventTypeNumbers(event: FlowEvent): { readonly type: number; readonly subType: number } {
  switch (event.kind) {
    case 'drop':
      return { type: CILIUM_NOTIFY_DROP, subType: event.code };
    case 'trace':
      return { type: CILIUM_NOTIFY_TRACE, subType: event.obsPoint };
    case 'trace-sock':
      return { type: CILIUM_NOTIFY_TRACE_SOCK, subType: event.xlatePoint };
    case 'policy-verdict':
      return { type: CILIUM_NOTIFY_POLICY_VERDICT, subType: 0 };
    case 'l7':
      return { type: MESSAGE_TYPE_ACCESS_LOG, subType: 0 };
  }
}

/** `2023-06-12T03:04:05.101Z` with three digits or none. @see https://protobuf.dev/programming-guides/json/ */
export function protoTime(wallMillis: number): string {
  const whole = formatRfc3339(wallMillis);
  const millis = Math.floor(wallMillis) % 1000;
  return millis === 0 ? whole : whole.replace('Z', `.${String(millis).padStart(3, '0')}Z`);
}

function eventTypeJson(event: FlowEvent): Json {
  const { type, subType } = eventTypeNumbers(event);
  return present({ type, sub_type: subType });
}

function l4Json({ l4, source, destination }: Flow): Json | null {
  const ports = present({ source_port: source.port, destination_port: destination.port });
  switch (l4?.kind) {
    case 'TCP': {
      const order = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'];
      const { flags } = l4;
      const set = flags === null ? null : Object.fromEntries(order.filter((name) => flags.includes(name)).map((name) => [name, true]));
      return { TCP: set === null ? ports : { ...ports, flags: set } };
    }
    case 'UDP':
    case 'SCTP':
      return { [l4.kind]: ports };
    case 'ICMPv4':
      return { ICMPv4: present({ type: l4.type, code: l4.code }) };
    default:
      return null;
  }
}

function endpointJson(end: FlowEndpoint): Json {
  return present({
    ID: end.id,
    identity: end.identity,
    namespace: end.namespace,
    labels: end.labels,
    pod_name: end.podName,
    workloads: end.workloads.map(({ name, kind }) => ({ name, kind })),
  });
}

/** @see cilium:pkg/hubble/parser/seven/parser.go#decodeLayer7 */
function l7Json(record: LogRecord, latencyNanos: number): Json {
  const response = record.type === 'Response';
  const { http, kafka, dns } = record;
  return present({
    type: record.type.toUpperCase(),
    latency_ns: latencyNanos === 0 ? '' : String(latencyNanos),
    dns:
      dns === undefined
        ? null
        : present({
            query: dns.query,
            ips: response ? dns.ips : [],
            ttl: response ? dns.ttl : 0,
            cnames: response ? dns.cnames : [],
            observation_source: dns.observationSource,
            rcode: response ? dns.rcode : 0,
            qtypes: dns.qTypes,
            rrtypes: response ? (dns.answerTypes ?? []) : [],
          }),
    http:
      http === undefined
        ? null
        : present({
            code: response ? http.code : 0,
            method: http.method,
            url: http.url,
            protocol: http.protocol,
            headers: headersOf(http),
          }),
    kafka:
      kafka === undefined
        ? null
        : present({
            error_code: response ? kafka.errorCode : 0,
            api_version: kafka.apiVersion,
            api_key: kafka.apiKey,
            correlation_id: kafka.correlationId,
            topic: kafka.topic,
          }),
  });
}

/** Headers by their canonical names, sorted. @see cilium:pkg/hubble/parser/seven/http.go#decodeHTTP */
function headersOf(http: NonNullable<LogRecord['http']>): Json[] {
  return http.headers
    .map(({ key, value }) => ({ key: canonicalHeaderKey(key), value }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** `x-request-id` becomes `X-Request-Id`; a name with other than token characters stays. @see https://pkg.go.dev/net/textproto#CanonicalMIMEHeaderKey */
export function canonicalHeaderKey(key: string): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
    return key;
  }
  return key.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
}

/** Members that are wrapper messages: present even when they hold a zero value. */
const WRAPPERS = ['is_reply'];

/** Without members that are absent or have proto3's zero value. */
function present(members: Json): Json {
  return Object.fromEntries(
    Object.entries(members).filter(([key, value]) => {
      const isZero = value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);
      return value !== null && (!isZero || WRAPPERS.includes(key));
    }),
  );
}
