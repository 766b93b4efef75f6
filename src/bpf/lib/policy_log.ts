/** Policy verdict notifications: for each new connection and each denied packet. @see cilium:bpf/lib/policy_log.h */
import type { Skb } from '../../kernel/skb.ts';
import {
  CILIUM_NOTIFY_POLICY_VERDICT,
  POLICY_MATCH_NAMES,
  type PolicyVerdictNotify,
  VERDICT_EGRESS,
  VERDICT_INGRESS,
} from '../../maps/eventsmap.ts';
import { type BpfEnv, getHashRecalc } from '../env.ts';
import { TRACE_PAYLOAD_LEN } from './conntrack.ts';

/** Bits of POLICY_VERDICT_LOG_FILTER. @see cilium:bpf/lib/common.h#POLICY_INGRESS */
export const POLICY_INGRESS = VERDICT_INGRESS;
export const POLICY_EGRESS = VERDICT_EGRESS;

/**
 * @param filter the endpoint's POLICY_VERDICT_LOG_FILTER: directions in which policy is enforced
 * @param verdict negative drop reason, 0, or a proxy port
 * @see cilium:bpf/lib/policy_log.h#send_policy_verdict_notify
 */
export function sendPolicyVerdictNotify(
  env: BpfEnv,
  skb: Skb,
  source: number,
  filter: number,
  remoteLabel: number,
  dstPort: number,
  proto: number,
  dir: typeof VERDICT_INGRESS | typeof VERDICT_EGRESS,
  verdict: number,
): void {
  if ((filter & dir) === 0) {
    return;
  }
  const { matchType, audited } = env.scratch;
  if (env.journey.recording) {
    env.journey.add({
      kind: 'emit',
      actor: 'bpf',
      fn: 'send_policy_verdict_notify',
      see: 'cilium:bpf/lib/policy_log.h#send_policy_verdict_notify',
      packet: skb.packet.id,
      event: 'policy-verdict',
      data: {
        endpoint: source,
        remoteIdentity: remoteLabel,
        direction: dir === VERDICT_INGRESS ? 'ingress' : 'egress',
        verdict,
        match: POLICY_MATCH_NAMES[matchType],
        audited,
        port: dstPort,
        protocol: proto,
      },
    });
  }
  const { events } = env.maps;
  if (!events.hasReaders) {
    return;
  }
  const record: PolicyVerdictNotify = {
    type: CILIUM_NOTIFY_POLICY_VERDICT,
    at: env.clock.now(),
    source,
    hash: getHashRecalc(skb),
    lenOrig: skb.packet.length,
    lenCap: Math.min(TRACE_PAYLOAD_LEN, skb.packet.length),
    packet: skb.packet,
    remoteLabel,
    verdict,
    dstPort,
    proto,
    dir,
    matchType,
    audited,
  };
  events.output(record);
}
