/**
 * The agent's API as its command line uses it: models with the member names of the real one.
 * @see cilium:api/v1/openapi.yaml
 */

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** An endpoint. @see cilium:api/v1/models/endpoint.go#Endpoint */
export interface EndpointApi {
  readonly id: number;
  readonly spec: Json;
  readonly status: Json & {
    readonly 'external-identifiers': Json;
    readonly health: EndpointHealthApi;
    readonly identity?: { readonly id: number; readonly labels: readonly string[] };
    readonly labels: Json & { readonly 'security-relevant': readonly string[]; readonly derived: readonly string[] };
    readonly networking: Json;
    readonly policy?: Json & { readonly realized: { readonly 'policy-revision': number } };
    readonly realized: { readonly options: Readonly<Record<string, string>> };
    readonly state: string;
  };
}

/** @see cilium:api/v1/models/endpoint_health.go#EndpointHealth */
export interface EndpointHealthApi {
  readonly bpf: string;
  readonly connected: boolean;
  readonly overallHealth: string;
  readonly policy: string;
}

/** @see cilium:api/v1/models/endpoint_status_change.go#EndpointStatusChange */
export interface StatusChangeApi {
  readonly code: string;
  readonly message: string;
  readonly state: string;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** A node. @see cilium:api/v1/models/node_element.go#NodeElement */
export interface NodeApi {
  readonly name: string;
  readonly ip: string;
  readonly allocRange: string;
  /** Empty if unknown. */
  readonly healthIp: string;
  readonly routerIp: string;
}

/** Rules as JSON text and the revision. @see cilium:api/v1/models/policy.go#Policy */
export interface PolicyApi {
  readonly policy: string;
  readonly revision: number;
}

/** An answer, or the text of the error the client prints. */
export type ApiResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** @see cilium:api/v1/models/trace_selector.go#TraceSelector */
export interface TraceSelectorApi {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly dports: readonly { readonly port: number; readonly name: string; readonly protocol: string }[];
  readonly verbose: boolean;
}

/** @see cilium:api/v1/models/selector_identity_mapping.go#SelectorIdentityMapping */
export interface SelectorApi {
  readonly selector: string;
  readonly users: number;
  readonly identities: readonly number[];
}

/** @see cilium:api/v1/models/dns_lookup.go#DNSLookup */
export interface DnsLookupApi {
  readonly endpointId: number;
  readonly source: string;
  readonly fqdn: string;
  readonly ttl: number;
  /** Unix milliseconds. */
  readonly lookupTime: number;
  readonly expirationTime: number;
  readonly ips: readonly string[];
}

/** @see cilium:api/v1/models/metric.go#Metric */
export interface MetricApi {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The agent's configuration. @see cilium:api/v1/models/daemon_configuration_status.go#DaemonConfigurationStatus */
export interface ConfigApi {
  /** Options that can be changed, as the API formats them. */
  readonly options: Readonly<Record<string, string>>;
  readonly policyEnforcement: string;
  readonly monitorNumPages: number;
  /** Read-only members by the names of the agent's configuration structure. */
  readonly readOnly: Json;
  readonly k8sConfiguration: string;
  readonly k8sEndpoint: string;
}

/** The API. */
export interface AgentApi {
  /** Endpoints by id. */
  endpoints(): readonly EndpointApi[];
  /** Newest first; empty for an endpoint that has none. */
  endpointLog(id: number): readonly StatusChangeApi[];
  /** Sets PolicyAuditMode of an endpoint; false for the host's, which follows the agent. */
  endpointSetAuditMode(id: number, enabled: boolean): boolean;
  nodes(): readonly NodeApi[];
  /** Rules that have all labels; an error when labels were given and none has. */
  policyGet(labels: readonly string[]): ApiResult<PolicyApi>;
  /** Checks rules without importing them: what is wrong with the first one, or `null`. */
  policyCheck(rules: readonly unknown[]): string | null;
  policyPut(rules: readonly unknown[]): ApiResult<PolicyApi>;
  policyDelete(labels: readonly string[]): ApiResult<PolicyApi>;
  policyResolve(selector: TraceSelectorApi): { readonly log: string; readonly verdict: string };
  policySelectors(): readonly SelectorApi[];
  /** `null` `pattern`: all names. */
  fqdnCache(pattern: string | null): readonly DnsLookupApi[];
  fqdnClean(pattern: string | null): void;
  fqdnNames(): readonly { readonly selectorString: string; readonly regexString: string }[];
  config(): ConfigApi;
  metrics(): readonly MetricApi[];
  /** Redirects by listener and id. */
  redirects(): readonly { readonly proxy: string; readonly name: string; readonly port: number }[];
  /** Addresses in use with their owners. */
  allocations(): readonly { readonly ip: string; readonly owner: string }[];
}
