/**
 * Hubble's flow: one observation with names instead of numbers.
 * @see cilium:api/v1/flow/flow.proto#Flow
 */
import type { LogRecord } from '../log_record.ts';

/** @see cilium:api/v1/flow/flow.proto#Verdict */
export type FlowVerdict = 'FORWARDED' | 'DROPPED' | 'AUDIT' | 'REDIRECTED' | 'ERROR';

/** One end of a flow. @see cilium:api/v1/flow/flow.proto#Endpoint */
export interface FlowEndpoint {
  /** Endpoint id on this node; 0 for others. */
  readonly id: number;
  readonly identity: number;
  /** Empty when the address is not a pod's. */
  readonly namespace: string;
  readonly podName: string;
  readonly labels: readonly string[];
  /** Dotted quad. */
  readonly ip: string;
  /** 0 where the protocol has none. */
  readonly port: number;
}

/** What kind of event the flow was made from. */
export type FlowEvent =
  | { readonly kind: 'drop'; readonly reason: string }
  | { readonly kind: 'trace'; readonly point: string }
  | { readonly kind: 'policy-verdict'; readonly match: string }
  | { readonly kind: 'l7'; readonly record: LogRecord; readonly latencyMillis: number };

/** One flow. */
export interface Flow {
  /** Unix milliseconds. */
  readonly time: number;
  readonly nodeName: string;
  readonly verdict: FlowVerdict;
  readonly source: FlowEndpoint;
  readonly destination: FlowEndpoint;
  /** `TCP`, `UDP`, … */
  readonly protocol: string;
  readonly event: FlowEvent;
  /** `null`: not known. */
  readonly isReply: boolean | null;
  readonly direction: 'INGRESS' | 'EGRESS' | null;
  /** Proxy port of a redirected packet; 0 = none. */
  readonly proxyPort: number;
  readonly summary: string;
}

/** What the parser asks the node about. */
export interface FlowNames {
  readonly nodeName: string;
  /** The pod at an address, if the node knows one. */
  endpointByIp(ip: string): {
    readonly id: number;
    readonly identity: number;
    readonly namespace: string;
    readonly podName: string;
    readonly labels: readonly string[];
  } | null;
  /** The identity the ipcache has for an address. */
  identityByIp(ip: string): number;
  identityLabels(identity: number): readonly string[];
}
