/**
 * Trace notifications as text.
 * @see cilium:pkg/monitor/datapath_trace.go
 */
import { TRACE_POINT_NAMES, TRACE_REASON_NAMES, TRACE_TO_PROXY, type TraceNotify } from '../maps/eventsmap.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import { packetSummary } from '../net/packet.ts';
import type { MonitorNames } from './event.ts';
import { hexText, identityText } from './identity_text.ts';

/** Bit of the reason byte: the packet was encrypted. @see cilium:pkg/monitor/datapath_trace.go#TraceReasonEncryptMask */
export const TRACE_REASON_ENCRYPT_MASK = 0x80;

/** `new`, `established`, … or the number. @see cilium:pkg/monitor/datapath_trace.go#connState */
export function traceReasonText(reason: number): string {
  return TRACE_REASON_NAMES[reason & ~TRACE_REASON_ENCRYPT_MASK] ?? String(reason);
}

/** `-> endpoint 863`. @see cilium:pkg/monitor/datapath_trace.go#TraceNotify.traceSummary */
export function traceSummary(record: TraceNotify): string {
  const name = TRACE_POINT_NAMES[record.obsPoint];
  switch (name) {
    case 'to-endpoint':
      return `-> endpoint ${record.dstId}`;
    case 'to-proxy':
      return record.dstId === 0 ? '-> proxy' : `-> proxy port ${record.dstId}`;
    case 'to-host':
      return '-> host from';
    case 'from-endpoint':
      return `<- endpoint ${record.source}`;
    default:
      return name.startsWith('to-') ? `-> ${name.slice(3)}` : `<- ${name.slice(5)}`;
  }
}

/** The one-line form. The blank before the comma is upstream's. @see cilium:pkg/monitor/datapath_trace.go#TraceNotify.DumpInfo */
export function traceInfo(record: TraceNotify, names: MonitorNames, numeric: boolean): string {
  const encrypted = (record.reason & TRACE_REASON_ENCRYPT_MASK) !== 0 ? 'encrypted  ' : '';
  const identities = `${identityText(record.srcLabel, numeric)}->${identityText(record.dstLabel, numeric)}`;
  const device = names.deviceName(record.ifindex) ?? String(record.ifindex);
  return (
    `${traceSummary(record)} ${encrypted}flow ${hexText(record.hash)} , identity ${identities} state ${traceReasonText(record.reason)} ` +
    `ifindex ${device} orig-ip ${formatIpv4(record.origIp)}: ${packetSummary(record.packet)}`
  );
}

/** The head of the verbose form. @see cilium:pkg/monitor/datapath_trace.go#TraceNotify.DumpVerbose */
export function traceVerbose(record: TraceNotify, prefix: string, names: MonitorNames, numeric: boolean): string {
  const parts = [
    `${prefix} MARK ${hexText(record.hash)} FROM ${record.source} ${TRACE_POINT_NAMES[record.obsPoint]}: ${record.lenOrig} bytes ` +
      `(${record.lenCap} captured), state ${traceReasonText(record.reason)}`,
  ];
  if (record.ifindex !== 0) {
    parts.push(`interface ${names.deviceName(record.ifindex) ?? record.ifindex}`);
  }
  if (record.srcLabel !== 0 || record.dstLabel !== 0) {
    // Both the caller and the callee print a comma upstream.
    parts.push('', `identity ${identityText(record.srcLabel, numeric)}->${identityText(record.dstLabel, numeric)}`);
  }
  parts.push(`orig-ip ${formatIpv4(record.origIp)}`);
  if (record.dstId !== 0) {
    parts.push(`to ${record.obsPoint === TRACE_TO_PROXY ? 'proxy-port' : 'endpoint'} ${record.dstId}`);
  }
  return parts.join(', ');
}
