/**
 * The L4 policy of an endpoint as the agent's API shows it: a JSON text for every filter.
 * @see cilium:pkg/policy/l4.go#L4Policy.GetModel
 */
import { labelText } from '../labels/labels.ts';
import { encodeL7 } from '../policy/api/encode.ts';
import type { FilterSelector, L4Filter, L4Policy, L4PolicyMap } from '../policy/l4.ts';

/** A rule of the L4 policy with the labels of the rules it comes from. @see cilium:api/v1/models/policy_rule.go#PolicyRule */
export interface PolicyRuleModel {
  readonly 'derived-from-rules': readonly (readonly string[])[];
  readonly rule: string;
}

/** Both directions. */
export function l4PolicyModel(policy: L4Policy): {
  readonly egress: readonly PolicyRuleModel[];
  readonly ingress: readonly PolicyRuleModel[];
} {
  return { egress: models(policy.egress), ingress: models(policy.ingress) };
}

function models(filters: L4PolicyMap): PolicyRuleModel[] {
  return [...filters.values()].map((filter) => ({
    'derived-from-rules': filter.derivedFrom.map((labels) => labels.map(labelText)),
    rule: filterText(filter),
  }));
}

/** @see cilium:pkg/policy/l4.go#L4Filter.Marshal */
function filterText(filter: L4Filter): string {
  const parts = [...filter.perSelector.values()].sort((a, b) => (a.selector.key < b.selector.key ? -1 : 1));
  return JSON.stringify({
    port: filter.port,
    ...(filter.portName === '' ? {} : { 'port-name': filter.portName }),
    protocol: filter.protocol,
    ...(parts.length === 0 ? {} : { 'l7-rules': parts.map((part) => ({ [part.selector.key]: partModel(part) })) }),
  });
}

/** `null` = allowed without L7. @remarks Not modelled: the values of TLS contexts. */
function partModel({ policy }: FilterSelector): object | null {
  if (policy === null) {
    return null;
  }
  return {
    ...(policy.serverNames.length === 0 ? {} : { serverNames: policy.serverNames }),
    ...encodeL7({ http: policy.http, kafka: policy.kafka, dns: policy.dns, l7proto: policy.l7proto, l7: policy.l7 }),
    ...(policy.isDeny ? { IsDeny: true } : {}),
  };
}
