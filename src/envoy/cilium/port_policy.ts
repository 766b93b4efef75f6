/**
 * The rules of the ports of one direction of a policy.
 * @see proxy:cilium/network_policy.cc#PolicyInstanceImpl::PortNetworkPolicy
 */
import type { Json } from '../../sim/journey.ts';
import type { PortNetworkPolicy, PortNetworkPolicyRule, TlsContext } from '../../xds/npds.ts';
import type { MatcherTrace } from '../http/header_matcher.ts';
import { HttpRule } from './http_rule.ts';
import type { HttpRequestContext } from './network_policy.ts';
import { RuleIndex } from './rule_index.ts';

/** What one rule said: indexes of the resource, so that a reader can find the rule's origin. */
export interface RuleTrace {
  /** Port key of the policy: the exact port or 0. */
  readonly port: number;
  /** Index of the entry in `*_per_port_policies`. */
  readonly portIndex: number;
  /** Index in the port's `rules`; -1: the port has no rules. */
  readonly rule: number;
  /** Index in the rule's `http_rules`; -1: decided before them, or none. */
  readonly httpRule: number;
  readonly matched: boolean;
  readonly why: string;
  /** What each matcher of the HTTP rule said. */
  readonly matchers?: readonly MatcherTrace[];
}

/** Collects what the rules said, in order of evaluation. */
export type PolicyTrace = RuleTrace[];

/** The part of a rule that connections are checked against. @see proxy:cilium/network_policy.h#PortPolicy */
export interface PortPolicy {
  readonly l7Proto: string;
  /** Where the rule stands, for the journey; -1: there are no rules. */
  readonly portIndex: number;
  readonly rule: number;
  /** Rule that decides about TLS, if it has contexts. */
  readonly downstreamContext: TlsContext | null;
  readonly upstreamContext: TlsContext | null;
  /** SNI and remote identity. */
  matches(sni: string, remoteId: number): boolean;
}

const ALLOW_ALL: PortPolicy = { l7Proto: '', portIndex: -1, rule: -1, downstreamContext: null, upstreamContext: null, matches: () => true };

/** All ports of a direction. */
export class PortPolicies {
  /** The rule of a port without rules. */
  static readonly ALLOW_ALL = ALLOW_ALL;
  readonly #ports: ReadonlyMap<number, PortRules>;

  constructor(ports: ReadonlyMap<number, PortRules>) {
    this.#ports = ports;
  }

  /** The exact port's rules match, or port 0's do. @see proxy:cilium/network_policy.cc#PortNetworkPolicy::Matches */
  allowed(request: HttpRequestContext, trace: PolicyTrace | null): boolean {
    const exact = this.#ports.get(request.port);
    if (exact?.allowed(request, trace)) {
      return true;
    }
    const any = this.#ports.get(0);
    return any?.allowed(request, trace) ?? false;
  }

  /** No fallback to port 0 when the exact port is present. @see proxy:cilium/network_policy.cc#PortNetworkPolicy::findPortPolicy */
  findPortPolicy(port: number, remoteId: number): PortPolicy | null {
    return (this.#ports.get(port) ?? this.#ports.get(0))?.findPortPolicy(remoteId) ?? null;
  }
}

/** Compiles the per-port lists of a direction, or returns the text of the exception. */
export function compilePorts(entries: readonly PortNetworkPolicy[], maxProgramSize: number): PortPolicies | string {
  const ports = new Map<number, PortRules>();
  for (const [portIndex, entry] of entries.entries()) {
    if ((entry.protocol ?? 'TCP') !== 'TCP') {
      continue;
    }
    const port = entry.port ?? 0;
    const rules: Rule[] = [];
    for (const [index, config] of (entry.rules ?? []).entries()) {
      const rule = Rule.compile(config, portIndex, index, maxProgramSize);
      if (typeof rule === 'string') {
        return rule;
      }
      rules.push(rule);
    }
    if (ports.has(port)) {
      return 'PortNetworkPolicy: Duplicate port number';
    }
    ports.set(port, new PortRules(port, portIndex, rules));
  }
  return new PortPolicies(ports);
}

/** @see proxy:cilium/network_policy.cc#PortNetworkPolicyRules */
class PortRules {
  readonly #port: number;
  readonly #portIndex: number;
  readonly #rules: readonly Rule[];
  /** Some rule has header actions: all rules are evaluated, for their effects. */
  readonly #sideEffects: boolean;
  /** The HTTP rules of all rules, where there are many and none has side effects. */
  readonly #index: RuleIndex<IndexedRule> | null;

  constructor(port: number, portIndex: number, rules: readonly Rule[]) {
    this.#port = port;
    this.#portIndex = portIndex;
    this.#rules = rules;
    this.#sideEffects = rules.some((rule) => rule.sideEffects);
    this.#index = this.#sideEffects ? null : indexOf(rules);
  }

