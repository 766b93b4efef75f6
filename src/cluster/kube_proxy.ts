/**
 * kube-proxy of a node, in iptables mode: what reaches services from the host itself, from outside, or by a node port.
 * Pods that call a ClusterIP never get here: Cilium translates them at their own device.
 * @see kubernetes:pkg/proxy/iptables/proxier.go#Proxier.syncProxyRules
 * @remarks Not modelled: session affinity, externalTrafficPolicy and internalTrafficPolicy Local, load balancer source ranges.
 */
import type { ApiServer } from '../k8s/api_server.ts';
import type { Endpoints, Service, ServicePort } from '../k8s/objects.ts';
import { DNAT_MASQUERADE_MARK, type DnatDestination, type DnatEntry } from '../kernel/dnat.ts';
import type { NetNs } from '../kernel/netns.ts';
import type { SocketAddress } from '../kernel/socket.ts';
import { type Cidr4, parseIpv4 } from '../net/ipv4.ts';
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../net/protocol.ts';

const PROTOCOLS: Readonly<Record<string, number>> = { TCP: IPPROTO_TCP, UDP: IPPROTO_UDP, SCTP: IPPROTO_SCTP };

/** Keeps the host's destination table in step with Service and Endpoints objects. */
export function startKubeProxy(api: ApiServer, host: NetNs, podCidr: Cidr4): void {
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
    const rules = rulesOf(service, api.get<Endpoints>('Endpoints', namespace, name), podCidr);
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

function rulesOf(service: Service, endpoints: Endpoints | undefined, podCidr: Cidr4): Rule[] {
  const { clusterIP, ports, type } = service.spec;
  if (clusterIP === undefined || clusterIP === 'None') {
    return [];
  }
  const addresses = [clusterIP, ...(service.spec.externalIPs ?? [])].flatMap((ip) => parseIpv4(ip) ?? []);
  return (ports ?? []).flatMap((port) => {
    const protocol = PROTOCOLS[port.protocol ?? 'TCP'] ?? IPPROTO_TCP;
    const backends = backendsOf(endpoints, port);
    const rules: Rule[] = addresses.map((address, i) => ({
      destination: { address, port: port.port, protocol },
      entry: { backends, masquerade: true, ...(i === 0 ? { unlessFrom: podCidr } : {}) },
    }));
    if (port.nodePort !== undefined && (type === 'NodePort' || type === 'LoadBalancer')) {
      rules.push({ destination: { address: null, port: port.nodePort, protocol }, entry: { backends, masquerade: true } });
    }
    return rules;
  });
}

function backendsOf(endpoints: Endpoints | undefined, port: ServicePort): SocketAddress[] {
  return (endpoints?.subsets ?? []).flatMap((subset) => {
    const target = subset.ports?.find(
      (one) => (one.name ?? '') === (port.name ?? '') && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    return target === undefined
      ? []
      : (subset.addresses ?? []).flatMap(({ ip }) => {
          const address = parseIpv4(ip);
          return address === null ? [] : [{ address, port: target.port }];
        });
  });
}
