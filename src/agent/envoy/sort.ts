/**
 * Order inside NPDS messages, so that equal policies are equal messages.
 * @see cilium:pkg/envoy/sort.go
 */
import type { HeaderMatcher, HttpNetworkPolicyRule, PortNetworkPolicy, PortNetworkPolicyRule } from '../../xds/npds.ts';

/** By protocol, port, number of rules, rules. @see cilium:pkg/envoy/sort.go#PortNetworkPolicySlice.Less */
export function comparePortPolicies(a: PortNetworkPolicy, b: PortNetworkPolicy): number {
  return protocolRank(a) - protocolRank(b) || (a.port ?? 0) - (b.port ?? 0) || compareLists(a.rules ?? [], b.rules ?? [], comparePortRules);
}

/** Rules without HTTP first, then by HTTP rules, then by remotes. @see cilium:pkg/envoy/sort.go#PortNetworkPolicyRuleLess */
export function comparePortRules(a: PortNetworkPolicyRule, b: PortNetworkPolicyRule): number {
  if ((a.http_rules === undefined) !== (b.http_rules === undefined)) {
    return a.http_rules === undefined ? -1 : 1;
  }
  return (
    compareLists(a.http_rules?.http_rules ?? [], b.http_rules?.http_rules ?? [], compareHttpRules) ||
    compareLists(a.remote_policies ?? [], b.remote_policies ?? [], (x, y) => x - y)
  );
}

/** By number of header matchers, then by matchers. @see cilium:pkg/envoy/sort.go#HTTPNetworkPolicyRuleLess */
export function compareHttpRules(a: HttpNetworkPolicyRule, b: HttpNetworkPolicyRule): number {
  return compareLists(a.headers ?? [], b.headers ?? [], compareHeaderMatchers);
}

/** By name, then by kind and value of the match. @see cilium:pkg/envoy/sort.go#HeaderMatcherLess */
export function compareHeaderMatchers(a: HeaderMatcher, b: HeaderMatcher): number {
  return (
    compareText(a.name, b.name) ||
    compareText(a.exact_match ?? '', b.exact_match ?? '') ||
    compareOptional(a.safe_regex_match?.regex, b.safe_regex_match?.regex) ||
    Number(a.present_match ?? false) - Number(b.present_match ?? false) ||
    Number(a.invert_match ?? false) - Number(b.invert_match ?? false)
  );
}

function compareLists<T>(a: readonly T[], b: readonly T[], compare: (x: T, y: T) => number): number {
  if (a.length !== b.length) {
    return a.length - b.length;
  }
  for (let i = 0; i < a.length; i++) {
    const order = compare(a[i] as T, b[i] as T);
    if (order !== 0) {
      return order;
    }
  }
  return 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareOptional(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) {
    return Number(a !== undefined) - Number(b !== undefined);
  }
  return compareText(a, b);
}

function protocolRank(policy: PortNetworkPolicy): number {
  return policy.protocol === undefined || policy.protocol === 'TCP' ? 0 : 1;
}