  allowed(request: HttpRequestContext, trace: PolicyTrace | null): boolean {
    if (this.#rules.length === 0) {
      trace?.push({ port: this.#port, portIndex: this.#portIndex, rule: -1, httpRule: -1, matched: true, why: 'the port has no rules' });
      return true;
    }
    if (trace === null && this.#index !== null) {
      return this.#index.some(
        request.headers,
        ({ rule, http }) => rule.matchesRemote(request.remoteId) && (http?.matches(request.headers) ?? true),
      );
    }
    let matched = false;
    for (const rule of this.#rules) {
      if (rule.allowed(request, this.#port, trace)) {
        matched = true;
        if (!this.#sideEffects) {
          break;
        }
      }
    }
    return matched;
  }

  findPortPolicy(remoteId: number): PortPolicy | null {
    if (this.#rules.length === 0) {
      return ALLOW_ALL;
    }
    return this.#rules.find((rule) => rule.matchesRemote(remoteId)) ?? null;
  }
}

/** An HTTP rule with the rule it stands in; `null`: a rule that has none and asks for the remote alone. */
interface IndexedRule {
  readonly rule: Rule;
  readonly http: HttpRule | null;
}

/** Fewer HTTP rules than this are quicker asked one by one. */
const WORTH_INDEXING = 8;

function indexOf(rules: readonly Rule[]): RuleIndex<IndexedRule> | null {
  const entries = rules.flatMap((rule): IndexedRule[] =>
    rule.httpRules.length === 0 ? [{ rule, http: null }] : rule.httpRules.map((http) => ({ rule, http })),
  );
  if (entries.length < WORTH_INDEXING) {
    return null;
  }
  const index = new RuleIndex<IndexedRule>();
  for (const entry of entries) {
    index.add(entry, entry.http?.matchers ?? []);
  }
  return index;
}

/** @see proxy:cilium/network_policy.cc#PortNetworkPolicyRule */
class Rule implements PortPolicy {
  readonly l7Proto: string;
  readonly portIndex: number;
  readonly rule: number;
  readonly downstreamContext: TlsContext | null;
  readonly upstreamContext: TlsContext | null;
  readonly sideEffects: boolean;
  readonly #remotes: ReadonlySet<number>;
  readonly #serverNames: ReadonlySet<string>;
  readonly httpRules: readonly HttpRule[];

  private constructor(config: PortNetworkPolicyRule, portIndex: number, index: number, httpRules: readonly HttpRule[]) {
    this.l7Proto = config.l7_proto ?? '';
    this.portIndex = portIndex;
    this.rule = index;
    this.downstreamContext = config.downstream_tls_context ?? null;
    this.upstreamContext = config.upstream_tls_context ?? null;
    this.#remotes = new Set((config.remote_policies ?? []).map(Number));
    this.#serverNames = new Set(config.server_names ?? []);
    this.httpRules = httpRules;
    this.sideEffects = httpRules.some((rule) => rule.hasActions);
  }

  static compile(config: PortNetworkPolicyRule, portIndex: number, index: number, maxProgramSize: number): Rule | string {
    const tls = tlsError(config);
    if (tls !== null) {
      return tls;
    }
    const httpRules: HttpRule[] = [];
    for (const httpConfig of config.http_rules?.http_rules ?? []) {
      const rule = HttpRule.compile(httpConfig, maxProgramSize);
      if (typeof rule === 'string') {
        return rule;
      }
      httpRules.push(rule);
    }
    return new Rule(config, portIndex, index, httpRules);
  }

  matchesRemote(remoteId: number): boolean {
    return this.#remotes.size === 0 || this.#remotes.has(remoteId);
  }

  matches(sni: string, remoteId: number): boolean {
    return (this.#serverNames.size === 0 || (sni !== '' && this.#serverNames.has(sni))) && this.matchesRemote(remoteId);
  }

  allowed(request: HttpRequestContext, port: number, trace: PolicyTrace | null): boolean {
    const where = { port, portIndex: this.portIndex, rule: this.rule };
    if (!this.matchesRemote(request.remoteId)) {
      trace?.push({
        ...where,
        httpRule: -1,
        matched: false,
        why: `identity ${request.remoteId} is not among remote_policies ${[...this.#remotes].join(',')}`,
      });
      return false;
    }
    if (this.httpRules.length === 0) {
      trace?.push({ ...where, httpRule: -1, matched: true, why: 'the rule has no HTTP rules' });
      return true;
    }
    let matched = false;
    for (let i = 0; i < this.httpRules.length; i++) {
      const rule = this.httpRules[i] as HttpRule;
      const mismatch = rule.mismatch(request.headers);
      if (mismatch !== null) {
        trace?.push({ ...where, httpRule: i, matched: false, why: mismatch(), matchers: rule.trace(request.headers) });
        continue;
      }
      const matchers = trace === null ? [] : rule.trace(request.headers);
      const accepted = rule.runActions(request.headers, request.log);
      trace?.push({
        ...where,
        httpRule: i,
        matched: accepted,
        why: accepted ? rule.text : 'a header action refused the request',
        matchers,
      });
      if (accepted) {
        matched = true;
        if (!this.sideEffects) {
          break;
        }
      }
    }
    return matched;
  }
}

/** @see proxy:cilium/network_policy.cc#PortNetworkPolicyRule::PortNetworkPolicyRule */
function tlsError(config: PortNetworkPolicyRule): string | null {
  const name = config.name ?? '';
  const downstream = config.downstream_tls_context;
  if (downstream !== undefined) {
    if ((downstream.certificate_chain ?? '') === '') {
      return `PortNetworkPolicyRule: TLS context has no certificate chain in rule ${name}`;
    }
    if ((downstream.private_key ?? '') === '') {
      return `PortNetworkPolicyRule: TLS context has no private key in rule ${name}`;
    }
  }
  const upstream = config.upstream_tls_context;
  if (upstream !== undefined) {
    if ((upstream.trusted_ca ?? '') === '') {
      return `PortNetworkPolicyRule: Upstream TLS context has no trusted CA in rule ${name}`;
    }
    if ((upstream.server_names ?? []).length > 1) {
      return `PortNetworkPolicyRule: Upstream TLS context has more than one server name in rule ${name}`;
    }
  }
  return null;
}

/** A trace as plain data for the journey. */
export function traceToJson(trace: PolicyTrace): Json {
  return trace.map(({ matchers, ...step }) => (matchers === undefined ? step : { ...step, matchers: matchers.map((one) => ({ ...one })) }));
}
