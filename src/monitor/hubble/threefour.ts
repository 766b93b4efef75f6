/**
 * Datapath notifications as flows.
 * @see cilium:pkg/hubble/parser/threefour/parser.go#Parser.Decode
 */
import { dropReasonText } from '../../maps/drop_reasons.ts';
import {
  CILIUM_NOTIFY_DROP,
  CILIUM_NOTIFY_POLICY_VERDICT,
  CILIUM_NOTIFY_TRACE,
  type PacketRecord,
  POLICY_MATCH_NAMES,
  TRACE_POINT_NAMES,
  TRACE_REASON_CT_REPLY,
  TRACE_REASON_UNKNOWN,
  TRACE_TO_PROXY,
  VERDICT_INGRESS,
} from '../../maps/eventsmap.ts';
import { LOCAL_IDENTITY_FLAG } from '../../maps/identity.ts';
import { icmpText } from '../../net/icmp_text.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { formatMac } from '../../net/mac.ts';
import { type Packet, ports } from '../../net/packet.ts';
import { tcpFlagNames } from '../../net/protocol.ts';
import { TRACE_REASON_ENCRYPT_MASK } from '../datapath_trace.ts';
import type { Flow, FlowDirection, FlowEndpoint, FlowEvent, FlowL4, FlowNames, FlowVerdict } from './flow.ts';

/** The flow of a record; `time` in Unix milliseconds. */
export function threefourFlow(record: PacketRecord, time: number, names: FlowNames): Flow {
  const { packet } = record;
  const { sport, dport } = ports(packet);
  const labels = securityIdentities(record);
  const trace = record.type === CILIUM_NOTIFY_TRACE ? record : null;
  const sourceIp = trace !== null && trace.origIp !== 0 ? trace.origIp : packet.ip.src;
  const source = flowEndpoint(names, formatIpv4(sourceIp), sport, labels.source);
  const destination = flowEndpoint(names, formatIpv4(packet.ip.dst), dport, labels.destination);
  const isReply = replyOf(record);
  const ifindex = trace?.ifindex ?? 0;
  return {
    time,
    nodeName: names.nodeName,
    verdict: verdictOf(record),
    dropReason: dropReasonOf(record),
    ethernet: { source: formatMac(packet.eth.src).toLowerCase(), destination: formatMac(packet.eth.dst).toLowerCase() },
    encrypted: trace !== null && (trace.reason & TRACE_REASON_ENCRYPT_MASK) !== 0,
    l4: flowL4(packet),
    source,
    destination,
    sourceNames: names.namesOf(destination.id, source.ip),
    destinationNames: names.namesOf(source.id, destination.ip),
    sourceService: names.serviceByAddress(source.ip, sport),
    destinationService: names.serviceByAddress(destination.ip, dport),
    event: eventOf(record),
    isReply,
    direction: directionOf(record, source, isReply),
    interface: ifindex === 0 ? null : { index: ifindex, name: names.deviceName(ifindex) ?? '' },
    proxyPort: trace?.obsPoint === TRACE_TO_PROXY ? trace.dstId : 0,
    summary: packetFlags(packet),
  };
}

/**
 * One end: a local endpoint by address, else what the ipcache knows; the datapath's identity wins.
 * @see cilium:pkg/hubble/parser/common/endpoint.go#EndpointResolver.ResolveEndpoint
 */
export function flowEndpoint(names: FlowNames, ip: string, port: number, datapathIdentity: number): FlowEndpoint {
  const local = names.endpointByIp(ip);
  if (local !== null) {
    const identity = datapathIdentity === 0 ? local.identity : datapathIdentity;
    return { ...local, identity, labels: sortAndFilterLabels(local.labels, identity), ip, port };
  }
  const identity = datapathIdentity === 0 ? names.identityByIp(ip) : datapathIdentity;
  const pod = names.podByIp(ip);
  return {
    id: 0,
    identity,
    namespace: pod?.namespace ?? '',
    podName: pod?.podName ?? '',
    labels: sortAndFilterLabels(names.identityLabels(identity), identity),
    workloads: [],
    ip,
    port,
  };
}

