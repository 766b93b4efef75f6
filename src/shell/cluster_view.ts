/**
 * What the commands read of a cluster: the same things the real tools get from maps, the agent's API, Envoy's admin socket and the API server.
 * Everything is read at the moment of the call. {@link ClusterView.exec}, `settle`, `advance` and `runUntil` let virtual time run; kubectl writes
 * through `api`.
 */
import type { PolicyOrigin } from '../cluster/policy_origins.ts';
import type { ApiServer } from '../k8s/api_server.ts';
import type { PolicyKey } from '../maps/policymap.ts';
import type { MonitorNames } from '../monitor/event.ts';
import type { MonitorEvents } from '../monitor/event_ring.ts';
import type { AgentApi } from './agent_api.ts';
import type { CommandResult } from './table.ts';

/** An endpoint as the agent's API shows it. */
export interface EndpointView {
  readonly id: number;
  /** Empty for endpoints that are no pods (host, health). */
  readonly namespace: string;
  readonly podName: string;
  /** Security relevant label texts, sorted. */
  readonly labels: readonly string[];
  /** `null` before it has one. */
  readonly identity: number | null;
  /** Empty if it has none. */
  readonly ipv4: string;
  /** `ready`, `regenerating`, … */
  readonly state: string;
  /** `null`: no policy computed yet. */
  readonly enforcement: { readonly ingress: boolean; readonly egress: boolean; readonly audit: boolean } | null;
}

/** A service as the agent's API shows it. */
export interface ServiceView {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  /** `10.43.0.9:80`; with `/i` behind it for connections from inside alone. */
  readonly frontend: string;
  /** externalTrafficPolicy: Local */
  readonly extLocal?: boolean;
  /** `ClusterIP`, `NodePort`, … */
  readonly type: string;
  /** Addresses `10.0.0.111:80` with their states. */
  readonly backends: readonly { readonly address: string; readonly state: string }[];
}

/** A security identity with its label texts, sorted. */
export interface IdentityView {
  readonly id: number;
  readonly labels: readonly string[];
}

/** What of kube-proxy the agent does. @see cilium:api/v1/models/kube_proxy_replacement.go */
export interface KubeProxyReplacementView {
  readonly mode: 'Strict' | 'Partial' | 'Disabled';
  readonly socketLb: boolean;
  readonly nodePort: boolean;
  readonly hostPort: boolean;
  readonly externalIps: boolean;
  readonly sessionAffinity: boolean;
  readonly gracefulTermination: boolean;
}

/** What `cilium status` reports. */
export interface StatusView {
  readonly ciliumVersion: string;
  readonly kubernetesVersion: string;
  /** Watched resources, as the agent names them. */
  readonly kubernetesApis: readonly string[];
  readonly podCIDR: string;
  /** Addresses in use and in the pool. */
  readonly ipam: { readonly used: number; readonly total: number };
  readonly controllers: { readonly healthy: number; readonly total: number };
  /** `null`: no proxy is managed. */
  readonly proxy: { readonly ip: string; readonly redirects: number } | null;
  readonly routing: string;
  /** `BPF`, `IPTables`, or `null` for none; destinations that see a pod's own address. */
  readonly masquerading: { readonly mode: 'BPF' | 'IPTables' | null; readonly exclusion: string };
  readonly kubeProxyReplacement: KubeProxyReplacementView;
  readonly hostFirewall: boolean;
  /** The network cards with programs of Cilium's. */
  readonly devices: readonly { readonly name: string; readonly ip: string; readonly directRouting: boolean }[];
  readonly reachableNodes: { readonly reachable: number; readonly total: number };
}

/** One node. */
export interface NodeView extends MonitorNames {
  readonly name: string;
  /** `cluster-name` */
  readonly clusterName: string;
  readonly ip: string;
  /** Whether the agent's process runs; its tools cannot be called while it does not. */
  agentRunning(): boolean;
  /** Whole seconds since boot. */
  seconds(): number;
  /** The map pinned under a name. The caller states its type. */
  map<T>(name: string): T | undefined;
  /** Names of pinned maps. */
  mapNames(): readonly string[];
  endpoints(): readonly EndpointView[];
  identities(): readonly IdentityView[];
  services(): readonly ServiceView[];
  /** Where an entry of an endpoint's policy map comes from. */
  policyOrigins(endpointId: number, key: PolicyKey): readonly PolicyOrigin[];
  /** Rules as JSON values, and the revision. */
  policy(): { readonly rules: readonly unknown[]; readonly revision: number };
  /** What the monitor saw and sees. */
  readonly events: MonitorEvents;
  /** How many of them Hubble's ring buffer holds. */
  readonly hubbleCapacity: number;
  /** When the agent started, in nanoseconds since boot. */
  readonly startedAt: number;
  /** The agent's API on its socket. */
  readonly api: AgentApi;
  /** Names an endpoint has resolved to an address, without the last dot. */
  dnsNames(endpointId: number, ip: string): readonly string[];
  /** The address of the pod that a control group belongs to, or `null`. */
  addressOfCgroup(cgroupId: number): string | null;
  /** A GET on Envoy's admin socket; `null` when nobody listens. */
  envoyAdmin(path: string, method: string): { readonly status: number; readonly body: string } | null;
  status(): StatusView;
}

/** A Kubernetes object as far as the printers look into it. */
export interface ObjectView {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
  };
  readonly [member: string]: unknown;
}

/** A cluster. */
export interface ClusterView {
  readonly nodes: readonly NodeView[];
  /** Unix milliseconds. */
  wallMillis(): number;
  /** Objects of a kind in the API server's order; `null`: of all namespaces. */
  list(kind: string, namespace: string | null): readonly ObjectView[];
  /** Runs a program in a pod until it exits, for at most `limit` nanoseconds. */
  exec(namespace: string, pod: string, argv: readonly string[], limit?: number, stdin?: string): CommandResult;
  /** Nanoseconds since boot. */
  now(): number;
  /** Lets time run until the control plane is quiet, for at most `limit` nanoseconds. */
  settle(limit?: number): void;
  /** Lets the given nanoseconds pass. */
  advance(nanos: number): void;
  /** The API server, for the commands that write. Its watchers hear of a change once time runs. */
  readonly api: KubeApi;
  /** Lets time run until a condition holds, for at most `limit` nanoseconds; whether it holds. */
  runUntil(condition: () => boolean, limit: number): boolean;
}

/** What commands ask of the API server. */
export type KubeApi = Pick<ApiServer, 'get' | 'list' | 'create' | 'update' | 'updateStatus' | 'apply' | 'delete'>;
