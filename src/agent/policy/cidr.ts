/**
 * Prefixes that rules name; each gets an identity before the rules are in force.
 * @see cilium:pkg/policy/cidr.go
 */
import { hostPrefix, type IpPrefix, maskPrefix, parseIp, parsePrefix } from '../../net/prefix.ts';
import { resultantCidrs } from './api/aggregate.ts';
import type { Rule } from './api/rule.ts';

/**
 * The prefixes in the order in which they get identities: rule by rule, ingress, ingressDeny, egress, egressDeny. A prefix appears as often as it
 * is named.
 * @see cilium:pkg/policy/cidr.go#GetCIDRPrefixes
 */
export function cidrPrefixes(rules: readonly Rule[]): IpPrefix[] {
  // No spreading into calls: lists can be longer than a stack holds.
  const lists: (readonly string[])[] = [];
  for (const rule of rules) {
    for (const element of [...rule.ingress, ...rule.ingressDeny]) {
      lists.push(element.fromCIDR, resultantCidrs(element.fromCIDRSet));
    }
    for (const element of [...rule.egress, ...rule.egressDeny]) {
      lists.push(element.toCIDR, resultantCidrs(element.toCIDRSet));
    }
  }
  return lists
    .flat()
    .map(readPrefix)
    .filter((prefix): prefix is IpPrefix => prefix !== null);
}

/** A prefix, or the full-length prefix of a bare address. */
function readPrefix(text: string): IpPrefix | null {
  const prefix = parsePrefix(text);
  if (prefix !== null) {
    return maskPrefix(prefix);
  }
  const address = parseIp(text);
  return address === null ? null : hostPrefix(address);
}
