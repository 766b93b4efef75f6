/** Which policy elements let a request through or denied it: the origins of the entries and rules its steps name. */
import type { PolicyOrigin, ProxyRulePlace } from '../cluster/policy_origins.ts';
import { type PolicyKey, TRAFFIC_EGRESS, TRAFFIC_INGRESS } from '../maps/policymap.ts';
import type { Json, JsonObject, Step } from '../sim/journey.ts';
import type { PolicyReference } from './result.ts';

/** Who knows where entries and rules come from. */
export interface OriginSource {
  entryOrigins(endpointId: number, key: PolicyKey): readonly PolicyOrigin[];
  proxyRuleOrigins(place: ProxyRulePlace): readonly PolicyOrigin[];
}

type Decision = Step & { readonly kind: 'decide' };

/** The elements behind what let a request through: of the entries its connections found, and of the proxy's rule. Built-in entries are left out. */
export function allowedBy(steps: readonly Step[], source: OriginSource): PolicyReference[] {
  const connecting = new Set(steps.flatMap((step) => (step.kind === 'enter' && / tcp SYN$/.test(step.what) ? [step.packet] : [])));
  const found: PolicyReference[] = [];
  for (const step of steps) {
    if (step.kind !== 'decide') {
      continue;
    }
    if (step.fn === '__policy_can_access' && step.verdict !== 'drop' && connecting.has(step.packet)) {
      found.push(...entryReferences(step, source, 'lets the connection through'));
    } else if (step.fn === 'cilium.l7policy' && step.verdict === 'allow') {
      found.push(...ruleReferences(step, source));
    }
  }
  return [...new Map(found.map((reference) => [JSON.stringify(reference), reference])).values()];
}

/** The elements behind a deny entry that decided; empty when it was no entry. */
export function denyReferences(step: Step | undefined, source: OriginSource): PolicyReference[] {
  return step?.kind === 'decide' && objectOf(step.data?.['entry'])['deny'] === true ? entryReferences(step, source, 'denies') : [];
}

function entryReferences(step: Decision, source: OriginSource, says: string): PolicyReference[] {
  const { map, key } = step.data ?? {};
  const { identity, port, protocol, direction } = objectOf(key);
  const endpointId = /^cilium_policy_(\d+)$/.exec(String(map))?.[1];
  if (endpointId === undefined || key === undefined) {
    return [];
  }
  const egress = direction === 'egress' ? TRAFFIC_EGRESS : TRAFFIC_INGRESS;
  const origins = source.entryOrigins(Number(endpointId), {
    secLabel: Number(identity),
    dport: Number(port),
    protocol: Number(protocol),
    egress,
  });
  return references(origins, `${says} (${String(direction)})`);
}

function ruleReferences(step: Decision, source: OriginSource): PolicyReference[] {
  const { endpointId, direction, match } = step.data ?? {};
  const { portIndex, rule, httpRule } = objectOf(match);
  if (typeof endpointId !== 'number' || typeof httpRule !== 'number' || httpRule < 0) {
    return [];
  }
  const place: ProxyRulePlace = {
    endpointId,
    direction: direction === 'egress' ? 'egress' : 'ingress',
    portIndex: Number(portIndex),
    rule: Number(rule),
    httpRule,
  };
  return references(source.proxyRuleOrigins(place), 'allows the request');
}

function references(origins: readonly PolicyOrigin[], says: string): PolicyReference[] {
  return origins.filter(({ policy }) => policy !== 'built in').map(({ policy, position }) => ({ policy, position, says }));
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
