/** What CoreDNS knows: the names of services and pods, from the API server. @see https://github.com/kubernetes/dns/blob/master/docs/specification.md */
import type { ApiServer } from '../k8s/api_server.ts';
import type { Endpoints, Pod, Service } from '../k8s/objects.ts';
import type { DnsRecord } from '../net/dns.ts';
import { type Ipv4, parseIpv4 } from '../net/ipv4.ts';
import type { DnsZone } from '../workloads/coredns.ts';
import type { WorldNames } from './world_names.ts';

/** Domain of the cluster. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** The zone of a cluster. */
export class ClusterDns implements DnsZone {
  readonly domain = CLUSTER_DOMAIN;
  readonly #api: ApiServer;
  readonly #outside: WorldNames;

  constructor(api: ApiServer, outside: WorldNames) {
    this.#api = api;
    this.#outside = outside;
  }

  lookup(name: string): readonly Ipv4[] | null {
    const labels = name === this.domain ? [] : name.slice(0, -this.domain.length - 1).split('.');
    const kind = labels.at(-1);
    if (labels.length <= 1) {
      return labels.length === 0 || kind === 'svc' || kind === 'pod' ? [] : null;
    }
    const namespace = labels.at(-2) as string;
    if (this.#api.get('Namespace', '', namespace) === undefined) {
      return null;
    }
    if (labels.length === 2) {
      return [];
    }
    return kind === 'svc' ? this.#service(namespace, labels.slice(0, -2)) : kind === 'pod' ? podAddress(labels.slice(0, -2)) : null;
  }

  forward(name: string): readonly DnsRecord[] | null {
    return this.#outside.resolve(name);
  }

  alias(name: string): string | null {
    const labels = name.slice(0, -this.domain.length - 1).split('.');
    if (labels.length !== 3 || labels[2] !== 'svc') {
      return null;
    }
    const { spec } = this.#api.get<Service>('Service', labels[1] as string, labels[0] as string) ?? {};
    return spec?.type === 'ExternalName' ? ((spec['externalName'] as string | undefined) ?? null) : null;
  }

  /** `name`, or `host.name` for a pod behind a headless service. */
  #service(namespace: string, labels: readonly string[]): readonly Ipv4[] | null {
    const name = labels.at(-1) as string;
    const service = this.#api.get<Service>('Service', namespace, name);
    if (service === undefined || labels.length > 2) {
      return null;
    }
    if (service.spec.clusterIP !== 'None') {
      const address = parseIpv4(service.spec.clusterIP ?? '');
      return labels.length > 1 || address === null ? null : [address];
    }
    const subsets = this.#api.get<Endpoints>('Endpoints', namespace, name)?.subsets ?? [];
    const addresses = subsets.flatMap((subset) => subset.addresses ?? []);
    const wanted = labels.length === 1 ? addresses : addresses.filter((one) => this.#hostname(namespace, one) === labels[0]);
    return wanted.length === 0 ? null : wanted.flatMap((one) => parseIpv4(one.ip) ?? []);
  }

  #hostname(namespace: string, address: { readonly targetRef?: { readonly name: string } }): string | undefined {
    const pod = address.targetRef === undefined ? undefined : this.#api.get<Pod>('Pod', namespace, address.targetRef.name);
    return pod?.spec['hostname'] as string | undefined;
  }
}

/** `10-0-0-1.namespace.pod.cluster.local` */
function podAddress(labels: readonly string[]): readonly Ipv4[] | null {
  const address = labels.length === 1 ? parseIpv4((labels[0] as string).replaceAll('-', '.')) : null;
  return address === null ? null : [address];
}
