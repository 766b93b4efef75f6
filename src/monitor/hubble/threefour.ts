/**
 * Datapath notifications as flows.
 * @see cilium:pkg/hubble/parser/threefour/parser.go#Parser.Decode
 */
import { dropReasonText } from '../../maps/drop_reasons.ts';
import {
  CILIUM_NOTIFY_DROP,
  CILIUM_NOTIFY_POLICY_VERDICT,
  CILIUM_NOTIFY_TRACE,
  type PerfRecord,
  POLICY_MATCH_NAMES,
  TRACE_POINT_NAMES,
  TRACE_REASON_CT_REPLY,
  TRACE_REASON_UNKNOWN,
  TRACE_TO_PROXY,
  VERDICT_INGRESS,
} from '../../maps/eventsmap.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { type Packet, ports } from '../../net/packet.ts';
import { ICMP_ECHO, ICMP_ECHOREPLY, protocolName, tcpFlagNames } from '../../net/protocol.ts';
import type { Flow, FlowEndpoint, FlowEvent, FlowNames, FlowVerdict } from './flow.ts';

/** The flow of a record; `time` in Unix milliseconds. */
export function threefourFlow(record: PerfRecord, time: number, names: FlowNames): Flow {
  const { packet } = record;
  const { sport, dport } = ports(packet);
  const labels = securityIdentities(record);
  const sourceIp = record.type === CILIUM_NOTIFY_TRACE && record.origIp !== 0 ? record.origIp : packet.ip.src;
  const source = flowEndpoint(names, formatIpv4(sourceIp), sport, labels.source);
  const destination = flowEndpoint(names, formatIpv4(packet.ip.dst), dport, labels.destination);
  const isReply = replyOf(record);
  return {
    time,
    nodeName: names.nodeName,
    verdict: verdictOf(record),
    source,
    destination,
    protocol: protocolName(packet.ip.protocol),
    event: eventOf(record),
    isReply,
    direction: directionOf(record, source, isReply),
    proxyPort: record.type === CILIUM_NOTIFY_TRACE && record.obsPoint === TRACE_TO_PROXY ? record.dstId : 0,
    summary: packetFlags(packet),
  };
}

/** One end: a local endpoint by address, else what the ipcache knows; the datapath's identity wins. @see cilium:pkg/hubble/parser/common/endpoint.go#EndpointResolver.ResolveEndpoint */
export function flowEndpoint(names: FlowNames, ip: string, port: number, datapathIdentity: number): FlowEndpoint {
  const pod = names.endpointByIp(ip);
  if (pod !== null) {
    return { ...pod, identity: datapathIdentity === 0 ? pod.identity : datapathIdentity, ip, port };
  }
  const identity = datapathIdentity === 0 ? names.identityByIp(ip) : datapathIdentity;
  return { id: 0, identity, namespace: '', podName: '', labels: names.identityLabels(identity), ip, port };
}

function securityIdentities(record: PerfRecord): { readonly source: number; readonly destination: number } {
  if (record.type === CILIUM_NOTIFY_POLICY_VERDICT) {
    return record.dir === VERDICT_INGRESS ? { source: record.remoteLabel, destination: 0 } : { source: 0, destination: record.remoteLabel };
  }
  return { source: record.srcLabel, destination: record.dstLabel };
}

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeVerdict */
function verdictOf(record: PerfRecord): FlowVerdict {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return 'DROPPED';
    case CILIUM_NOTIFY_TRACE:
      return 'FORWARDED';
    case CILIUM_NOTIFY_POLICY_VERDICT:
      if (record.verdict < 0) {
        return 'DROPPED';
      }
      if (record.verdict > 0) {
        return 'REDIRECTED';
      }
      return record.audited ? 'AUDIT' : 'FORWARDED';
  }
}

function eventOf(record: PerfRecord): FlowEvent {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return { kind: 'drop', reason: dropReasonText(record.reason) };
    case CILIUM_NOTIFY_TRACE:
      return { kind: 'trace', point: TRACE_POINT_NAMES[record.obsPoint] };
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return { kind: 'policy-verdict', match: POLICY_MATCH_NAMES[record.matchType] };
  }
}

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeIsReply */
function replyOf(record: PerfRecord): boolean | null {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return null;
    case CILIUM_NOTIFY_TRACE:
      return (record.reason & 0x7f) === TRACE_REASON_UNKNOWN ? null : (record.reason & 0x7f) === TRACE_REASON_CT_REPLY;
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return record.verdict >= 0 ? false : null;
  }
}

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeTrafficDirection */
function directionOf(record: PerfRecord, source: FlowEndpoint, isReply: boolean | null): 'INGRESS' | 'EGRESS' | null {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return source.id !== 0 && source.id === record.source ? 'EGRESS' : 'INGRESS';
    case CILIUM_NOTIFY_TRACE:
      if (isReply === null) {
        return null;
      }
      return (source.id !== 0 && source.id === record.source) !== isReply ? 'EGRESS' : 'INGRESS';
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return record.dir === VERDICT_INGRESS ? 'INGRESS' : 'EGRESS';
  }
}

function packetFlags(packet: Packet): string {
  const { l4 } = packet;
  switch (l4.kind) {
    case 'tcp':
      return `TCP Flags: ${tcpFlagNames(l4.flags).join(', ')}`;
    case 'udp':
      return 'UDP';
    case 'sctp':
      return 'SCTP';
    case 'icmp':
      return `ICMPv4 ${l4.type === ICMP_ECHO ? 'EchoRequest' : l4.type === ICMP_ECHOREPLY ? 'EchoReply' : `${l4.type}(${l4.code})`}`;
    case 'none':
      return 'IPv4';
  }
}
