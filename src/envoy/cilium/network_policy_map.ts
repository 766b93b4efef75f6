/**
 * All policies of the node by pod address, kept by NPDS.
 * @see proxy:cilium/network_policy.cc#NetworkPolicyMap
 */
import type { NetworkPolicy, PortNetworkPolicy, PortNetworkPolicyRule } from '../../xds/npds.ts';
import { type PolicyInstance, PolicyInstanceImpl } from './network_policy.ts';

/** The map. */
export class NetworkPolicyMap {
  #policies: ReadonlyMap<string, PolicyInstanceImpl> = new Map();
  readonly #maxProgramSize: number;

  /** @param maxProgramSize limit on compiled expressions */
  constructor(maxProgramSize: number) {
    this.#maxProgramSize = maxProgramSize;
  }

  /** The policy of a pod address, or `null`. */
  get(podIp: string): PolicyInstance | null {
    return this.#policies.get(podIp) ?? null;
  }

  /** Whether the address belongs to a pod of this node. */
  exists(podIp: string): boolean {
    return this.#policies.has(podIp);
  }

  /** One (address, resource) pair per address, sorted by address text. @see proxy:cilium/network_policy.cc#NetworkPolicyMap::dumpNetworkPolicyConfigs */
  dump(): (readonly [string, NetworkPolicy])[] {
    const sorted = [...this.#policies].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return sorted.map(([ip, policy]) => [ip, policy.proto]);
  }

  /**
   * Replaces all policies. On an error nothing changes and its text is returned; `null` = applied.
   * @see proxy:cilium/network_policy.cc#NetworkPolicyMap::onConfigUpdate
   */
  update(resources: readonly NetworkPolicy[]): string | null {
    const policies = new Map<string, PolicyInstanceImpl>();
    for (const proto of resources) {
      const invalid = validateNetworkPolicy(proto);
      if (invalid !== null) {
        return invalid;
      }
      const old = this.#policies.get(proto.endpoint_ips[0] as string);
      const kept = old !== undefined && sameJson(old.proto, proto) ? old : PolicyInstanceImpl.compile(proto, this.#maxProgramSize);
      if (typeof kept === 'string') {
        return kept;
      }
      for (const ip of proto.endpoint_ips) {
        policies.set(ip, kept);
      }
    }
    this.#policies = policies;
    return null;
  }
}

/** The constraints of the proto file. @see proxy:cilium/api/npds.proto#NetworkPolicy */
export function validateNetworkPolicy(proto: NetworkPolicy): string | null {
  if (proto.endpoint_ips.length === 0) {
    return 'Network Policy has no endpoint ips';
  }
  if (proto.endpoint_ips.length > 2 || proto.endpoint_ips.some((ip) => ip === '')) {
    return 'Proto constraint validation failed (NetworkPolicyValidationError.EndpointIps)';
  }
  for (const port of [...(proto.ingress_per_port_policies ?? []), ...(proto.egress_per_port_policies ?? [])]) {
    const bad = invalidPort(port);
    if (bad !== null) {
      return `Proto constraint validation failed (${bad})`;
    }
  }
  return null;
}

function invalidPort(port: PortNetworkPolicy): string | null {
  if ((port.port ?? 0) > 65535) {
    return 'PortNetworkPolicyValidationError.Port: value must be less than or equal to 65535';
  }
  for (const rule of port.rules ?? []) {
    const bad = invalidRule(rule);
    if (bad !== null) {
      return bad;
    }
  }
  return null;
}

function invalidRule(rule: PortNetworkPolicyRule): string | null {
  const remotes = rule.remote_policies ?? [];
  if (new Set(remotes).size !== remotes.length) {
    return 'PortNetworkPolicyRuleValidationError.RemotePolicies: repeated value must contain unique items';
  }
  const http = rule.http_rules?.http_rules;
  if (http !== undefined && http.length === 0) {
    return 'HttpNetworkPolicyRulesValidationError.HttpRules: value must contain at least 1 item(s)';
  }
  if (
    http?.some(
      (one) => (one.header_matches ?? []).some((match) => match.name === '') || (one.headers ?? []).some((match) => match.name === ''),
    ) === true
  ) {
    return 'HeaderMatchValidationError.Name: value length must be at least 1 characters';
  }
  const kafka = rule.kafka_rules?.kafka_rules;
  if (kafka !== undefined && kafka.length === 0) {
    return 'KafkaNetworkPolicyRulesValidationError.KafkaRules: value must contain at least 1 item(s)';
  }
  const name = /^[a-zA-Z0-9._-]*$/;
  if (kafka?.some((one) => !name.test(one.topic ?? '') || (one.topic ?? '').length > 255 || !name.test(one.client_id ?? '')) === true) {
    return 'KafkaNetworkPolicyRuleValidationError.Topic: value does not match regex pattern';
  }
  return null;
}

function sameJson(a: NetworkPolicy, b: NetworkPolicy): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