/** Of the CIDR labels of a node-local identity only the longest prefix. @see cilium:pkg/hubble/parser/common/labels.go#SortAndFilterLabels */
function sortAndFilterLabels(labels: readonly string[], identity: number): readonly string[] {
  if ((identity & LOCAL_IDENTITY_FLAG) === 0) {
    return [...labels].sort();
  }
  const length = (label: string): number => Number(label.slice(label.lastIndexOf('/') + 1));
  const cidrs = labels.filter((label) => label.startsWith('cidr:') && length(label) > 0).sort((a, b) => length(b) - length(a));
  return [...labels.filter((label) => !label.startsWith('cidr:')), ...cidrs.slice(0, 1)].sort();
}

function securityIdentities(record: PacketRecord): { readonly source: number; readonly destination: number } {
  if (record.type === CILIUM_NOTIFY_POLICY_VERDICT) {
    return record.dir === VERDICT_INGRESS ? { source: record.remoteLabel, destination: 0 } : { source: 0, destination: record.remoteLabel };
  }
  return { source: record.srcLabel, destination: record.dstLabel };
}

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeVerdict */
function verdictOf(record: PacketRecord): FlowVerdict {
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

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeDropReason */
function dropReasonOf(record: PacketRecord): number {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return record.reason;
    case CILIUM_NOTIFY_TRACE:
      return 0;
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return Math.max(0, -record.verdict);
  }
}

function eventOf(record: PacketRecord): FlowEvent {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return { kind: 'drop', code: record.reason, reason: dropReasonText(record.reason) };
    case CILIUM_NOTIFY_TRACE:
      return { kind: 'trace', obsPoint: record.obsPoint, point: TRACE_POINT_NAMES[record.obsPoint] };
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return { kind: 'policy-verdict', matchType: record.matchType, match: POLICY_MATCH_NAMES[record.matchType] };
  }
}

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeIsReply */
function replyOf(record: PacketRecord): boolean | null {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return null;
    case CILIUM_NOTIFY_TRACE: {
      const reason = record.reason & ~TRACE_REASON_ENCRYPT_MASK;
      return record.reason === TRACE_REASON_UNKNOWN ? null : reason === TRACE_REASON_CT_REPLY;
    }
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return record.verdict >= 0 ? false : null;
  }
}

/** @see cilium:pkg/hubble/parser/threefour/parser.go#decodeTrafficDirection */
function directionOf(record: PacketRecord, source: FlowEndpoint, isReply: boolean | null): FlowDirection | null {
  switch (record.type) {
    case CILIUM_NOTIFY_DROP:
      return record.source === 0 ? null : source.id === record.source ? 'EGRESS' : 'INGRESS';
    case CILIUM_NOTIFY_TRACE:
      if (record.source === 0 || isReply === null) {
        return null;
      }
      return (source.id === record.source) !== isReply ? 'EGRESS' : 'INGRESS';
    case CILIUM_NOTIFY_POLICY_VERDICT:
      return record.dir === VERDICT_INGRESS ? 'INGRESS' : 'EGRESS';
  }
}

function flowL4(packet: Packet): FlowL4 | null {
  const { l4 } = packet;
  switch (l4.kind) {
    case 'tcp':
      return { kind: 'TCP', flags: tcpFlagNames(l4.flags) };
    case 'udp':
      return { kind: 'UDP' };
    case 'sctp':
      return { kind: 'SCTP' };
    case 'icmp':
      return { kind: 'ICMPv4', type: l4.type, code: l4.code };
    case 'none':
      return null;
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
      return `ICMPv4 ${icmpText(l4.type, l4.code)}`;
    case 'none':
      return 'IPv4';
  }
}
