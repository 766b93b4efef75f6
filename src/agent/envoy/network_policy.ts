/**
 * The `cilium.NetworkPolicy` resource of an endpoint.
 * @see cilium:pkg/envoy/server.go#getNetworkPolicy
 */
import type { Identity } from '../../maps/identity.ts';
import type { NetworkPolicy, PortNetworkPolicy, PortNetworkPolicyRule } from '../../xds/npds.ts';
import type { RuleOrigin } from '../policy/api/rule.ts';
import type { FilterSelector, L4Filter, L4PolicyMap, NamedPorts } from '../policy/l4.ts';
import { type L7ParserType, PARSER_DNS, PARSER_HTTP } from '../policy/l7_parser.ts';
import type { SelectorPolicy } from '../policy/resolve.ts';
import type { VisibilityMetadata } from '../policy/visibility.ts';
import { getL7Part, type SecretReader } from './l7_rules.ts';
import { comparePortPolicies, comparePortRules } from './sort.ts';

/** What of an endpoint goes into its resource. */
export interface NetworkPolicySubject extends NamedPorts {
  readonly endpointId: number;
  /** IPv6 first. */
  readonly ips: readonly string[];
  /** `global`, or the name of the endpoint's own map. */
  readonly conntrackMapName: string;
  /** Ports watched because of an annotation. */
  readonly visibility?: readonly VisibilityMetadata[];
}

/** Collects where each rule message comes from; handed in only by who wants to know. */
export type OriginRecorder = Map<object, readonly RuleOrigin[]>;

/** Port 0, TCP, no rules: allows everything. */
const ALLOW_ALL_PORTS: PortNetworkPolicy = {};

/**
 * The resource. A direction that is not enforced allows all; an enforced one without filters is absent, which denies all. Denied selectors appear
 * as if they were allowed: the datapath drops their traffic before it gets to the proxy.
 */
export function getNetworkPolicy(
  policy: SelectorPolicy,
  subject: NetworkPolicySubject,
  origins: OriginRecorder | null = null,
): NetworkPolicy {
  const { l4Policy, certificates, namespace } = policy;
  const secrets: SecretReader = (secret) => certificates.secretString(secret, namespace);
  const context: Context = { subject, secrets, origins };
  const ingress = directionPolicy(context, l4Policy.ingress, true, policy.ingressPolicyEnabled);
  const egress = directionPolicy(context, l4Policy.egress, false, policy.egressPolicyEnabled);
  return {
    endpoint_ips: subject.ips,
    endpoint_id: subject.endpointId,
    ...(ingress === null ? {} : { ingress_per_port_policies: ingress }),
    ...(egress === null ? {} : { egress_per_port_policies: egress }),
    ...(subject.conntrackMapName === '' ? {} : { conntrack_map_name: subject.conntrackMapName }),
  };
}

interface Context {
  readonly subject: NetworkPolicySubject;
  readonly secrets: SecretReader;
  readonly origins: OriginRecorder | null;
}

/** @see cilium:pkg/envoy/server.go#getDirectionNetworkPolicy */
function directionPolicy(context: Context, filters: L4PolicyMap, ingress: boolean, enforced: boolean): PortNetworkPolicy[] | null {
  if (!enforced) {
    return [ALLOW_ALL_PORTS, ...watchedPorts(context, ingress)].sort(comparePortPolicies);
  }
  const policies: PortNetworkPolicy[] = [];
  for (const filter of filters.values()) {
    const policy = filterPolicy(context, filter);
    if (policy !== null) {
      policies.push(policy);
    }
  }
  return policies.length === 0 ? null : policies.sort(comparePortPolicies);
}

/** Where everything is allowed, parsers of proxylib must be named for the ports they watch. */
function watchedPorts({ subject }: Context, ingress: boolean): PortNetworkPolicy[] {
  return (subject.visibility ?? [])
    .filter((meta) => meta.ingress === ingress && meta.protocol === 'TCP' && meta.parser !== PARSER_HTTP && meta.parser !== PARSER_DNS)
    .map((meta) => ({ port: meta.port, rules: [{ l7_proto: meta.parser }] }));
}

