/**
 * Policy verdict notifications as text.
 * @see cilium:pkg/monitor/datapath_policy.go
 */
import { POLICY_MATCH_NAMES, type PolicyVerdictNotify, VERDICT_INGRESS } from '../maps/eventsmap.ts';
import { packetSummary } from '../net/packet.ts';
import { hexText, identityText } from './identity_text.ts';

/** What a verdict number means. @see cilium:pkg/monitor/datapath_policy.go#GetPolicyActionString */
export function policyActionText(record: PolicyVerdictNotify): 'audit' | 'deny' | 'redirect' | 'allow' {
  if (record.audited) {
    return 'audit';
  }
  return record.verdict < 0 ? 'deny' : record.verdict > 0 ? 'redirect' : 'allow';
}

/** The one-line form. @see cilium:pkg/monitor/datapath_policy.go#PolicyVerdictNotify.DumpInfo */
export function policyVerdictInfo(record: PolicyVerdictNotify, numeric: boolean): string {
  const direction = record.dir === VERDICT_INGRESS ? 'ingress' : 'egress';
  return (
    `Policy verdict log: flow ${hexText(record.hash)} local EP ID ${record.source}, remote ID ${identityText(record.remoteLabel, numeric)}, ` +
    `proto ${record.proto}, ${direction}, action ${policyActionText(record)}, match ${POLICY_MATCH_NAMES[record.matchType]}, ` +
    packetSummary(record.packet)
  );
}
