/**
 * A cluster that CDS brings: its hosts are those of its load assignment, which EDS brings, or the original destinations.
 * @see envoy:source/extensions/clusters/eds/eds.cc#EdsClusterImpl
 * @see envoy:source/common/upstream/upstream_impl.cc#ClusterInfoImpl
 * @remarks Not modelled: health checks; hosts that leave let their requests end.
 */
import { MILLISECOND, type Nanos, SECOND } from '../../sim/clock.ts';
import type { Cluster as ClusterConfig, ClusterLoadAssignment, LbEndpoint } from '../../xds/cluster.ts';
import { ENDPOINT_TYPE_URL } from '../../xds/stream.ts';
import type { UpstreamTls } from '../cilium/tls_wrapper.ts';
import { Subscription } from '../config/subscription.ts';
import type { Protocol } from '../http/header_utility.ts';
import { InitTarget, whenAllReady } from '../init_manager.ts';
import { type InetAddress, parseInet } from '../network/address.ts';
import type { AcceptedConnection } from '../network/filter.ts';
import { durationMillis } from '../router/duration.ts';
import type { ServerContext } from '../server_context.ts';
import { UpstreamTlsContext } from '../transport_sockets/tls.ts';
import {
  type Cluster,
  type ClusterLimits,
  ClusterResources,
  type ClusterStats,
  clusterStats,
  DEFAULT_LIMITS,
  Host,
  type HostResult,
} from './cluster.ts';
import type { UpstreamProtocol } from './conn_pool.ts';
import { LoadBalancer } from './load_balancer.ts';
import { OutlierDetector } from './outlier_detection.ts';

/** @see envoy:api/envoy/config/cluster/v3/cluster.proto (connect_timeout) */
const DEFAULT_CONNECT_TIMEOUT: Nanos = 5 * SECOND;

/** Below this share of usable hosts all are used. @see envoy:api/envoy/config/cluster/v3/cluster.proto (healthy_panic_threshold) */
const PANIC_THRESHOLD = 0.5;

const HTTP_PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** A host with what balancing looks at. */
class BalancedHost extends Host {
  readonly weight: number;
  readonly healthy: boolean;

  constructor(
    context: ServerContext,
    cluster: Cluster,
    address: InetAddress,
    { load_balancing_weight: weight = 1, health_status: health }: LbEndpoint,
  ) {
    super(context, cluster, address);
    this.weight = Math.max(1, weight);
    this.healthy = health === undefined || health === 'UNKNOWN' || health === 'HEALTHY' || health === 'DEGRADED';
  }

  get active(): number {
    return this.pools().reduce((sum, pool) => sum + pool.counts.busy, 0);
  }
}

/** The cluster. */
export class DynamicCluster implements Cluster {
  readonly config: ClusterConfig;
  readonly name: string;
  readonly limits: ClusterLimits;
  readonly resources = new ClusterResources();
  readonly stats: ClusterStats;
  readonly connectTimeout: Nanos;
  /** What EDS has sent last, or the assignment of the configuration. */
  assignment: ClusterLoadAssignment | null;
  readonly #context: ServerContext;
  readonly #balancer: LoadBalancer;
  readonly #outliers: OutlierDetector | null;
  readonly #tls: UpstreamTlsContext | null;
  readonly #endpoints: InitTarget;
  readonly #subscription: Subscription | null;
  #hosts: readonly BalancedHost[] = [];
  /** Hosts that left while requests of theirs live on. */
  #dropped: readonly BalancedHost[] = [];

