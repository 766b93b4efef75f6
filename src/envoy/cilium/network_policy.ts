/**
 * Network policies as the proxy holds them: the compiled form of one `cilium.NetworkPolicy` and its verdicts.
 * @see proxy:cilium/network_policy.cc#PolicyInstanceImpl
 */
import type { NetworkPolicy } from '../../xds/npds.ts';
import type { HeaderMap } from '../http/header_map.ts';
import type { AccessLogEntry } from './accesslog.ts';
import { compilePorts, type PolicyTrace, PortPolicies, type PortPolicy } from './port_policy.ts';

/** A policy in force. @see proxy:cilium/network_policy.h#PolicyInstance */
export interface PolicyInstance {
  readonly endpointId: number;
  readonly endpointIps: readonly string[];
  /** `global`, or five digits; empty: no conntrack look-up. */
  readonly conntrackName: string;
  /**
   * The HTTP verdict. Header actions of matching rules change `headers` and the entry's lists, whatever the verdict.
   * @param trace collects what each rule said; `null` while nobody listens
   */
  allowed(request: HttpRequestContext, trace: PolicyTrace | null): boolean;
  /** The rule that governs a connection, or `null`: not allowed. */
  findPortPolicy(ingress: boolean, port: number, remoteId: number): PortPolicy | null;
  /** The L7 protocol of a connection, or the empty string. */
  l7Proto(ingress: boolean, port: number, remoteId: number): string;
}

/** What an HTTP verdict depends on. */
export interface HttpRequestContext {
  readonly ingress: boolean;
  readonly port: number;
  readonly remoteId: number;
  readonly headers: HeaderMap;
  readonly log: AccessLogEntry;
}

/** A policy that was compiled from its resource. */
export class PolicyInstanceImpl implements PolicyInstance {
  readonly endpointId: number;
  readonly endpointIps: readonly string[];
  readonly conntrackName: string;
  readonly proto: NetworkPolicy;
  readonly #ingress: PortPolicies;
  readonly #egress: PortPolicies;

  private constructor(proto: NetworkPolicy, ingress: PortPolicies, egress: PortPolicies) {
    this.proto = proto;
    this.endpointId = proto.endpoint_id ?? 0;
    this.endpointIps = proto.endpoint_ips;
    this.conntrackName = proto.conntrack_map_name ?? '';
    this.#ingress = ingress;
    this.#egress = egress;
  }

  /** Compiles a resource, or returns the text of the exception that rejects it. */
  static compile(proto: NetworkPolicy, maxProgramSize: number): PolicyInstanceImpl | string {
    const ingress = compilePorts(proto.ingress_per_port_policies ?? [], maxProgramSize);
    if (typeof ingress === 'string') {
      return ingress;
    }
    const egress = compilePorts(proto.egress_per_port_policies ?? [], maxProgramSize);
    return typeof egress === 'string' ? egress : new PolicyInstanceImpl(proto, ingress, egress);
  }

  allowed(request: HttpRequestContext, trace: PolicyTrace | null): boolean {
    return (request.ingress ? this.#ingress : this.#egress).allowed(request, trace);
  }

  findPortPolicy(ingress: boolean, port: number, remoteId: number): PortPolicy | null {
    return (ingress ? this.#ingress : this.#egress).findPortPolicy(port, remoteId);
  }

  l7Proto(ingress: boolean, port: number, remoteId: number): string {
    return this.findPortPolicy(ingress, port, remoteId)?.l7Proto ?? '';
  }
}

/** The policy of L7 load balancer listeners for pods without one. @see proxy:cilium/network_policy.cc#AllowAllEgressPolicyInstanceImpl */
export const ALLOW_ALL_EGRESS: PolicyInstance = {
  endpointId: 0,
  endpointIps: [],
  conntrackName: '',
  allowed: (request) => !request.ingress,
  findPortPolicy: (ingress) => (ingress ? null : PortPolicies.ALLOW_ALL),
  l7Proto: () => '',
};
