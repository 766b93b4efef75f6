/**
 * The xDS protocol, state of the world: the messages of a stream and the interface between server (agent) and client (proxy).
 * Messages travel through the scheduler: sending one never runs the other side inside the call.
 * @see envoy:api/envoy/service/discovery/v3/discovery.proto
 * @see cilium:pkg/envoy/xds/stream.go
 */

import type { Cluster, ClusterLoadAssignment, Secret } from './cluster.ts';
import type { Listener } from './listener.ts';
import type { NetworkPolicy } from './npds.ts';
import type { NetworkPolicyHosts } from './nphds.ts';
import type { RouteConfiguration } from './route.ts';

/** Resource types served. */
export const LISTENER_TYPE_URL = 'type.googleapis.com/envoy.config.listener.v3.Listener';
export const ROUTE_TYPE_URL = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration';
export const CLUSTER_TYPE_URL = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
export const ENDPOINT_TYPE_URL = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';
export const SECRET_TYPE_URL = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
export const NETWORK_POLICY_TYPE_URL = 'type.googleapis.com/cilium.NetworkPolicy';
export const NETWORK_POLICY_HOSTS_TYPE_URL = 'type.googleapis.com/cilium.NetworkPolicyHosts';
export type TypeUrl =
  | typeof LISTENER_TYPE_URL
  | typeof ROUTE_TYPE_URL
  | typeof CLUSTER_TYPE_URL
  | typeof ENDPOINT_TYPE_URL
  | typeof SECRET_TYPE_URL
  | typeof NETWORK_POLICY_TYPE_URL
  | typeof NETWORK_POLICY_HOSTS_TYPE_URL;

/** A resource with its name. */
export interface NamedResource {
  readonly name: string;
  readonly resource: Listener | RouteConfiguration | Cluster | ClusterLoadAssignment | Secret | NetworkPolicy | NetworkPolicyHosts;
}

/** From the client: subscribe (empty version and nonce), ACK (version of the response) or NACK (older version and an error). */
export interface DiscoveryRequest {
  readonly typeUrl: TypeUrl;
  /** Node id: `host~127.0.0.1~no-id~localdomain`. */
  readonly nodeId: string;
  readonly versionInfo: string;
  readonly responseNonce: string;
  readonly resourceNames: readonly string[];
  readonly errorDetail?: string;
}

/** From the server: all resources of the type. */
export interface DiscoveryResponse {
  readonly typeUrl: TypeUrl;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: readonly NamedResource[];
}

/** The client's end of a stream. */
export interface XdsStream {
  send(request: DiscoveryRequest): void;
  close(): void;
}

/** What a server offers: `/var/run/cilium/xds.sock`. */
export interface XdsServer {
  /** Opens a stream; responses arrive later through `onResponse`. */
  open(onResponse: (response: DiscoveryResponse) => void): XdsStream;
}
