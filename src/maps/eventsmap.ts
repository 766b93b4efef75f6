/**
 * `cilium_events`: notifications of the datapath, as the records of the perf ring.
 * @see cilium:bpf/lib/trace.h#trace_notify
 * @see cilium:bpf/lib/drop.h#drop_notify
 * @see cilium:bpf/lib/policy_log.h#policy_verdict_notify
 * @see cilium:bpf/lib/trace_sock.h#trace_sock_notify
 */
import { PerfEventArray } from '../kernel/prog_array.ts';
import type { Ipv4 } from '../net/ipv4.ts';
import type { Packet } from '../net/packet.ts';
import type { Identity } from './identity.ts';

/** Its pinned name. */
export const EVENTS_MAP_NAME = 'cilium_events';

/** Message types. @see cilium:pkg/monitor/api/types.go */
export const CILIUM_NOTIFY_DROP = 1;
export const CILIUM_NOTIFY_TRACE = 4;
export const CILIUM_NOTIFY_POLICY_VERDICT = 5;
export const CILIUM_NOTIFY_TRACE_SOCK = 7;

/** Trace points. @see cilium:bpf/lib/trace.h#trace_point */
export const TRACE_TO_LXC = 0;
export const TRACE_TO_PROXY = 1;
export const TRACE_TO_HOST = 2;
export const TRACE_TO_STACK = 3;
export const TRACE_TO_OVERLAY = 4;
export const TRACE_FROM_LXC = 5;
export const TRACE_FROM_PROXY = 6;
export const TRACE_FROM_HOST = 7;
export const TRACE_FROM_STACK = 8;
export const TRACE_FROM_OVERLAY = 9;
export const TRACE_FROM_NETWORK = 10;
export const TRACE_TO_NETWORK = 11;
export type TracePoint = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;

/** Names of the trace points in order. @see cilium:pkg/monitor/api/types.go#TraceObservationPoints */
export const TRACE_POINT_NAMES = [
  'to-endpoint',
  'to-proxy',
  'to-host',
  'to-stack',
  'to-overlay',
  'from-endpoint',
  'from-proxy',
  'from-host',
  'from-stack',
  'from-overlay',
  'from-network',
  'to-network',
] as const;

/** Trace reasons: conntrack results and UNKNOWN. @see cilium:bpf/lib/trace.h#trace_reason */
export const TRACE_REASON_POLICY = 0;
export const TRACE_REASON_CT_ESTABLISHED = 1;
export const TRACE_REASON_CT_REPLY = 2;
export const TRACE_REASON_CT_RELATED = 3;
export const TRACE_REASON_CT_REOPENED = 4;
export const TRACE_REASON_UNKNOWN = 5;

/** Names of trace reasons in order. @see cilium:pkg/monitor/datapath_trace.go#traceReasons */
export const TRACE_REASON_NAMES = ['new', 'established', 'reply', 'related', 'reopened', 'unknown'] as const;

/** How a policy entry matched. @see cilium:bpf/lib/common.h#POLICY_MATCH_NONE */
export const POLICY_MATCH_NONE = 0;
export const POLICY_MATCH_L3_ONLY = 1;
export const POLICY_MATCH_L3_L4 = 2;
export const POLICY_MATCH_L4_ONLY = 3;
export const POLICY_MATCH_ALL = 4;
export const POLICY_MATCH_L3_PROTO = 5;
export const POLICY_MATCH_PROTO_ONLY = 6;
export type PolicyMatchType = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** Texts of the match types. @see cilium:pkg/monitor/api/types.go#PolicyMatchType.String */
export const POLICY_MATCH_NAMES = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only'] as const;

/** Directions in verdict events. */
export const VERDICT_INGRESS = 1;
export const VERDICT_EGRESS = 2;

interface NotifyCommon {
  /** Nanoseconds since boot at which the record was written. */
  readonly at: number;
  /** Endpoint whose program wrote it; the host endpoint's id, or 0. */
  readonly source: number;
  /** Flow hash. */
  readonly hash: number;
  /** Original length and captured length in bytes. */
  readonly lenOrig: number;
  readonly lenCap: number;
  /** The packet as it was when the record was written. */
  readonly packet: Packet;
}

