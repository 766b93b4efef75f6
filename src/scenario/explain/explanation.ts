/**
 * The answer to "may this pod reach that, and why": plain data, the same for the terminal, `--json` and tests. Everything in it was read off a
 * real request through the simulated datapath: its journey, the maps as they then were, and the origins of their entries.
 */
import type { PolicyReference } from '../result.ts';

/** Version of the layout below; a change that breaks readers changes it. */
export const EXPLANATION_SCHEMA = 'trenchrun/explanation/1';

/** What can be asked for. */
export type ExplainProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP';

/** What was asked. */
export interface ExplainQuestion {
  /** `pod`, `namespace/pod` or `deployment/name`. */
  readonly from: string;
  /** A pod likewise, a service (`name`, `namespace/name`, `service/name`), an IPv4 address, or a host name, which the pod resolves. */
  readonly to: string;
  /** An HTTP request, or `null` for a connection (or datagram) only. */
  readonly http: HttpQuestion | null;
  /** `null`: the first port of the service or pod. For ICMP the type, as in policies. */
  readonly port: number | null;
  readonly protocol: ExplainProtocol;
}

/** An HTTP request. */
export interface HttpQuestion {
  readonly method: string;
  readonly path: string;
  /** `Name: value` */
  readonly headers: readonly string[];
  readonly body: string | null;
  /** Asked over HTTP/2, as a gRPC call is. */
  readonly http2?: true;
}

/** One end. */
export interface Peer {
  /** `default/tiefighter`, or the address when it is no pod. */
  readonly name: string;
  readonly ip: string;
  readonly node: string | null;
  readonly endpointId: number | null;
  readonly identity: number | null;
  /** The labels the identity stands for. */
  readonly labels: readonly string[];
  /** Labels that do not count for the identity. */
  readonly ignoredLabels: readonly string[];
}

/** The service the packet was addressed to. */
export interface ServiceHop {
  readonly frontend: string;
  /** `default/deathstar`, or `null` when no service is known by that address. */
  readonly name: string | null;
  readonly backend: string;
}

/** An address that was looked up in the ipcache. */
export interface IpcacheHop {
  readonly ip: string;
  /** `null`: no entry, which is the world. */
  readonly prefix: string | null;
  readonly identity: number;
}

/** Where an entry or rule comes from. */
export interface OriginText {
  readonly policy: string;
  readonly element: string;
  readonly position: { readonly file: string; readonly line: number; readonly column: number } | null;
}

/** One key that was tried. */
export interface TriedKey {
  readonly identity: number;
  readonly port: number;
  readonly protocol: number;
  readonly entry: { readonly deny: boolean; readonly proxyPort: number } | null;
}

/** One look-up in a policy map. */
export interface PolicyCheck {
  readonly direction: 'egress' | 'ingress';
  /** Whose packet: the client's, or the proxy's on the client's behalf. */
  readonly leg: 'client' | 'proxy';
  /** Name of the pod whose map was asked. */
  readonly at: string;
  readonly endpointId: number;
  readonly map: string;
  readonly enforced: boolean;
  /** The rules that switched default deny on in this direction. */
  readonly closedBy: readonly PolicyReference[];
  /** Keys in the order in which they were tried; the last one decided, if it has an entry. */
  readonly tried: readonly TriedKey[];
  readonly verdict: 'allow' | 'redirect' | 'drop';
  /** `L3-L4`, `L4-only`, …, `none`. */
  readonly match: string;
  readonly proxyPort: number;
  /** Behind the entry that decided. */
  readonly origins: readonly OriginText[];
  /** Audit mode let pass what the policy would drop. */
  readonly audited: boolean;
}

/** What one matcher of an HTTP rule said. */
export interface MatcherCheck {
  readonly header: string;
  readonly value: string | null;
  readonly wanted: string;
  readonly matched: boolean;
  /** Index of the first character at which the value leaves the expression; its length if more is missing. */
  readonly failsAt: number | null;
}

/** What one rule of the proxy's policy said. */
export interface ProxyRuleCheck {
  readonly port: number;
  /** Index in the port's rules; -1: the port has none. */
  readonly rule: number;
  /** Index in the rule's HTTP rules; -1: decided without them. */
  readonly httpRule: number;
  readonly matched: boolean;
  readonly why: string;
  readonly matchers: readonly MatcherCheck[];
  readonly origins: readonly OriginText[];
}

/** What the proxy did. */
export interface ProxyHop {
  readonly port: number;
  readonly listener: string | null;
  readonly direction: 'egress' | 'ingress';
  /** The verdict on the connection, or `null` if it did not come to one. */
  readonly connection: { readonly verdict: string; readonly why: string } | null;
  /** The verdict on the request likewise. */
  readonly request: { readonly verdict: string; readonly why: string } | null;
  readonly rules: readonly ProxyRuleCheck[];
}

/** Who decided. */
export type ExplainDecider = 'egress policy' | 'ingress policy' | 'cilium.network' | 'cilium.l7policy' | 'datapath' | 'nobody';

/** The answer. */
export interface Explanation {
  readonly schema: typeof EXPLANATION_SCHEMA;
  readonly question: ExplainQuestion;
  /** What was asked in words: `PUT /v1/exhaust-port from default/tiefighter to service default/deathstar, 80/TCP`. */
  readonly title: string;
  readonly verdict: 'allowed' | 'denied';
  readonly decidedBy: ExplainDecider;
  readonly why: string;
  /** What the client saw: `403 Access denied`, `connection timed out`. */
  readonly outcome: string;
  readonly source: Peer;
  readonly destination: Peer;
  readonly service: ServiceHop | null;
  readonly ipcache: readonly IpcacheHop[];
  readonly checks: readonly PolicyCheck[];
  readonly proxy: ProxyHop | null;
  /** What one should know besides: refused policies, audit mode. */
  readonly notes: readonly string[];
}
