/**
 * kube-proxy of a node, in iptables mode: what reaches services from the host itself, from outside, or by a node port.
 * Pods that call a ClusterIP never get here: Cilium translates them at their own device.
 * @see kubernetes:pkg/proxy/iptables/proxier.go#Proxier.syncProxyRules
 * @remarks Simplified: the lists of clients for session affinity have no end; a real one keeps the latest 100 for each endpoint.
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { Endpoints, Service, ServicePort } from '../k8s/objects.ts';
import { DNAT_MASQUERADE_MARK, type DnatDestination, type DnatEntry } from '../kernel/dnat.ts';
import type { NetNs } from '../kernel/netns.ts';
import type { SocketAddress } from '../kernel/socket.ts';
import { type Cidr4, type Ipv4, parseCidr4, parseIpv4 } from '../net/ipv4.ts';
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../net/protocol.ts';
import { SECOND } from '../sim/clock.ts';

/** @see kubernetes:staging/src/k8s.io/api/core/v1/types.go#DefaultClientIPServiceAffinitySeconds */
const DEFAULT_AFFINITY_SECONDS = 10800;

const PROTOCOLS: Readonly<Record<string, number>> = { TCP: IPPROTO_TCP, UDP: IPPROTO_UDP, SCTP: IPPROTO_SCTP };

/** The node that kube-proxy runs on. */
export interface ProxiedNode {
  readonly name: string;
  readonly podCidr: Cidr4;
}

/** Keeps the host's destination table in step with Service and Endpoints objects. */
export function startKubeProxy(api: ApiServer, host: NetNs, node: ProxiedNode): void {
  const written = new Map<string, DnatDestination[]>();
  installPostRouting(host);
  const sync = (namespace: string, name: string): void => {
    const key = `${namespace}/${name}`;
    for (const destination of written.get(key) ?? []) {
      host.dnat.delete(destination);
    }
    written.delete(key);
    const service = api.get<Service>('Service', namespace, name);
    if (service === undefined) {
      return;
    }
    const rules = rulesOf(service, api.get<Endpoints>('Endpoints', namespace, name), node);
    for (const { destination, entry } of rules) {
      host.dnat.set(destination, entry);
    }
    written.set(
      key,
      rules.map(({ destination }) => destination),
    );
  };
  const follow = (object: Service | Endpoints): void => sync(object.metadata.namespace ?? 'default', object.metadata.name);
  for (const kind of ['Service', 'Endpoints'] as const) {
    api.watch<Service | Endpoints>(kind, { onAdd: follow, onUpdate: (_old, now) => follow(now), onDelete: follow });
  }
}

/** Masquerades what was marked on the way in. @see kubernetes:pkg/proxy/iptables/proxier.go#kubePostroutingChain */
function installPostRouting(host: NetNs): void {
  const { netfilter } = host;
  const mark = { kind: 'mark', value: DNAT_MASQUERADE_MARK, mask: DNAT_MASQUERADE_MARK } as const;
  const comment = 'kubernetes service traffic requiring SNAT';
  netfilter.append('nat', 'POSTROUTING', { matches: [], target: { kind: 'JUMP', chain: 'KUBE-POSTROUTING' } });
  netfilter.append('nat', 'KUBE-POSTROUTING', { matches: [{ ...mark, negate: true }], target: { kind: 'RETURN' } });
  netfilter.append('nat', 'KUBE-POSTROUTING', {
    matches: [],
    target: { kind: 'MARK', value: DNAT_MASQUERADE_MARK, mask: 0, xset: true },
  });
  netfilter.append('nat', 'KUBE-POSTROUTING', { matches: [], target: { kind: 'MASQUERADE' }, comment });
}

interface Rule {
  readonly destination: DnatDestination;
  readonly entry: DnatEntry;
}

function rulesOf(service: Service, endpoints: Endpoints | undefined, { name, podCidr }: ProxiedNode): Rule[] {
  const { spec } = service;
  const { clusterIP, ports, type } = spec;
  const clusterAddress = clusterIP === undefined ? null : parseIpv4(clusterIP);
  if (clusterAddress === null) {
    return [];
  }
  const status = service['status'] as { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } } | undefined;
  const balancers = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => parseIpv4(ip ?? '') ?? []);
  const external = (spec.externalIPs ?? []).flatMap((ip) => parseIpv4(ip) ?? []);
  const ranges = ((spec['loadBalancerSourceRanges'] as readonly string[] | undefined) ?? []).flatMap((range) => parseCidr4(range) ?? []);
  return (ports ?? []).flatMap((port) => {
    const protocol = PROTOCOLS[port.protocol ?? 'TCP'] ?? IPPROTO_TCP;
    const all = backendsOf(endpoints, port);
    const here = all.filter(({ nodeName }) => nodeName === name);
    const elsewhere = all.length > here.length;
    const common = { pods: podCidr, affinity: affinityOf(service, port), sources: null };
    const intLocal = spec['internalTrafficPolicy'] === 'Local';
    const extLocal = spec['externalTrafficPolicy'] === 'Local';
    const inside: DnatEntry = {
      ...common,
      ...{ backends: intLocal ? here : all, elsewhere: intLocal && elsewhere, fromInside: null },
      ...{ masquerade: true, podsKeepAddress: true },
    };
    const outside: DnatEntry = {
      ...common,
      ...{ backends: extLocal ? here : all, elsewhere: extLocal && elsewhere, fromInside: extLocal ? all : null },
      ...{ masquerade: !extLocal, podsKeepAddress: false },
    };
    const at = (address: Ipv4 | null, number: number, entry: DnatEntry): Rule => ({
      destination: { address, port: number, protocol },
      entry,
    });
    const rules = [at(clusterAddress, port.port, inside), ...external.map((address) => at(address, port.port, outside))];
    rules.push(...balancers.map((address) => at(address, port.port, { ...outside, sources: ranges.length === 0 ? null : ranges })));
    if (port.nodePort !== undefined && (type === 'NodePort' || type === 'LoadBalancer')) {
      rules.push(at(null, port.nodePort, outside));
    }
    return rules;
  });
}

/** @see kubernetes:pkg/proxy/serviceport.go#newBaseServiceInfo */
function affinityOf({ metadata, spec }: Service, port: ServicePort): DnatEntry['affinity'] {
  if (spec.sessionAffinity !== 'ClientIP') {
    return null;
  }
  const config = spec['sessionAffinityConfig'] as { readonly clientIP?: { readonly timeoutSeconds?: number } } | undefined;
  const name = `${metadata.namespace ?? 'default'}/${metadata.name}:${port.name ?? ''}`;
  return { name, timeout: (config?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * SECOND };
}

interface NodeBackend extends SocketAddress {
  readonly nodeName: string | undefined;
}

function backendsOf(endpoints: Endpoints | undefined, port: ServicePort): NodeBackend[] {
  return (endpoints?.subsets ?? []).flatMap((subset) => {
    const target = subset.ports?.find(
      (one) => (one.name ?? '') === (port.name ?? '') && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    return target === undefined
      ? []
      : (subset.addresses ?? []).flatMap(({ ip, nodeName }) => {
          const address = parseIpv4(ip);
          return address === null ? [] : [{ address, port: target.port, nodeName }];
        });
  });
}
