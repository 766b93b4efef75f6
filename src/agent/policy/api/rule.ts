/**
 * The policy language as typed values, after decoding. Every element knows the path to itself in the object it came from.
 * @see cilium:pkg/policy/api/rule.go#Rule
 * @see cilium:pkg/policy/api/ingress.go
 * @see cilium:pkg/policy/api/egress.go
 */
import type { LabelArray } from '../../labels/labels.ts';
import type { EndpointSelector } from './selector.ts';

/** Keys and indexes that lead from an object's root to an element. */
export type Path = readonly (string | number)[];

/** The object a rule came from. */
export interface PolicyRef {
  readonly kind: 'CiliumNetworkPolicy' | 'CiliumClusterwideNetworkPolicy' | 'NetworkPolicy' | 'CiliumRules';
  /** Empty for what is not namespaced. */
  readonly namespace: string;
  readonly name: string;
}

/** Where something in a computed policy comes from: an object and the path inside it. */
export interface RuleOrigin {
  readonly ref: PolicyRef;
  readonly path: Path;
}

/** @see cilium:pkg/policy/api/l4.go#L4Proto */
export const PROTO_TCP = 'TCP';
export const PROTO_UDP = 'UDP';
export const PROTO_SCTP = 'SCTP';
export const PROTO_ICMP = 'ICMP';
export const PROTO_ICMPV6 = 'ICMPV6';
export const PROTO_ANY = 'ANY';

/** A rule as the repository keeps it. */
export interface Rule {
  readonly ref: PolicyRef;
  readonly path: Path;
  /** Which pods the rule applies to; `null` when it selects nodes. */
  readonly endpointSelector: EndpointSelector | null;
  readonly nodeSelector: EndpointSelector | null;
  /** An absent list and an empty one mean the same. */
  readonly ingress: readonly IngressRule[];
  readonly ingressDeny: readonly IngressRule[];
  readonly egress: readonly EgressRule[];
  readonly egressDeny: readonly EgressRule[];
  readonly labels: LabelArray;
  readonly description: string;
}

/** One element of a section; in a deny section `toPorts` carry no rules. */
export interface IngressRule {
  readonly path: Path;
  readonly fromEndpoints: readonly EndpointSelector[];
  readonly fromRequires: readonly EndpointSelector[];
  readonly fromCIDR: readonly string[];
  readonly fromCIDRSet: readonly CidrRule[];
  readonly fromEntities: readonly string[];
  readonly toPorts: readonly PortRule[];
  readonly icmps: readonly IcmpRule[];
  /** Type of the authentication that is asked for, or `null`. 1.13 knows `null` alone, written as a text. @see cilium:pkg/policy/api/rule.go#Auth */
  readonly auth: string | null;
}

/** One element of an egress section. */
export interface EgressRule {
  readonly path: Path;
  readonly toEndpoints: readonly EndpointSelector[];
  readonly toRequires: readonly EndpointSelector[];
  readonly toCIDR: readonly string[];
  readonly toCIDRSet: readonly CidrRule[];
  readonly toEntities: readonly string[];
  readonly toServices: readonly ServiceRef[];
  /** Number of `toGroups` elements; the operator replaces such a policy by one with CIDRs. */
  readonly toGroups: number;
  readonly toFQDNs: readonly FqdnSelector[];
  readonly toPorts: readonly PortRule[];
  readonly icmps: readonly IcmpRule[];
  /** As for ingress. */
  readonly auth: string | null;
}

/** @see cilium:pkg/policy/api/cidr.go#CIDRRule */
export interface CidrRule {
  readonly cidr: string;
  readonly except: readonly string[];
  /** Made from a service's backends. */
  readonly generated: boolean;
}

/** @see cilium:pkg/policy/api/service.go#Service */
export interface ServiceRef {
  readonly k8sService: { readonly serviceName: string; readonly namespace: string } | null;
  readonly k8sServiceSelector: { readonly selector: EndpointSelector; readonly namespace: string } | null;
}