/** @see cilium:bpf/lib/trace.h#trace_notify */
export interface TraceNotify extends NotifyCommon {
  readonly type: typeof CILIUM_NOTIFY_TRACE;
  readonly obsPoint: TracePoint;
  readonly srcLabel: Identity;
  readonly dstLabel: Identity;
  /** Endpoint id, or the proxy port at TRACE_TO_PROXY. */
  readonly dstId: number;
  readonly reason: number;
  readonly ifindex: number;
  /** Source address before reverse NAT; 0 = not given. */
  readonly origIp: Ipv4;
}

/** @see cilium:bpf/lib/drop.h#drop_notify */
export interface DropNotify extends NotifyCommon {
  readonly type: typeof CILIUM_NOTIFY_DROP;
  /** Positive reason code. */
  readonly reason: number;
  readonly srcLabel: Identity;
  readonly dstLabel: Identity;
  readonly dstId: number;
  readonly ifindex: number;
  /** File id and line of the program. */
  readonly file: number;
  readonly line: number;
  readonly extError: number;
}

/** @see cilium:bpf/lib/policy_log.h#policy_verdict_notify */
export interface PolicyVerdictNotify extends NotifyCommon {
  readonly type: typeof CILIUM_NOTIFY_POLICY_VERDICT;
  readonly remoteLabel: Identity;
  /** Negative: drop reason; 0: allow; positive: redirect (proxy port, host order here). */
  readonly verdict: number;
  readonly dstPort: number;
  readonly proto: number;
  readonly dir: typeof VERDICT_INGRESS | typeof VERDICT_EGRESS;
  readonly matchType: PolicyMatchType;
  readonly audited: boolean;
}

/** Where the socket's program stands with a translation. @see cilium:bpf/lib/trace_sock.h#xlate_point */
export const XLATE_PRE_DIRECTION_FWD = 1;
export const XLATE_POST_DIRECTION_FWD = 2;
export const XLATE_PRE_DIRECTION_REV = 3;
export const XLATE_POST_DIRECTION_REV = 4;
export type XlatePoint = 1 | 2 | 3 | 4;

/** Names of the translation points by number. @see cilium:pkg/monitor/datapath_sock_trace.go#TraceSockNotify.XlatePointStr */
export const XLATE_POINT_NAMES = ['unknown', 'pre-xlate-fwd', 'post-xlate-fwd', 'pre-xlate-rev', 'post-xlate-rev'] as const;

/** Transport of a socket trace. @see cilium:bpf/lib/trace_sock.h#l4_protocol */
export const L4_PROTOCOL_UNKNOWN = 0;
export const L4_PROTOCOL_TCP = 1;
export const L4_PROTOCOL_UDP = 2;

/** A socket call, which no packet belongs to. @see cilium:bpf/lib/trace_sock.h#trace_sock_notify */
export interface TraceSockNotify {
  readonly type: typeof CILIUM_NOTIFY_TRACE_SOCK;
  /** Nanoseconds since boot at which the record was written. */
  readonly at: number;
  readonly xlatePoint: XlatePoint;
  readonly dstIp: Ipv4;
  readonly dstPort: number;
  readonly sockCookie: number;
  readonly cgroupId: number;
  readonly l4Proto: typeof L4_PROTOCOL_UNKNOWN | typeof L4_PROTOCOL_TCP | typeof L4_PROTOCOL_UDP;
}

/** A record about a packet. */
export type PacketRecord = TraceNotify | DropNotify | PolicyVerdictNotify;

/** One record of the perf ring. */
export type PerfRecord = PacketRecord | TraceSockNotify;

export type EventsMap = PerfEventArray<PerfRecord>;

/** Creates `cilium_events`. */
export function newEventsMap(): EventsMap {
  return new PerfEventArray(EVENTS_MAP_NAME);
}
