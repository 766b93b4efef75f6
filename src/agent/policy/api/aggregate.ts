/**
 * Selectors of the peers that are not label selectors: entities, prefixes, names.
 * @see cilium:pkg/policy/api/ingress.go#IngressCommonRule.SetAggregatedSelectors
 * @see cilium:pkg/policy/api/entity.go
 * @see cilium:pkg/policy/api/cidr.go#CIDRSlice.GetAsEndpointSelectors
 */
import { formatPrefix, type IpPrefix, maskPrefix, parsePrefix, removePrefixes } from '../../../net/prefix.ts';
import { ipStringToLabel } from '../../labels/cidr.ts';
import { extendedKey, POLICY_LABEL_CLUSTER } from '../../labels/labels.ts';
import type { CidrRule, EgressRule, IngressRule } from './rule.ts';
import { type EndpointSelector, NONE_SELECTOR, newSelector, reservedSelector, WILDCARD_SELECTOR } from './selector.ts';

/** Selectors of each entity. */
export type EntityMapping = ReadonlyMap<string, readonly EndpointSelector[]>;

const WORLD = reservedSelector('world');

/** Entities that stand for the reserved label of their name. */
const RESERVED_ENTITIES = ['world', 'host', 'init', 'ingress', 'remote-node', 'health', 'unmanaged', 'none', 'kube-apiserver'] as const;

/** Names that `fromEntities` and `toEntities` know. */
export const ENTITY_NAMES: ReadonlySet<string> = new Set([...RESERVED_ENTITIES, 'all', 'cluster']);

/** Entities of a node's configuration. @see cilium:pkg/policy/api/entity.go#InitEntities */
export function entityMapping(clusterName: string, treatRemoteNodeAsHost: boolean): EntityMapping {
  const mapping = new Map<string, readonly EndpointSelector[]>([['all', [WILDCARD_SELECTOR]]]);
  for (const name of RESERVED_ENTITIES) {
    mapping.set(name, [reservedSelector(name)]);
  }
  if (treatRemoteNodeAsHost) {
    mapping.set('host', [reservedSelector('host'), reservedSelector('remote-node')]);
  }
  const inCluster = ['host', 'remote-node', 'init', 'ingress', 'health', 'unmanaged', 'kube-apiserver'].map(reservedSelector);
  mapping.set('cluster', [...inCluster, newSelector([[`k8s.${POLICY_LABEL_CLUSTER}`, clusterName]])]);
  return mapping;
}

/** Selectors of an ingress element's entities and prefixes. */
export function aggregatedIngressSelectors(rule: IngressRule, entities: EntityMapping): EndpointSelector[] {
  return [
    ...rule.fromEntities.flatMap((name) => entities.get(name) ?? []),
    ...cidrSelectors(rule.fromCIDR),
    ...cidrSelectors(resultantCidrs(rule.fromCIDRSet)),
  ];
}

/** Selectors of an egress element's entities, prefixes and names; a name is first of all a selector of nothing. */
export function aggregatedEgressSelectors(rule: EgressRule, entities: EntityMapping, isDeny: boolean): EndpointSelector[] {
  return [
    ...rule.toEntities.flatMap((name) => entities.get(name) ?? []),
    ...cidrSelectors(rule.toCIDR),
    ...cidrSelectors(resultantCidrs(rule.toCIDRSet)),
    ...(rule.toFQDNs.length > 0 && !isDeny ? [NONE_SELECTOR] : []),
  ];
}

/** What is left of CIDR rules once their exceptions are cut out, as texts. @see cilium:pkg/policy/api/cidr.go#ComputeResultantCIDRSet */
export function resultantCidrs(rules: readonly CidrRule[]): string[] {
  return rules.flatMap((rule) => {
    const allowed = parsePrefix(rule.cidr);
    if (allowed === null) {
      return [];
    }
    const removed = rule.except.map(parsePrefix).filter((prefix): prefix is IpPrefix => prefix !== null);
    return removePrefixes([maskPrefix(allowed)], removed).map(formatPrefix);
  });
}

/** One selector a prefix; a /0 adds the selector of world. */
function cidrSelectors(cidrs: readonly string[]): EndpointSelector[] {
  const selectors: EndpointSelector[] = [];
  for (const cidr of cidrs) {
    if ((cidr === '0.0.0.0/0' || cidr === '::/0') && !selectors.includes(WORLD)) {
      selectors.push(WORLD);
    }
    const label = ipStringToLabel(cidr);
    if (label !== null) {
      selectors.push(newSelector([[extendedKey(label), '']]));
    }
  }
  return selectors;
}
