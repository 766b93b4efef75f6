/**
 * The library's own form of network policies.
 * @see cilium:proxylib/proxylib/policymap.go
 */
import type { NetworkPolicy, PortNetworkPolicy, PortNetworkPolicyRule } from '../../xds/npds.ts';
import type { L7Rule } from './parser.ts';
import { L7_RULE_PARSERS } from './registry.ts';

/** The rules of an endpoint. @see cilium:proxylib/proxylib/policymap.go#PolicyInstance */
export class ProxylibPolicy {
  readonly proto: NetworkPolicy;
  readonly #ingress: PortRules;
  readonly #egress: PortRules;

  private constructor(proto: NetworkPolicy, ingress: PortRules, egress: PortRules) {
    this.proto = proto;
    this.#ingress = ingress;
    this.#egress = egress;
  }

  /** Compiles a resource; a text is why the whole update is refused. @see cilium:proxylib/proxylib/policymap.go#newPolicyInstance */
  static compile(proto: NetworkPolicy): ProxylibPolicy | string {
    const ingress = compileDirection(proto.ingress_per_port_policies ?? []);
    if (typeof ingress === 'string') {
      return ingress;
    }
    const egress = compileDirection(proto.egress_per_port_policies ?? []);
    return typeof egress === 'string' ? egress : new ProxylibPolicy(proto, ingress, egress);
  }

  /** The exact port's rules match, or port 0's do. @see cilium:proxylib/proxylib/policymap.go#PortNetworkPolicies.Matches */
  matches(ingress: boolean, port: number, remoteId: number, l7: unknown): boolean {
    const ports = ingress ? this.#ingress : this.#egress;
    return anyMatches(ports.get(port), remoteId, l7) || anyMatches(ports.get(0), remoteId, l7);
  }
}

/** Rules by port; no rules: everything matches. */
type PortRules = ReadonlyMap<number, readonly Rule[]>;

/** @see cilium:proxylib/proxylib/policymap.go#PortNetworkPolicyRule */
interface Rule {
  /** Empty: anybody. */
  readonly remotes: ReadonlySet<number>;
  /** Empty: anything. */
  readonly l7: readonly L7Rule[];
}

function anyMatches(rules: readonly Rule[] | undefined, remoteId: number, l7: unknown): boolean {
  if (rules === undefined) {
    return false;
  }
  return rules.length === 0 || rules.some((rule) => ruleMatches(rule, remoteId, l7));
}

function ruleMatches({ remotes, l7: rules }: Rule, remoteId: number, l7: unknown): boolean {
  return (remotes.size === 0 || remotes.has(remoteId)) && (rules.length === 0 || rules.some((rule) => rule.matches(l7)));
}

/** @see cilium:proxylib/proxylib/policymap.go#newPortNetworkPolicies */
function compileDirection(entries: readonly PortNetworkPolicy[]): PortRules | string {
  const ports = new Map<number, readonly Rule[]>();
  for (const entry of entries) {
    const port = entry.port ?? 0;
    if (entry.protocol === 'UDP') {
      continue;
    }
    if (ports.has(port)) {
      return parseError(`Duplicate port number ${port} in (rule: ${JSON.stringify(entry)})`, entries);
    }
    if ((entry.protocol ?? 'TCP') !== 'TCP') {
      return parseError(`Invalid transport protocol ${entry.protocol}`, entries);
    }
    const rules = compilePort(entry.rules ?? []);
    if (typeof rules === 'string') {
      return rules;
    }
    if (rules !== null) {
      ports.set(port, rules);
    }
  }
  return ports;
}

/** `null`: a rule has a parser nobody knows, so the port is left out. @see cilium:proxylib/proxylib/policymap.go#newPortNetworkPolicyRules */
function compilePort(configs: readonly PortNetworkPolicyRule[]): readonly Rule[] | string | null {
  const rules: Rule[] = [];
  let first = '';
  for (const config of configs) {
    const name = l7Name(config);
    let l7: readonly L7Rule[] = [];
    if (name !== '') {
      const parse = name.startsWith('envoy.') ? undefined : L7_RULE_PARSERS.get(name);
      if (parse === undefined) {
        return null;
      }
      const parsed = parse(config);
      if (typeof parsed === 'string') {
        return parseError(parsed, config);
      }
      l7 = parsed;
      if (first !== '' && first !== name) {
        return parseError('Mismatching L7 types on the same port', configs);
      }
      first = name;
    }
    rules.push({ remotes: new Set((config.remote_policies ?? []).map(Number)), l7 });
  }
  return rules;
}

/** `l7_proto`, or the name of the member that holds rules. @see cilium:proxylib/proxylib/policymap.go#newPortNetworkPolicyRule */
function l7Name(config: PortNetworkPolicyRule): string {
  if ((config.l7_proto ?? '') !== '') {
    return config.l7_proto as string;
  }
  if (config.http_rules !== undefined) {
    return 'PortNetworkPolicyRule_HttpRules';
  }
  if (config.kafka_rules !== undefined) {
    return 'PortNetworkPolicyRule_KafkaRules';
  }
  return config.l7_rules === undefined ? '' : 'PortNetworkPolicyRule_L7Rules';
}

/** @see cilium:proxylib/proxylib/policymap.go#ParseError @remarks Simplified: the configuration is printed as JSON, not as Go prints a message. */
function parseError(reason: string, config: unknown): string {
  return `NPDS: ${reason} (config: ${JSON.stringify(config)})`;
}
