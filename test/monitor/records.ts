/** Records of the article's traffic, made by hand. */

import type { DropNotify, PacketRecord, PolicyVerdictNotify, TraceNotify, TraceSockNotify } from '../../src/maps/eventsmap.ts';
import type { MonitorEvent } from '../../src/monitor/event.ts';
import type { LogRecord } from '../../src/monitor/log_record.ts';
import { NO_BYTES } from '../../src/net/bytes.ts';
import { type Ipv4, parseIpv4 } from '../../src/net/ipv4.ts';
import { makePacket, type Packet } from '../../src/net/packet.ts';
import { IPPROTO_TCP, TCP_ACK, TCP_PSH, TCP_SYN } from '../../src/net/protocol.ts';

/** 2023-06-12T03:04:05.101Z */
export const WALL = 1_686_539_045_101;

export function ip(text: string): Ipv4 {
  return parseIpv4(text) as Ipv4;
}

/** A TCP segment `10.0.0.1:1 10.0.0.2:80 flags`. */
export function tcp(source: string, destination: string, flags: number): Packet {
  const [src, sport] = source.split(':') as [string, string];
  const [dst, dport] = destination.split(':') as [string, string];
  return makePacket({
    id: 1,
    src: ip(src),
    dst: ip(dst),
    protocol: IPPROTO_TCP,
    l4: { kind: 'tcp', sport: Number(sport), dport: Number(dport), seq: 0, ack: 0, flags, window: 64240, options: null, headerLength: 40 },
    payload: NO_BYTES,
  });
}

const common = { at: 0, hash: 0x1a2b3c4d, lenOrig: 74, lenCap: 74 };

export const SYN = tcp('10.0.0.123:48954', '10.0.0.111:80', TCP_SYN);

export const VERDICT: PolicyVerdictNotify = {
  ...common,
  type: 5,
  source: 863,
  packet: SYN,
  remoteLabel: 29439,
  verdict: 19313,
  dstPort: 80,
  proto: 6,
  dir: 1,
  matchType: 2,
  audited: false,
};
export const TO_PROXY: TraceNotify = {
  ...common,
  type: 4,
  source: 863,
  packet: SYN,
  obsPoint: 1,
  srcLabel: 29439,
  dstLabel: 2033,
  dstId: 19313,
  reason: 0,
  ifindex: 14,
  origIp: ip('10.0.0.123'),
};
export const TO_CLIENT: TraceNotify = {
  ...common,
  type: 4,
  source: 2216,
  packet: tcp('10.43.0.9:80', '10.0.0.123:48954', TCP_SYN | TCP_ACK),
  obsPoint: 0,
  srcLabel: 2033,
  dstLabel: 29439,
  dstId: 2216,
  reason: 2,
  ifindex: 12,
  origIp: ip('10.0.0.111'),
};
export const TO_STACK: TraceNotify = {
  ...common,
  type: 4,
  source: 863,
  packet: tcp('10.0.0.111:80', '10.0.0.67:33988', TCP_SYN | TCP_ACK | TCP_PSH),
  obsPoint: 3,
  srcLabel: 2033,
  dstLabel: 1,
  dstId: 0,
  reason: 2,
  ifindex: 0,
  origIp: 0,
};
export const DROP: DropNotify = {
  ...common,
  type: 1,
  source: 863,
  hash: 0xd4c3b2a1,
  packet: tcp('10.0.0.209:42818', '10.0.0.111:80', TCP_SYN),
  reason: 133,
  srcLabel: 5513,
  dstLabel: 2033,
  dstId: 863,
  ifindex: 14,
  file: 2,
  line: 1555,
  extError: 0,
};
export const DENIED_VERDICT: PolicyVerdictNotify = { ...VERDICT, packet: DROP.packet, remoteLabel: 5513, verdict: -133, matchType: 0 };

const TIEFIGHTER = { id: 2216, ipv4: '10.0.0.123', port: 48960, identity: 29439, labels: ['k8s:class=tiefighter', 'k8s:org=empire'] };
const DEATHSTAR = { id: 863, ipv4: '10.0.0.111', port: 80, identity: 2033, labels: ['k8s:class=deathstar', 'k8s:org=empire'] };
const HTTP = {
  code: 0,
  method: 'PUT',
  url: 'http://deathstar.default.svc.cluster.local/v1/exhaust-port',
  protocol: 'HTTP/1.1',
  headers: [{ key: 'X-Request-Id', value: 'r1' }],
  missingHeaders: [],
  rejectedHeaders: [],
};
export const DENIED_REQUEST: LogRecord = {
  type: 'Request',
  observationPoint: 'Ingress',
  verdict: 'Denied',
  source: TIEFIGHTER,
  destination: DEATHSTAR,
  http: HTTP,
};
export const DENIED_RESPONSE: LogRecord = {
  type: 'Response',
  observationPoint: 'Ingress',
  verdict: 'Forwarded',
  source: DEATHSTAR,
  destination: TIEFIGHTER,
  http: { ...HTTP, code: 403 },
};

export function perf(record: PacketRecord, at = 0): MonitorEvent {
  return { kind: 'perf', at, wallMillis: WALL, record };
}

export function l7(record: LogRecord, at = 0): MonitorEvent {
  return { kind: 'l7', at, wallMillis: WALL, record };
}

export function sock(record: TraceSockNotify): MonitorEvent {
  return { kind: 'sock', at: 0, wallMillis: WALL, record };
}