  private constructor(context: ServerContext, config: ClusterConfig, tls: UpstreamTlsContext | null) {
    this.#context = context;
    this.config = config;
    this.name = config.name;
    this.#tls = tls;
    this.limits = limitsOf(config);
    this.stats = clusterStats(context.stats, config.name);
    this.connectTimeout =
      config.connect_timeout === undefined ? DEFAULT_CONNECT_TIMEOUT : durationMillis(config.connect_timeout) * MILLISECOND;
    this.#balancer = new LoadBalancer(config.lb_policy ?? 'ROUND_ROBIN', context.rng);
    this.#outliers = config.outlier_detection === undefined ? null : new OutlierDetector(context, config.name, config.outlier_detection);
    this.#endpoints = new InitTarget(context.dispatcher);
    this.assignment = config.load_assignment ?? null;
    const name = config.eds_cluster_config?.service_name ?? '';
    this.#subscription =
      config.type === 'EDS'
        ? new Subscription(context, ENDPOINT_TYPE_URL, (resources) => this.#onEndpoints(resources), [name === '' ? config.name : name])
        : null;
    if (this.#subscription === null) {
      this.#setHosts(config.load_assignment);
      this.#endpoints.done();
    } else {
      this.#subscription.start();
      this.#endpoints.start();
    }
  }

  /** Checks a configuration; a text is the exception that refuses it. */
  static create(context: ServerContext, config: ClusterConfig): DynamicCluster | string {
    if ((config.type ?? 'STATIC') === 'EDS' && config.eds_cluster_config === undefined) {
      return 'cannot create an EDS cluster without an EDS config';
    }
    if (config.type === 'ORIGINAL_DST' && config.lb_policy !== 'CLUSTER_PROVIDED') {
      return `cluster: LB policy ${config.lb_policy ?? 'ROUND_ROBIN'} is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'`;
    }
    if (config.type !== 'ORIGINAL_DST' && config.lb_policy === 'CLUSTER_PROVIDED') {
      return `cluster: LB policy CLUSTER_PROVIDED cannot be used with a cluster that has no load balancer of its own`;
    }
    const tls = UpstreamTlsContext.create(context, config.transport_socket);
    return typeof tls === 'string' ? tls : new DynamicCluster(context, config, tls);
  }

  /** Calls back once endpoints and secrets are known. */
  whenReady(callback: () => void): void {
    whenAllReady([this.#endpoints, ...(this.#tls?.init ?? [])], callback);
  }

  tlsFor(connection: AcceptedConnection): UpstreamTls | null {
    return this.#tls?.session(connection) ?? null;
  }

  /** HTTP/1.1, unless the options say otherwise. @see envoy:api/envoy/extensions/upstreams/http/v3/http_protocol_options.proto#HttpProtocolOptions */
  upstreamProtocol(downstream: Protocol): UpstreamProtocol {
    const options = this.config.typed_extension_protocol_options?.[HTTP_PROTOCOL_OPTIONS];
    if (options?.['use_downstream_protocol_config'] !== undefined) {
      return downstream === 'HTTP/2' ? downstream : 'HTTP/1.1';
    }
    const fixed = options?.['explicit_http_config'] as { readonly http2_protocol_options?: unknown } | undefined;
    return fixed?.http2_protocol_options === undefined ? 'HTTP/1.1' : 'HTTP/2';
  }

  hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** @see envoy:source/common/upstream/load_balancer_impl.cc#LoadBalancerBase::chooseHostOnce */
  chooseHost(destination: InetAddress): Host | null {
    if (this.config.type === 'ORIGINAL_DST') {
      return this.#originalDestination(destination);
    }
    const usable = this.#hosts.filter((host) => host.healthy && !(this.#outliers?.ejected(host) ?? false));
    const panic = usable.length < this.#hosts.length * PANIC_THRESHOLD;
    return this.#balancer.choose(panic ? this.#hosts : usable);
  }

  putResult(host: Host, result: HostResult): void {
    this.#outliers?.putResult(host, result, this.#hosts.length);
  }

  /** The cluster is no longer used: what is idle ends, what is busy may go on. */
  close(): void {
    this.#subscription?.close();
    this.#endpoints.cancel();
    this.#tls?.release();
    this.#outliers?.close();
    for (const host of this.#hosts) {
      drain(host);
    }
  }

  abort(): void {
    for (const host of [...this.#hosts, ...this.#dropped]) {
      for (const pool of host.pools()) {
        pool.abort();
      }
    }
  }

  #originalDestination(destination: InetAddress): Host {
    const known = this.#hosts.find(({ address }) => address.text === destination.text);
    if (known !== undefined) {
      return known;
    }
    const host = new BalancedHost(this.#context, this, destination, {
      endpoint: { address: { socket_address: { address: destination.ip } } },
    });
    this.#hosts = [...this.#hosts, host];
    return host;
  }

  #onEndpoints(resources: readonly { readonly name: string; readonly resource: unknown }[]): null {
    const { service_name: service = '' } = this.config.eds_cluster_config ?? {};
    const wanted = service === '' ? this.config.name : service;
    const found = resources.find(({ name }) => name === wanted)?.resource as ClusterLoadAssignment | undefined;
    if (found !== undefined) {
      this.assignment = found;
      this.#setHosts(found);
    }
    this.#endpoints.done();
    return null;
  }

  /** Hosts that stay keep their connections. @see envoy:source/common/upstream/upstream_impl.cc#BaseDynamicClusterImpl::updateDynamicHostList */
  #setHosts(assignment: ClusterLoadAssignment | undefined): void {
    const before = new Map(this.#hosts.map((host) => [host.address.text, host]));
    const hosts: BalancedHost[] = [];
    for (const endpoint of (assignment?.endpoints ?? []).flatMap((locality) => locality.lb_endpoints ?? [])) {
      const { address, port_value: port = 0 } = endpoint.endpoint.address.socket_address;
      const inet = parseInet(address, port);
      if (inet === null || hosts.some((host) => host.address.text === inet.text)) {
        continue;
      }
      const fresh = new BalancedHost(this.#context, this, inet, endpoint);
      const old = before.get(inet.text);
      hosts.push(old !== undefined && old.weight === fresh.weight && old.healthy === fresh.healthy ? old : fresh);
    }
    const gone = [...before.values()].filter((host) => !hosts.includes(host));
    this.#hosts = hosts;
    gone.forEach(drain);
    this.#dropped = [...this.#dropped, ...gone].filter((host) => host.pools().some((pool) => !pool.empty));
  }
}

function drain(host: Host): void {
  for (const pool of host.pools()) {
    pool.drain();
  }
}

function limitsOf({ circuit_breakers: breakers }: ClusterConfig): ClusterLimits {
  const wanted = breakers?.thresholds?.find(({ priority = 'DEFAULT' }) => priority === 'DEFAULT');
  return {
    connections: wanted?.max_connections ?? DEFAULT_LIMITS.connections,
    pending: wanted?.max_pending_requests ?? DEFAULT_LIMITS.pending,
    requests: wanted?.max_requests ?? DEFAULT_LIMITS.requests,
    retries: wanted?.max_retries ?? DEFAULT_LIMITS.retries,
  };
}
