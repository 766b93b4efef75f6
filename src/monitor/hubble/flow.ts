/**
 * Hubble's flow: one observation with names instead of numbers.
 * @see cilium:api/v1/flow/flow.proto#Flow
 */
import type { LogRecord } from '../log_record.ts';

/** @see cilium:api/v1/flow/flow.proto#Verdict */
export type FlowVerdict = 'FORWARDED' | 'DROPPED' | 'AUDIT' | 'REDIRECTED' | 'ERROR' | 'TRACED' | 'TRANSLATED';

/** @see cilium:api/v1/flow/flow.proto#TrafficDirection */
export type FlowDirection = 'INGRESS' | 'EGRESS';

/** Who runs a pod. @see cilium:api/v1/flow/flow.proto#Workload */
export interface FlowWorkload {
  readonly name: string;
  readonly kind: string;
}

/** A Kubernetes service. @see cilium:api/v1/flow/flow.proto#Service */
export interface FlowService {
  readonly name: string;
  readonly namespace: string;
}

/** One end of a flow. @see cilium:api/v1/flow/flow.proto#Endpoint */
export interface FlowEndpoint {
  /** Endpoint id on this node; 0 for others. */
  readonly id: number;
  readonly identity: number;
  /** Empty when the address is not a pod's. */
  readonly namespace: string;
  readonly podName: string;
  /** Sorted texts. */
  readonly labels: readonly string[];
  readonly workloads: readonly FlowWorkload[];
  /** Dotted quad. */
  readonly ip: string;
  /** 0 where the protocol has none. */
  readonly port: number;
}

/** What kind of event the flow was made from. */
export type FlowEvent =
  | { readonly kind: 'drop'; readonly code: number; readonly reason: string }
  | { readonly kind: 'trace'; readonly obsPoint: number; readonly point: string }
  | {
      readonly kind: 'trace-sock';
      readonly xlatePoint: number;
      readonly point: string;
      readonly cookie: number;
      readonly cgroupId: number;
    }
  | { readonly kind: 'policy-verdict'; readonly matchType: number; readonly match: string }
  | { readonly kind: 'l7'; readonly record: LogRecord; readonly latencyNanos: number };

/** The transport header as far as flows show it. @see cilium:api/v1/flow/flow.proto#Layer4 */
export type FlowL4 =
  /** `flags`: names in the order of the proto; `null` for L7 flows and socket traces. */
  | { readonly kind: 'TCP'; readonly flags: readonly string[] | null }
  | { readonly kind: 'UDP' }
  | { readonly kind: 'SCTP' }
  | { readonly kind: 'ICMPv4'; readonly type: number; readonly code: number };

/** One flow. */
export interface Flow {
  /** Unix milliseconds. */
  readonly time: number;
  readonly nodeName: string;
  readonly verdict: FlowVerdict;
  /** Positive reason code of a drop or a denied verdict; 0 = none. */
  readonly dropReason: number;
  /** `null` for L7 flows. */
  readonly ethernet: { readonly source: string; readonly destination: string } | null;
  readonly encrypted: boolean;
  readonly l4: FlowL4 | null;
  readonly source: FlowEndpoint;
  readonly destination: FlowEndpoint;
  /** DNS names of the addresses, as far as the other end's endpoint has asked for them. */
  readonly sourceNames: readonly string[];
  readonly destinationNames: readonly string[];
  readonly sourceService: FlowService | null;
  readonly destinationService: FlowService | null;
  readonly event: FlowEvent;
  /** `null`: not known. */
  readonly isReply: boolean | null;
  readonly direction: FlowDirection | null;
  /** Device of a trace; `name` is empty when the index means nothing. */
  readonly interface: { readonly index: number; readonly name: string } | null;
  /** Proxy port of a redirected packet; 0 = none. */
  readonly proxyPort: number;
  readonly summary: string;
}

/** A pod or other endpoint as Hubble's getters know it. */
export interface FlowEndpointInfo {
  readonly id: number;
  readonly identity: number;
  readonly namespace: string;
  readonly podName: string;
  readonly labels: readonly string[];
  readonly workloads: readonly FlowWorkload[];
}

/** What the parser asks the node about. @see cilium:pkg/hubble/parser/getters/getters.go */
export interface FlowNames {
  readonly nodeName: string;
  /** The endpoint of this node at an address. */
  endpointByIp(ip: string): FlowEndpointInfo | null;
  /** The pod the ipcache knows at an address. */
  podByIp(ip: string): { readonly namespace: string; readonly podName: string; readonly workloads: readonly FlowWorkload[] } | null;
  /** The identity the ipcache has for an address. */
  identityByIp(ip: string): number;
  /** Sorted texts. */
  identityLabels(identity: number): readonly string[];
  /** The service with a frontend at an address. */
  serviceByAddress(ip: string, port: number): FlowService | null;
  /** Names an endpoint has resolved to an address. */
  namesOf(endpointId: number, ip: string): readonly string[];
  /** The name of a device, or `null`. */
  deviceName(ifindex: number): string | null;
  /** The address of the pod that a control group belongs to, or `null`. */
  addressOfCgroup(cgroupId: number): string | null;
}
