/**
 * What a cluster is made from: nodes, Cilium's options, clocks, and pins for everything the real system draws at random.
 */
import { parseOptions } from '../agent/option/config.ts';
import { featureIssues } from '../agent/option/features.ts';
import type { QuirkSwitches } from './quirks.ts';

/** One node. */
export interface NodeOptions {
  readonly name: string;
  /** Address on the underlay, dotted quad. */
  readonly ip: string;
  /** The node's pod CIDR. */
  readonly podCIDR: string;
  /** Labels of its Node object beside the standard ones. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Pins of one pod, by `namespace/name`. Every member is optional: what is not pinned is drawn from the seed. */
export interface PodPins {
  readonly ip?: string;
  /** The node that the scheduler picks for it. */
  readonly node?: string;
  readonly endpointId?: number;
  /** Security identity of the pod's label set. */
  readonly identity?: number;
  readonly containerId?: string;
  /** Host side device name (`lxc…`). */
  readonly device?: string;
  readonly mac?: string;
  /** Client TCP ports in the order in which the pod connects. */
  readonly tcpPorts?: readonly number[];
  /** Client UDP ports likewise. */
  readonly udpPorts?: readonly number[];
}

/** Pins of a cluster. */
export interface Pins {
  readonly pods?: Readonly<Record<string, PodPins>>;
  /** Names of the pods of a Deployment (`namespace/name`), in order of creation. */
  readonly podNames?: Readonly<Record<string, readonly string[]>>;
  /** cilium_host's address. */
  readonly router?: { readonly ip: string };
  readonly health?: { readonly ip?: string; readonly endpointId?: number };
  readonly hostEndpointId?: number;
  /** Proxy ports by listener name (`cilium-http-ingress`). */
  readonly proxyPorts?: Readonly<Record<string, number>>;
  /** Ports of the host's own TCP connections in order: the proxy's upstream connections. */
  readonly hostTcpPorts?: readonly number[];
  /** ClusterIPs by `namespace/name`. */
  readonly clusterIPs?: Readonly<Record<string, string>>;
  /** First firing of the proxy's cluster cleanup timer, nanoseconds after the proxy started. */
  readonly cleanupPhase?: number;
  /** x-request-id values in order. */
  readonly requestIds?: readonly string[];
}

/** A server of a host outside. */
export interface WorldServer {
  readonly port: number;
  /** HTTP, or a UDP service that sends back what it gets. */
  readonly protocol: 'TCP' | 'UDP';
  /** Body of every answer; `null`: the host's name and a newline. */
  readonly text: string | null;
  /** A TCP server that speaks HTTPS, with a public certificate for its host's names. */
  readonly tls?: boolean;
}

/** A host outside the cluster, on the other side of the nodes' network cards. */
export interface WorldHost {
  /** Its name, which cluster DNS knows. */
  readonly name: string;
  /** Further names. */
  readonly names: readonly string[];
  /** Addresses, the first of which is the source of what it sends. */
  readonly ips: readonly string[];
  readonly servers: readonly WorldServer[];
  /** It has routes to the pods through their nodes; without it only node addresses are reachable from there. */
  readonly podRoutes: boolean;
}

/** The authority that certificates of servers outside come from; everybody trusts it. */
export const PUBLIC_AUTHORITY = 'Public CA';

/** A name outside with records of its own. */
export interface WorldName {
  readonly name: string;
  /** The name it is an alias of; `null`: it has addresses. */
  readonly cname: string | null;
  readonly ips: readonly string[];
  /** Seconds. */
  readonly ttl: number;
  /** Addresses in one answer; 0 = all. */
  readonly answers: number;
  /** Every so many seconds an answer holds the next addresses; 0 = never. */
  readonly rotate: number;
}

/** Everything a run depends on. */
export interface ClusterOptions {
  readonly clusterName: string;
  readonly nodes: readonly NodeOptions[];
  readonly serviceCIDR: string;
  /** Cilium options by their own names (`monitor-aggregation`). */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Quirks of 1.13.3 that are switched off (or on), see quirks.ts. */
  readonly quirks?: QuirkSwitches;
  readonly pins: Pins;
  readonly seed: number;
  /** Seconds since boot at the start of the run. */
  readonly bootTime: number;
  /** Unix milliseconds at the start of the run. */
  readonly wallTime: number;
  /** Version the pods' curl reports. */
  readonly curlVersion: string;
  /** Hosts outside the cluster. */
  readonly world: readonly WorldHost[];
  /** Names outside beyond those of the hosts. */
  readonly dns: readonly WorldName[];
  /** Authorities that pods trust beside the public one: names, or certificates as text. */
  readonly trustedAuthorities: readonly string[];
}

/** A cluster of one node, as `cilium install` on k3s gives it, with nothing pinned. */
export const DEFAULT_CLUSTER_OPTIONS: ClusterOptions = {
  clusterName: 'default',
  nodes: [{ name: 'node1', ip: '192.168.1.10', podCIDR: '10.0.0.0/24' }],
  serviceCIDR: '10.43.0.0/16',
  options: {},
  pins: {},
  seed: 1,
  bootTime: 10_000,
  wallTime: 1_685_577_600_000,
  curlVersion: '7.58.0',
  world: [],
  dns: [],
  trustedAuthorities: [],
};

/** What is wrong with values for Cilium's options: unknown names, values out of their set, values the model does not follow. */
export function ciliumOptionIssues(options: ClusterOptions['options']): readonly { readonly option: string; readonly message: string }[] {
  const { options: values, issues } = parseOptions(options);
  return issues.length > 0 ? issues : featureIssues(values);
}