/** The policy of a filter's port. Only UDP and SCTP are left out: other protocols pass as TCP, ICMP types as its ports. */
function filterPolicy(context: Context, filter: L4Filter): PortNetworkPolicy | null {
  if (filter.protocol === 'UDP' || filter.protocol === 'SCTP') {
    return null;
  }
  const port = filter.resolvePort(context.subject);
  if (port === null) {
    return null;
  }
  const { rules, canShortCircuit } = port === 0 ? wildcardPortRules(context, filter) : portRules(context, filter);
  const allowAll = rules.some(allowsEverything);
  if (rules.length === 0) {
    return null;
  }
  const kept = allowAll && canShortCircuit ? [] : rules.sort(comparePortRules);
  const policy: PortNetworkPolicy = { ...(port === 0 ? {} : { port }), ...(kept.length === 0 ? {} : { rules: kept }) };
  context.origins?.set(
    policy,
    [...filter.perSelector.values()].flatMap((part) => part.origins),
  );
  return policy;
}

interface PortRules {
  readonly rules: PortNetworkPolicyRule[];
  /** No rule has side effects: the first that allows decides. */
  readonly canShortCircuit: boolean;
}

function portRules(context: Context, filter: L4Filter): PortRules {
  const rules: PortNetworkPolicyRule[] = [];
  let canShortCircuit = true;
  const single = filter.perSelector.size === 1;
  for (const part of filter.perSelector.values()) {
    // With one selector the datapath lets nobody else through; the proxy need not look at the remote.
    const rule = portRule(context, part, single || part.selector.isWildcard, filter.l7Parser);
    if (rule !== null) {
      rules.push(rule.rule);
      canShortCircuit &&= rule.canShortCircuit;
    }
  }
  return { rules, canShortCircuit };
}

/** @see cilium:pkg/envoy/server.go#getPortNetworkPolicyRule */
function portRule(
  context: Context,
  part: FilterSelector,
  anyRemote: boolean,
  parser: L7ParserType,
): { readonly rule: PortNetworkPolicyRule; readonly canShortCircuit: boolean } | null {
  const remotes = anyRemote ? [] : part.selector.selections();
  if (!anyRemote && remotes.length === 0) {
    return null;
  }
  const from = remotes.length === 0 ? {} : { remote_policies: remotes };
  const { message, canShortCircuit } =
    part.policy === null ? { message: {}, canShortCircuit: true } : getL7Part(part.policy, parser, context.secrets, context.origins);
  const rule: PortNetworkPolicyRule = { ...from, ...message };
  context.origins?.set(rule, part.origins);
  return { rule, canShortCircuit };
}

/** Port 0, asked after the ports: everybody who is allowed without a port. @see cilium:pkg/envoy/server.go#getWildcardNetworkPolicyRule */
function wildcardPortRules(context: Context, filter: L4Filter): PortRules {
  const parts = [...filter.perSelector.values()];
  const origins = parts.flatMap((part) => part.origins);
  let rule: PortNetworkPolicyRule = {};
  if (!parts.some((part) => part.selector.isWildcard)) {
    const remotes = unite(parts.map((part) => part.selector.selections()).filter((selections) => selections.length > 0));
    if (remotes.length === 0) {
      return { rules: [], canShortCircuit: true };
    }
    rule = { remote_policies: remotes };
  }
  context.origins?.set(rule, origins);
  return { rules: [rule], canShortCircuit: true };
}

/** The union of ascending lists. */
function unite(lists: readonly (readonly Identity[])[]): readonly Identity[] {
  const [only = []] = lists;
  if (lists.length < 2) {
    return only;
  }
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  return Array.from(all.filter((id, i) => i === 0 || id !== all[i - 1]));
}

function allowsEverything(rule: PortNetworkPolicyRule): boolean {
  return (
    (rule.remote_policies?.length ?? 0) === 0 &&
    rule.http_rules === undefined &&
    rule.kafka_rules === undefined &&
    rule.l7_rules === undefined &&
    rule.downstream_tls_context === undefined &&
    rule.upstream_tls_context === undefined &&
    rule.server_names === undefined
  );
}
