/** Drops: the counter, the notification, the verdict. @see cilium:bpf/lib/drop.h */
import { type Skb, TC_ACT_SHOT, type TcAct } from '../../kernel/skb.ts';
import { dropReasonText } from '../../maps/drop_reasons.ts';
import { CILIUM_NOTIFY_DROP, type DropNotify } from '../../maps/eventsmap.ts';
import { METRIC_EGRESS, METRIC_INGRESS, type MetricDirection } from '../../maps/metricsmap.ts';
import { packetSummary } from '../../net/packet.ts';
import { type BpfEnv, getHashRecalc } from '../env.ts';
import { TRACE_PAYLOAD_LEN } from './conntrack.ts';
import { updateMetrics } from './metrics.ts';

/** File ids in drop notifications. @see cilium:bpf/lib/source_info.h */
export const FILE_BPF_HOST = 1;
export const FILE_BPF_LXC = 2;
export const FILE_BPF_OVERLAY = 3;

/** Where a drop was decided, as the notification carries it: lines are those of 1.13.3. */
export interface DropSite {
  readonly file: number;
  readonly line: number;
}

/**
 * Counts and reports a dropped packet.
 * @param reason negative drop reason
 * @param extError what the reason leaves open, for instance the type of authentication
 * @see cilium:bpf/lib/drop.h#send_drop_notify
 */
export function sendDropNotify(
  env: BpfEnv,
  skb: Skb,
  source: number,
  src: number,
  dst: number,
  dstId: number,
  reason: number,
  direction: MetricDirection,
  site: DropSite,
  extError = 0,
): TcAct {
  updateMetrics(env, skb.packet.length, direction, -reason);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'decide',
      actor: 'bpf',
      fn: 'send_drop_notify',
      see: 'cilium:bpf/lib/drop.h#send_drop_notify',
      packet: skb.packet.id,
      verdict: 'drop',
      why: dropReasonText(reason),
      data: {
        reason: -reason,
        endpoint: source,
        srcIdentity: src,
        dstIdentity: dst,
        dstId,
        direction: direction === METRIC_INGRESS ? 'ingress' : direction === METRIC_EGRESS ? 'egress' : 'service',
        packet: packetSummary(skb.packet),
      },
    });
  }
  const { events } = env.maps;
  if (events.hasReaders) {
    const record: DropNotify = {
      type: CILIUM_NOTIFY_DROP,
      at: env.clock.now(),
      source,
      hash: getHashRecalc(skb),
      lenOrig: skb.packet.length,
      lenCap: Math.min(TRACE_PAYLOAD_LEN, skb.packet.length),
      packet: skb.packet,
      reason: -reason,
      srcLabel: src,
      dstLabel: dst,
      dstId,
      ifindex: skb.ifindex,
      file: site.file,
      line: site.line,
      extError,
    };
    events.output(record);
  }
  return TC_ACT_SHOT;
}
