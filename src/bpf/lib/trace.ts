/** Trace notifications with monitor aggregation. @see cilium:bpf/lib/trace.h */
import type { Skb } from '../../kernel/skb.ts';
import { REASON_FORWARDED, REASON_PLAINTEXT } from '../../maps/drop_reasons.ts';
import {
  CILIUM_NOTIFY_TRACE,
  TRACE_FROM_HOST,
  TRACE_FROM_LXC,
  TRACE_FROM_NETWORK,
  TRACE_FROM_OVERLAY,
  TRACE_FROM_PROXY,
  TRACE_FROM_STACK,
  TRACE_POINT_NAMES,
  TRACE_REASON_NAMES,
  TRACE_TO_HOST,
  TRACE_TO_LXC,
  TRACE_TO_NETWORK,
  TRACE_TO_OVERLAY,
  TRACE_TO_STACK,
  type TraceNotify,
  type TracePoint,
} from '../../maps/eventsmap.ts';
import { METRIC_EGRESS, METRIC_INGRESS } from '../../maps/metricsmap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { formatIpv4 } from '../../net/ipv4.ts';
import { type BpfEnv, getHashRecalc } from '../env.ts';
import { TRACE_PAYLOAD_LEN } from './conntrack.ts';
import { updateMetrics } from './metrics.ts';

/** Levels from which on something is left out. @see cilium:bpf/lib/trace.h#TRACE_AGGREGATE_RX */
const TRACE_AGGREGATE_RX = 1;
const TRACE_AGGREGATE_ACTIVE_CT = 3;

/**
 * Counts the packet and, if aggregation lets it through, tells the monitor.
 * @param source endpoint id of the program
 * @param dstId endpoint id, or the proxy port
 * @param origIp source address before reverse NAT; 0 = not given
 * @see cilium:bpf/lib/trace.h#send_trace_notify4
 */
export function sendTraceNotify(
  env: BpfEnv,
  skb: Skb,
  source: number,
  obsPoint: TracePoint,
  src: number,
  dst: number,
  dstId: number,
  ifindex: number,
  reason: number,
  monitor: number,
  origIp: Ipv4 = 0,
): void {
  updateTraceMetrics(env, skb, obsPoint);
  const { events } = env.maps;
  const emitted = emitTraceNotify(env, obsPoint, monitor);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'emit',
      actor: 'bpf',
      fn: 'send_trace_notify',
      see: 'cilium:bpf/lib/trace.h#send_trace_notify',
      packet: skb.packet.id,
      event: 'trace',
      data: {
        point: TRACE_POINT_NAMES[obsPoint],
        reason: TRACE_REASON_NAMES[reason] ?? String(reason),
        source,
        srcIdentity: src,
        dstIdentity: dst,
        dstId,
        ifindex,
        origIp: formatIpv4(origIp),
        emitted,
      },
    });
  }
  if (!emitted || !events.hasReaders) {
    return;
  }
  const record: TraceNotify = {
    type: CILIUM_NOTIFY_TRACE,
    at: env.clock.now(),
    source,
    hash: getHashRecalc(skb),
    lenOrig: skb.packet.length,
    lenCap: Math.min(monitor === 0 ? TRACE_PAYLOAD_LEN : monitor, skb.packet.length),
    packet: skb.packet,
    obsPoint,
    srcLabel: src,
    dstLabel: dst,
    dstId,
    reason,
    ifindex,
    origIp,
  };
  events.output(record);
}

/** @see cilium:bpf/lib/trace.h#update_trace_metrics */
function updateTraceMetrics(env: BpfEnv, skb: Skb, obsPoint: TracePoint): void {
  switch (obsPoint) {
    case TRACE_TO_LXC:
      updateMetrics(env, skb.packet.length, METRIC_INGRESS, REASON_FORWARDED);
      break;
    case TRACE_TO_HOST:
    case TRACE_TO_STACK:
    case TRACE_TO_OVERLAY:
    case TRACE_TO_NETWORK:
      updateMetrics(env, skb.packet.length, METRIC_EGRESS, REASON_FORWARDED);
      break;
    case TRACE_FROM_HOST:
    case TRACE_FROM_STACK:
    case TRACE_FROM_OVERLAY:
    case TRACE_FROM_NETWORK:
      updateMetrics(env, skb.packet.length, METRIC_INGRESS, REASON_PLAINTEXT);
      break;
    default:
      break;
  }
}

/** @see cilium:bpf/lib/trace.h#emit_trace_notify */
function emitTraceNotify(env: BpfEnv, obsPoint: TracePoint, monitor: number): boolean {
  const level = env.config.monitorAggregation;
  if (level >= TRACE_AGGREGATE_RX) {
    switch (obsPoint) {
      case TRACE_FROM_LXC:
      case TRACE_FROM_PROXY:
      case TRACE_FROM_HOST:
      case TRACE_FROM_STACK:
      case TRACE_FROM_OVERLAY:
      case TRACE_FROM_NETWORK:
        return false;
      default:
        break;
    }
  }
  return level < TRACE_AGGREGATE_ACTIVE_CT || monitor !== 0;
}
