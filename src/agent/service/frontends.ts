/**
 * What a Service object means to the datapath: its frontends, and which endpoints stand behind each.
 * @see cilium:pkg/k8s/service.go#ParseService
 * @see cilium:pkg/k8s/watchers/watcher.go#datapathSVCs
 * @remarks Not modelled: topology aware hints, services shared between clusters.
 */
import type { EndpointAddress, Endpoints, Service, ServicePort } from '../../k8s/objects.ts';
import { type Ipv4, parseIpv4 } from '../../net/ipv4.ts';

/** @see cilium:pkg/loadbalancer/loadbalancer.go#SVCType */
export type ServiceType = 'ClusterIP' | 'NodePort' | 'ExternalIPs' | 'LoadBalancer' | 'HostPort';

/** An endpoint of a service. */
export interface WantedBackend {
  readonly address: Ipv4;
  readonly port: number;
  /** It ends: what is open may go on, nothing new comes. */
  readonly terminating: boolean;
}

/** A frontend as the objects want it. */
export interface WantedFrontend {
  readonly type: ServiceType;
  readonly address: Ipv4;
  readonly port: number;
  /** Of two frontends the one for connections from inside; a service has two where only one of its traffic policies is Local. */
  readonly internal: boolean;
  /** Its connections, from outside and from inside, go to backends of this node alone. */
  readonly extLocal: boolean;
  readonly intLocal: boolean;
  /** Name of the Service's port, by which a listener may ask for its backends; empty: none. */
  readonly portName?: string;
  readonly backends: readonly WantedBackend[];
  /** sessionAffinity: ClientIP, and for how many seconds. */
  readonly affinity: number | null;
  /** loadBalancerSourceRanges */
  readonly sourceRanges: readonly string[];
  /** A host port of the loopback address alone. */
  readonly loopback?: boolean;
}

/** What of the node's configuration decides. */
export interface FrontendOptions {
  /** `enable-node-port` */
  readonly nodePort: boolean;
  /** Addresses at which node ports are served. */
  readonly nodeAddresses: readonly Ipv4[];
  readonly nodeName: string;
}

/** @see kubernetes:staging/src/k8s.io/api/core/v1/types.go#DefaultClientIPServiceAffinitySeconds */
const DEFAULT_AFFINITY_SECONDS = 10800;

/** The frontends of a service, in the order in which the agent gives them ids. */
export function wantedFrontends(service: Service, endpoints: Endpoints, options: FrontendOptions): WantedFrontend[] {
  const { clusterIP, type, externalIPs } = service.spec;
  const clusterAddress = clusterIP === undefined || clusterIP === 'None' ? null : parseIpv4(clusterIP);
  if (type === 'ExternalName' || clusterAddress === null) {
    return [];
  }
  const affinity = affinityOf(service);
  const sourceRanges = (service.spec['loadBalancerSourceRanges'] as readonly string[] | undefined) ?? [];
  const frontends: WantedFrontend[] = [];
  const policies = trafficPolicies(service);
  const add = (kind: ServiceType, address: Ipv4, port: number, of: ServicePort): void => {
    // The frontend map knows no protocol: the TCP and the UDP port of one number are one frontend.
    if (frontends.some((other) => other.address === address && other.port === port)) {
      return;
    }
    const portName = of.name ?? '';
    const extLocal = policies.extLocal && kind !== 'ClusterIP';
    const intLocal = policies.intLocal;
    const twoScopes = policies.extLocal !== policies.intLocal && (kind === 'LoadBalancer' || kind === 'NodePort');
    for (const internal of twoScopes ? [false, true] : [false]) {
      // A ClusterIP has only the outside's scope, and only the inside's policy.
      const local = internal || kind === 'ClusterIP' ? intLocal : extLocal;
      const backends = backendsOf(endpoints, of, local ? options.nodeName : null);
      const ranges = kind === 'LoadBalancer' ? sourceRanges : [];
      frontends.push({ type: kind, address, port, internal, extLocal, intLocal, portName, backends, affinity, sourceRanges: ranges });
    }
  };
  const ports = service.spec.ports ?? [];
  const everyPort = (kind: ServiceType, address: Ipv4): void => {
    for (const port of ports) {
      add(kind, address, port.port, port);
    }
  };
  everyPort('ClusterIP', clusterAddress);
  for (const address of loadBalancerAddresses(service)) {
    everyPort('LoadBalancer', address);
  }
  for (const address of (externalIPs ?? []).flatMap((text) => parseIpv4(text) ?? [])) {
    everyPort('ExternalIPs', address);
  }
  if (options.nodePort && (type === 'NodePort' || type === 'LoadBalancer')) {
    for (const port of ports.filter(({ nodePort }) => nodePort !== undefined && nodePort !== 0)) {
      for (const address of [...options.nodeAddresses, 0]) {
        add('NodePort', address, port.nodePort as number, port);
      }
    }
  }
  return frontends;
}

/** @see cilium:pkg/k8s/service.go#ParseService */
function trafficPolicies({ spec }: Service): { readonly extLocal: boolean; readonly intLocal: boolean } {
  return { extLocal: spec['externalTrafficPolicy'] === 'Local', intLocal: spec['internalTrafficPolicy'] === 'Local' };
}

function affinityOf(service: Service): number | null {
  if (service.spec.sessionAffinity !== 'ClientIP') {
    return null;
  }
  const config = service.spec['sessionAffinityConfig'] as { readonly clientIP?: { readonly timeoutSeconds?: number } } | undefined;
  return config?.clientIP?.timeoutSeconds || DEFAULT_AFFINITY_SECONDS;
}

function loadBalancerAddresses(service: Service): Ipv4[] {
  const status = service['status'] as { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } } | undefined;
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : (parseIpv4(ip) ?? [])));
}

/** The endpoints behind a port of a service; those of one node only, if it is given, and those of no node. @see cilium:pkg/service/service.go#svcInfo.filterBackends */
function backendsOf(endpoints: Endpoints, port: ServicePort, onlyNode: string | null): WantedBackend[] {
  const found: WantedBackend[] = [];
  const add = (addresses: readonly EndpointAddress[] | undefined, number: number, terminating: boolean): void => {
    for (const { ip, nodeName = '' } of addresses ?? []) {
      const address = parseIpv4(ip);
      const elsewhere = onlyNode !== null && nodeName !== '' && nodeName !== onlyNode;
      if (address !== null && !elsewhere) {
        found.push({ address, port: number, terminating });
      }
    }
  };
  for (const subset of endpoints.subsets ?? []) {
    const target = (subset.ports ?? []).find((one) => (one.name ?? '') === (port.name ?? ''));
    if (target !== undefined) {
      add(subset.addresses, target.port, false);
      add(subset.terminatingAddresses, target.port, true);
    }
  }
  return found;
}
