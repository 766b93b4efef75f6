/** The branches of the proxy's filters that a request can take, and which one a decision of the journey is. */
import type { Json, JsonObject, Step } from '../../sim/journey.ts';

type Decision = Step & { readonly kind: 'decide' };

/** All branches, in the order of the filters. */
export const BRANCHES = [
  'cilium.network: the port has no rules',
  'cilium.network: a rule admits the identity',
  'cilium.network: no rule for the port and identity',
  'cilium.network: a rule denies',
  'cilium.l7policy: an HTTP rule matches',
  'cilium.l7policy: allowed without HTTP rules',
  'cilium.l7policy: no HTTP rule matches',
  'cilium.l7policy: no entry for the port',
  'cilium.l7policy: no policy for the pod',
] as const;

/** The branch of a decision; `null` for other decisions. */
export function branchOf({ fn, verdict, data = {} }: Decision): (typeof BRANCHES)[number] | null {
  if (fn === 'cilium.network') {
    const rule = data['rule'];
    if (verdict === 'allow') {
      return rule === -1 ? BRANCHES[0] : BRANCHES[1];
    }
    return rule === undefined ? BRANCHES[2] : BRANCHES[3];
  }
  if (fn !== 'cilium.l7policy') {
    return null;
  }
  if (verdict === 'allow') {
    const httpRule = objectOf(data['match'])['httpRule'];
    return typeof httpRule === 'number' && httpRule >= 0 ? BRANCHES[4] : BRANCHES[5];
  }
  if (data['endpointId'] === null) {
    return BRANCHES[8];
  }
  return Array.isArray(data['rules']) && data['rules'].length > 0 ? BRANCHES[6] : BRANCHES[7];
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
