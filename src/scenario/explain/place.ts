/** Who is meant by the ends of a question; what cannot be found is answered with the nearest names. */
import type { Cluster } from '../../cluster/cluster.ts';
import type { Pod, Service } from '../../k8s/objects.ts';
import { formatIpv4, parseIpv4 } from '../../net/ipv4.ts';
import { editDistance } from '../../net/nearest_word.ts';
import { SECOND } from '../../sim/clock.ts';
import { findPod } from '../find_pod.ts';
import type { PodName } from '../host.ts';

/** Where the request goes. */
export interface Target {
  /** In words: `service default/deathstar`. */
  readonly text: string;
  readonly ip: string;
  /** Name for the Host header, or `null` for a bare address. */
  readonly host: string | null;
  /** The first port it declares, or `null`. */
  readonly firstPort: number | null;
}

/** Something found, or why not. */
export type Found<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** How many names an error lists. */
const MAX_NAMES = 5;

/** The pod a question comes from. */
export function findSource(cluster: Cluster, reference: string): Found<PodName> {
  const pod = findPod(cluster, withoutKind(reference, 'pod'));
  if (pod === null) {
    const names = podNames(cluster);
    const lonely = names.every((name) => name.startsWith('kube-system/'));
    const hint = lonely
      ? "; there are only the cluster's own pods: give the manifests of the workloads too"
      : nearestNames(reference, names);
    return { ok: false, error: `there is no pod "${reference}"${hint}` };
  }
  if (cluster.nodeOf(pod.namespace, pod.name) === undefined) {
    return { ok: false, error: `pod ${pod.namespace}/${pod.name} does not run` };
  }
  return { ok: true, value: pod };
}

/** What a question goes to: an address, `service/…`, `pod/…`, or a plain name: a service if there is one, else a pod, else a host the pod can resolve. `preferPod`: a pod before a service. */
export function findTarget(cluster: Cluster, source: PodName, reference: string, preferPod = false): Found<Target> {
  const address = parseIpv4(reference);
  if (address !== null) {
    const ip = formatIpv4(address);
    return { ok: true, value: { text: ip, ip, host: null, firstPort: null } };
  }
  if (/^[0-9.]+\/\d+$/.test(reference) || reference.includes(':')) {
    const what = reference.includes(':')
      ? 'no name; give a port with --port, and IPv4 addresses only'
      : 'a range; ask for one address in it';
    return { ok: false, error: `"${reference}" is ${what}` };
  }
  const kind = /^(?:[^/]+\/)?(?:deployment|deploy|po|pod|pods)\//.test(reference) ? 'pod' : null;
  const named = kind === 'pod' || (preferPod && findPod(cluster, reference) !== null) ? null : findService(cluster, reference);
  if (named !== null) {
    return named;
  }
  const pod = /^(?:[^/]+\/)?(?:svc|service|services)\//.test(reference) ? null : findPod(cluster, withoutKind(reference, 'pod'));
  if (pod !== null) {
    return podTarget(cluster, pod);
  }
  const isName = HOST_NAME.test(reference);
  const resolved = isName ? resolveName(cluster, source, reference) : null;
  const unresolved = isName ? `, and ${source.namespace}/${source.name} cannot resolve it as a host name` : '';
  const names = [...new Set([...serviceNames(cluster), ...podNames(cluster)])];
  return resolved ?? { ok: false, error: `there is no service or pod "${reference}"${unresolved}${nearestNames(reference, names)}` };
}

const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?$/i;
/** Longest wait for the name server. */
const RESOLVE_TIMEOUT = 60 * SECOND;

/** Lets the pod resolve a host name, as it would before it connects: the DNS proxy, if one stands in between, learns the addresses. */
function resolveName(cluster: Cluster, { namespace, name }: PodName, host: string): Found<Target> | null {
  const lookup = cluster.exec(namespace, name, ['nslookup', host]);
  cluster.runUntil(() => lookup === null || lookup.done, RESOLVE_TIMEOUT);
  const ip = /^Address: (\S+)$/m.exec(lookup?.result?.stdout ?? '')?.[1];
  return ip === undefined ? null : { ok: true, value: { text: `${host} (${ip})`, ip, host, firstPort: null } };
}

function findService(cluster: Cluster, reference: string): Found<Target> | null {
  const parts = withoutKind(reference, 'service').split('/');
  const [name, namespace = 'default'] = (parts.at(-1) as string).includes('.')
    ? (parts.at(-1) as string).split('.')
    : [parts.at(-1) as string, parts.at(-2)];
  const service = cluster.api.get<Service>('Service', namespace, name as string);
  if (service === undefined) {
    return null;
  }
  const { clusterIP, ports } = service.spec;
  const text = `service ${namespace}/${name}`;
  if (clusterIP === undefined || parseIpv4(clusterIP) === null) {
    return { ok: false, error: `${text} has no address of its own (it is headless or external); ask for one of its pods` };
  }
  const host = `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`;
  return { ok: true, value: { text, ip: clusterIP, host, firstPort: ports?.[0]?.port ?? null } };
}

const CLUSTER_DOMAIN = 'cluster.local';

function podTarget(cluster: Cluster, { namespace, name }: PodName): Found<Target> {
  const sandbox = cluster.nodeOf(namespace, name)?.kubelet.sandbox(namespace, name);
  const pod = cluster.api.get<Pod>('Pod', namespace, name);
  if (sandbox === undefined || pod === undefined) {
    return { ok: false, error: `pod ${namespace}/${name} does not run` };
  }
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const ip = formatIpv4(sandbox.env.podIp);
  return { ok: true, value: { text: `pod ${namespace}/${name}`, ip, host: null, firstPort: ports[0]?.containerPort ?? null } };
}

/** `pod/x` is `x`, `ns/pod/x` is `ns/x`; kinds of deployments stay. */
function withoutKind(reference: string, kind: 'pod' | 'service'): string {
  const words = kind === 'pod' ? ['pod', 'pods', 'po'] : ['service', 'services', 'svc'];
  const parts = reference.split('/');
  return parts.length > 1 && words.includes(parts.at(-2) as string) ? [...parts.slice(0, -2), parts.at(-1)].join('/') : reference;
}

/** All pods, `namespace/name`. */
export function podNames(cluster: Cluster): string[] {
  return cluster.api.list<Pod>('Pod', {}).map(({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.name}`);
}

/** All services, `namespace/name`. */
export function serviceNames(cluster: Cluster): string[] {
  return cluster.api.list<Service>('Service', {}).map(({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.name}`);
}

/** `; the nearest names are a, b`, by how little of the name would have to change. */
function nearestNames(reference: string, names: readonly string[]): string {
  const limit = 40;
  const bare = reference.split('/').at(-1) as string;
  const cost = (name: string): number => {
    const short = name.split('/').at(-1) as string;
    const begins = bare !== '' && (short.startsWith(bare) || bare.startsWith(short)) ? -limit : 0;
    return begins + Math.min(editDistance(reference, name, limit), editDistance(bare, short, limit));
  };
  const sorted = [...names].map((name) => ({ name, cost: cost(name) })).sort((a, b) => a.cost - b.cost || (a.name < b.name ? -1 : 1));
  const near = sorted.slice(0, MAX_NAMES).map(({ name }) => name);
  return near.length === 0 ? '; there is none at all' : `; the nearest names are ${near.join(', ')}`;
}
