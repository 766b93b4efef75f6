/**
 * The Envoy resources of a CiliumEnvoyConfig, as the proxy will have them.
 * @see cilium:pkg/envoy/ciliumenvoyconfig.go#ParseResources
 * @see cilium:pkg/k8s/apis/cilium.io/v2/cec_types.go#XDSResource.UnmarshalJSON
 */
import type { Cluster, ClusterLoadAssignment, Secret } from '../../xds/cluster.ts';
import { RESOURCE_TYPES } from '../../xds/envoy_messages.ts';
import type { Listener } from '../../xds/listener.ts';
import { type ProtoIssue, type ProtoPath, readAny } from '../../xds/proto_json.ts';
import type { RouteConfiguration } from '../../xds/route.ts';
import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL, SECRET_TYPE_URL } from '../../xds/stream.ts';
import type { DaemonOptions } from '../option/config.ts';
import { injectCluster, injectListener, type UserListener } from './config_injection.ts';
import { listenerAddress } from './server.ts';

/** What one object holds. */
export interface EnvoyResources {
  readonly listeners: readonly Listener[];
  readonly secrets: readonly Secret[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  /** Listeners without an address of their own. */
  readonly portAllocations: ReadonlySet<string>;
}

/** What is read. */
export interface ResourcesSource {
  /** Empty for a cluster-wide object. */
  readonly namespace: string;
  readonly name: string;
  readonly resources: readonly unknown[];
  /** Traffic of services is sent to its listeners. */
  readonly l7Lb: boolean;
  readonly useOriginalSourceAddress: boolean;
  /** Whether the messages' own rules are looked at: not for an object that is on its way out. */
  readonly validate: boolean;
}

/** What reading needs. */
export interface ParseContext {
  readonly options: DaemonOptions;
  readonly ingressIp: string | null;
  readonly allocateProxyPort: (name: string) => number;
}

/** The resources, or `null` if the object is refused, and why; issues without a refusal: those resources are left out. */
export interface ParsedResources {
  readonly resources: EnvoyResources | null;
  readonly issues: readonly ProtoIssue[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type Found = Mutable<Omit<EnvoyResources, 'listeners' | 'portAllocations'>> & { readonly listeners: UserListener[] };

/**
 * Reads the resources; ports are allocated when all else is well.
 * @remarks Simplified: rules of messages inside an Any (filters, transport sockets) are looked at here, where 1.13.3 leaves them to the proxy, which
 * refuses the listener for them.
 */
export function parseResources(source: ResourcesSource, context: ParseContext): ParsedResources {
  const found: Found = { listeners: [], secrets: [], routes: [], clusters: [], endpoints: [] };
  const issues: ProtoIssue[] = [];
  for (const [index, given] of source.resources.entries()) {
    const path = ['spec', 'resources', index];
    const mine: ProtoIssue[] = [];
    const message = readAny(given, RESOURCE_TYPES, path, mine);
    const unreadable = mine.filter(({ invalid }) => invalid !== true);
    if (message === null || unreadable.length > 0) {
      // "Ignoring invalid CiliumEnvoyConfig JSON": the rest of the object counts.
      issues.push(...unreadable);
      continue;
    }
    const refusal = (source.validate ? mine[0] : undefined) ?? addResource(found, message, path, source, context);
    if (refusal !== null) {
      return { resources: null, issues: [refusal] };
    }
  }
  return { resources: withPorts(found, context), issues };
}

/** Adds one; why not, or `null`. */
function addResource(
  found: Found,
  { '@type': type, ...message }: { readonly '@type': string; readonly [field: string]: unknown },
  path: ProtoPath,
  source: ResourcesSource,
  context: ParseContext,
): ProtoIssue | null {
  const member = type === ENDPOINT_TYPE_URL ? 'cluster_name' : 'name';
  const name = String(message[member] ?? '');
  const qualified = (resource: string): string => resourceQualifiedName(source.namespace, source.name, resource);
  const refused = (text: string): ProtoIssue => ({ path: name === '' ? path : [...path, member], message: text });
  const known = (names: readonly string[]): boolean => names.includes(name);
  switch (type) {
    case LISTENER_TYPE_URL: {
      if (name === '') {
        return refused("'Listener name not provided");
      }
      // As in 1.13.3, names are compared with those of the listeners before, which carry their prefix already.
      if (known(found.listeners.map((one) => one.name))) {
        return refused(`Duplicate Listener name ${JSON.stringify(name)}`);
      }
      const { options, ingressIp } = context;
      const filter = { mayUseOriginalSourceAddress: source.useOriginalSourceAddress, l7Lb: source.l7Lb, ingressIp };
      const listener = injectListener(message as unknown as UserListener, { options, qualified, filter });
      found.listeners.push({ ...listener, name: qualified(name) });
      return null;
    }
    case ROUTE_TYPE_URL:
      if (name === '' || known(found.routes.map((one) => one.name ?? ''))) {
        return refused(name === '' ? 'RouteConfiguration name not provided' : `Duplicate Route name ${JSON.stringify(name)}`);
      }
      found.routes.push({ ...(message as unknown as RouteConfiguration), name: qualified(name) });
      return null;
    case CLUSTER_TYPE_URL:
      if (name === '' || known(found.clusters.map((one) => one.name))) {
        return refused(name === '' ? 'Cluster name not provided' : `Duplicate Cluster name ${JSON.stringify(name)}`);
      }
      found.clusters.push(injectCluster(message as unknown as Cluster));
      return null;
    case ENDPOINT_TYPE_URL:
      if (name === '' || known(found.endpoints.map((one) => one.cluster_name))) {
        return refused(name === '' ? 'ClusterLoadAssignment cluster_name not provided' : `Duplicate cluster_name ${JSON.stringify(name)}`);
      }
      found.endpoints.push(message as unknown as ClusterLoadAssignment);
      return null;
    case SECRET_TYPE_URL:
      if (name === '' || known(found.secrets.map((one) => one.name))) {
        return refused(name === '' ? 'Secret name not provided' : `Duplicate Secret name ${JSON.stringify(name)}`);
      }
      found.secrets.push(message as unknown as Secret);
      return null;
    default:
      return refused(`Unsupported type: ${type}`);
  }
}

/** Listeners without an address listen on a port of the proxy, for what the datapath sends there. */
function withPorts(found: Found, { allocateProxyPort }: ParseContext): EnvoyResources {
  const portAllocations = new Set<string>();
  const listeners = found.listeners.map((listener): Listener => {
    const { filter_chains = [], address, ...rest } = listener;
    if (address !== undefined) {
      return { ...rest, address, filter_chains };
    }
    portAllocations.add(listener.name);
    return { ...rest, address: listenerAddress(allocateProxyPort(listener.name)), filter_chains, transparent: true };
  });
  return { ...found, listeners, portAllocations };
}

/** `namespace/name/resource`, without what is empty. @see cilium:pkg/policy/api/utils.go#ResourceQualifiedName */
export function resourceQualifiedName(namespace: string, name: string, resource: string): string {
  return [namespace, name]
    .filter((part) => part !== '')
    .concat(resource)
    .join('/');
}
