/**
 * NPDS: the `cilium.NetworkPolicy` resource, as the agent sends it and Envoy's cilium filters read it.
 * Members carry their proto field names; a member that has its proto default is left out.
 */

/** One regular expression matcher of RE2 syntax, matched against the whole value. */
export interface RegexMatcher {
  readonly google_re2: Readonly<Record<string, never>>;
  readonly regex: string;
}

/**
 * A header matcher. At most one of the match members is set; none means presence.
 * @see envoy:api/envoy/config/route/v3/route_components.proto#HeaderMatcher
 */
export interface HeaderMatcher {
  readonly name: string;
  readonly exact_match?: string;
  readonly safe_regex_match?: RegexMatcher;
  readonly range_match?: { readonly start?: string; readonly end?: string };
  readonly present_match?: boolean;
  readonly prefix_match?: string;
  readonly suffix_match?: string;
  readonly contains_match?: string;
  readonly string_match?: StringMatcher;
  readonly invert_match?: boolean;
  readonly treat_missing_header_as_empty?: boolean;
}

/** @see envoy:api/envoy/type/matcher/v3/string.proto#StringMatcher */
export interface StringMatcher {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  readonly safe_regex?: RegexMatcher;
  readonly ignore_case?: boolean;
}

/** What happens when a header of a rule's `header_matches` equals its value. */
export type MatchAction = 'CONTINUE_ON_MATCH' | 'FAIL_ON_MATCH' | 'DELETE_ON_MATCH';
/** What happens when it does not. */
export type MismatchAction = 'FAIL_ON_MISMATCH' | 'CONTINUE_ON_MISMATCH' | 'ADD_ON_MISMATCH' | 'DELETE_ON_MISMATCH' | 'REPLACE_ON_MISMATCH';

/** @see proxy:cilium/api/npds.proto#HeaderMatch */
export interface HeaderMatch {
  readonly name: string;
  readonly value?: string;
  readonly match_action?: MatchAction;
  readonly mismatch_action?: MismatchAction;
  readonly value_sds_secret?: string;
}

/** @see proxy:cilium/api/npds.proto#HttpNetworkPolicyRule */
export interface HttpNetworkPolicyRule {
  readonly headers?: readonly HeaderMatcher[];
  readonly header_matches?: readonly HeaderMatch[];
}

/** @see proxy:cilium/api/npds.proto#KafkaNetworkPolicyRule */
export interface KafkaNetworkPolicyRule {
  readonly api_version?: number;
  readonly api_keys?: readonly number[];
  readonly client_id?: string;
  readonly topic?: string;
}

/** @see proxy:cilium/api/npds.proto#L7NetworkPolicyRule */
export interface L7NetworkPolicyRule {
  readonly name?: string;
  readonly rule?: Readonly<Record<string, string>>;
  readonly metadata_rule?: readonly unknown[];
}

/** @see proxy:cilium/api/npds.proto#TLSContext */
export interface TlsContext {
  readonly trusted_ca?: string;
  readonly certificate_chain?: string;
  readonly private_key?: string;
  readonly server_names?: readonly string[];
}

/** An identity number; the uint64 of the proto, which JSON prints as a string. */
export type RemotePolicy = number;

/** @see proxy:cilium/api/npds.proto#PortNetworkPolicyRule */
export interface PortNetworkPolicyRule {
  readonly name?: string;
  readonly remote_policies?: readonly RemotePolicy[];
  readonly l7_proto?: string;
  readonly downstream_tls_context?: TlsContext;
  readonly upstream_tls_context?: TlsContext;
  readonly server_names?: readonly string[];
  readonly http_rules?: { readonly http_rules: readonly HttpNetworkPolicyRule[] };
  readonly kafka_rules?: { readonly kafka_rules: readonly KafkaNetworkPolicyRule[] };
  readonly l7_rules?: {
    readonly l7_allow_rules?: readonly L7NetworkPolicyRule[];
    readonly l7_deny_rules?: readonly L7NetworkPolicyRule[];
  };
}

/** @see proxy:cilium/api/npds.proto#PortNetworkPolicy */
export interface PortNetworkPolicy {
  readonly port?: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly rules?: readonly PortNetworkPolicyRule[];
}

/** @see proxy:cilium/api/npds.proto#NetworkPolicy */
export interface NetworkPolicy {
  readonly endpoint_ips: readonly string[];
  /** uint64 of the proto; JSON prints it as a string. */
  readonly endpoint_id: number;
  readonly ingress_per_port_policies?: readonly PortNetworkPolicy[];
  readonly egress_per_port_policies?: readonly PortNetworkPolicy[];
  readonly conntrack_map_name?: string;
}