/** @see cilium:pkg/policy/api/fqdn.go#FQDNSelector */
export interface FqdnSelector {
  readonly matchName: string;
  readonly matchPattern: string;
}

/** @see cilium:pkg/policy/api/icmp.go#ICMPRule */
export interface IcmpRule {
  readonly path: Path;
  readonly fields: readonly { readonly family: string; readonly type: number }[];
}

/** @see cilium:pkg/policy/api/l4.go#PortRule */
export interface PortRule {
  readonly path: Path;
  readonly ports: readonly PortProtocol[];
  readonly terminatingTLS: TlsContextRef | null;
  readonly originatingTLS: TlsContextRef | null;
  readonly serverNames: readonly string[];
  readonly rules: L7Rules | null;
}

/** A port number or name as text, and a protocol name. */
export interface PortProtocol {
  readonly port: string;
  readonly protocol: string;
}

/** A reference to a secret. */
export interface Secret {
  readonly namespace: string;
  readonly name: string;
}

/** @see cilium:pkg/policy/api/l4.go#TLSContext */
export interface TlsContextRef {
  readonly secret: Secret | null;
  readonly trustedCA: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** L7 rules of a port; at most one kind is used. `null` lists were absent. @see cilium:pkg/policy/api/l4.go#L7Rules */
export interface L7Rules {
  readonly http: readonly PortRuleHttp[] | null;
  readonly kafka: readonly PortRuleKafka[] | null;
  readonly dns: readonly PortRuleDns[] | null;
  readonly l7proto: string;
  readonly l7: readonly PortRuleL7[] | null;
}

/** @see cilium:pkg/policy/api/http.go#PortRuleHTTP */
export interface PortRuleHttp {
  /** `null` for a rule that merging made up. */
  readonly origin: RuleOrigin | null;
  readonly path: string;
  readonly method: string;
  readonly host: string;
  readonly headers: readonly string[];
  readonly headerMatches: readonly HeaderMatchRule[];
}

/** @see cilium:pkg/policy/api/http.go#HeaderMatch */
export interface HeaderMatchRule {
  readonly mismatch: string;
  readonly name: string;
  readonly secret: Secret | null;
  readonly value: string;
}

/** @see cilium:pkg/policy/api/kafka/kafka.go#PortRule */
export interface PortRuleKafka {
  readonly origin: RuleOrigin | null;
  readonly role: string;
  readonly apiKey: string;
  readonly apiVersion: string;
  readonly clientID: string;
  readonly topic: string;
}

/** @see cilium:pkg/policy/api/fqdn.go#PortRuleDNS */
export interface PortRuleDns extends FqdnSelector {
  readonly origin: RuleOrigin | null;
}

/** Keys and values in the order of the source. @see cilium:pkg/policy/api/l7.go#PortRuleL7 */
export interface PortRuleL7 {
  readonly origin: RuleOrigin | null;
  readonly fields: readonly (readonly [string, string])[];
}

/** No L7 rules of any kind. @see cilium:pkg/policy/api/l4.go#L7Rules.IsEmpty */
export function isEmptyL7(rules: L7Rules | null): boolean {
  return rules === null || l7Count(rules) === 0;
}

function l7Count(rules: L7Rules): number {
  return (rules.http?.length ?? 0) + (rules.kafka?.length ?? 0) + (rules.dns?.length ?? 0) + (rules.l7?.length ?? 0);
}

/** Something in an object that the agent does not accept. */
export interface PolicyIssue {
  /** Stable name of the kind of problem, for instance `unsupported-entity`. */
  readonly code: string;
  readonly path: Path;
  /** Cilium's wording. */
  readonly message: string;
  /** Ours: what was probably meant, or how to write it. */
  readonly hint?: string;
}

/** What a policy object became. `rules` is empty when there are issues: an object is taken as a whole or not at all. */
export interface ParsedPolicy {
  readonly ref: PolicyRef;
  readonly rules: readonly Rule[];
  readonly issues: readonly PolicyIssue[];
  /** Labels every rule of the object carries; the handle to replace or delete them. */
  readonly identityLabels: LabelArray;
}
