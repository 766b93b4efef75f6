/**
 * What the monitor shows of what the agent tells: access log entries get the endpoints and labels of their ends.
 * @see cilium:pkg/envoy/accesslog_server.go#accessLogServer.logRecord
 * @see cilium:pkg/proxy/logger/logger.go#NewLogRecord
 */
import type { Daemon } from '../agent/daemon/daemon.ts';
import { printableLabels } from '../agent/labels/labels.ts';
import type { MonitorPayload } from '../agent/monitor/monitor_agent.ts';
import type { MonitorEvent } from '../monitor/event.ts';
import type { EndpointInfo, LogRecord } from '../monitor/log_record.ts';
import { parseIpv4 } from '../net/ipv4.ts';
import type { Clock } from '../sim/clock.ts';
import type { HttpLogEntry, LogEntry } from '../xds/access_log.ts';

/** The event of a payload at this instant. */
export function monitorEvent(agent: Daemon, clock: Clock, payload: MonitorPayload): MonitorEvent {
  const when = { at: clock.now(), wallMillis: clock.wallMillis() };
  switch (payload.kind) {
    case 'datapath':
      return { ...when, kind: 'perf', record: payload.record };
    case 'l7':
      return { ...when, kind: 'l7', record: logRecord(agent, payload.entry) };
    case 'agent':
      return { ...when, kind: 'agent', name: payload.name, text: payload.text };
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
    ...(entry.http === undefined ? {} : { http: httpRecord(entry.http) }),
    ...(entry.generic_l7 === undefined ? {} : { l7: entry.generic_l7 }),
  };
}

function httpRecord(http: HttpLogEntry): NonNullable<LogRecord['http']> {
  return {
    code: http.status,
    method: http.method,
    url: `${http.scheme}://${http.host}${http.path}`,
    protocol: { HTTP10: 'HTTP/1', HTTP11: 'HTTP/1.1', HTTP2: 'HTTP/2' }[http.http_protocol],
    headers: http.headers,
    missingHeaders: http.missing_headers,
    rejectedHeaders: http.rejected_headers,
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
    labels: printableLabels(agent.selectorCache.identity(identity)?.labels ?? []),
  };
}
