/**
 * What all parts of one proxy process share: event loop, random numbers, sockets, statistics, clusters, and the singletons of Cilium's filters.
 * @see envoy:envoy/server/factory_context.h#FactoryContext
 */
import type { BpfFs } from '../kernel/bpffs.ts';
import type { SocketLayer } from '../kernel/socket.ts';
import { httpDate } from '../net/http_date.ts';
import { type Nanos, SECOND } from '../sim/clock.ts';
import type { Journey } from '../sim/journey.ts';
import type { Rng } from '../sim/rng.ts';
import type { AccessLogSink } from '../xds/access_log.ts';
import type { Secret } from '../xds/cluster.ts';
import type { RouteConfiguration } from '../xds/route.ts';
import { ROUTE_TYPE_URL, SECRET_TYPE_URL, type XdsServer } from '../xds/stream.ts';
import { CiliumSingletons } from './cilium/singletons.ts';
import { NamedSubscriptions } from './config/named_subscriptions.ts';
import type { EnvoyDeps } from './envoy.ts';
import { Dispatcher } from './event/dispatcher.ts';
import { TimeoutQueue } from './event/timeout_queue.ts';
import { ProxylibModule } from './proxylib/instance.ts';
import { RouteTable } from './router/config_impl.ts';
import { Stats } from './stats.ts';
import { ClusterManager } from './upstream/cluster_manager.ts';

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly nodeId: string;
  readonly cleanupPhase: Nanos | null;
  readonly proxyConnectTimeout: Nanos;
  readonly requestIds: readonly string[];
  readonly maxRegexProgramSize: number;
  readonly version: string;
}

/** Idle timeout of HTTP connections. @see envoy:source/extensions/filters/network/http_connection_manager/config.cc#HttpConnectionManagerConfig */
export const HTTP_IDLE_TIMEOUT: Nanos = 3600 * SECOND;

/** The shared parts. */
export class ServerContext {
  readonly dispatcher: Dispatcher;
  readonly rng: Rng;
  readonly journey: Journey;
  readonly sockets: SocketLayer;
  readonly bpffs: BpfFs;
  readonly xds: XdsServer;
  readonly accessLog: AccessLogSink;
  readonly options: ResolvedOptions;
  readonly stats = new Stats();
  readonly clusters: ClusterManager;
  readonly cilium: CiliumSingletons;
  /** The Go library with the parsers, for listeners that name it. */
  readonly proxylib: ProxylibModule;
  /** RDS: routes by the names connection managers give. */
  readonly routes: NamedSubscriptions<RouteTable>;
  /** SDS. */
  readonly secrets: NamedSubscriptions<Secret>;
  /** One hour of silence closes a downstream connection. */
  readonly idleTimeouts: TimeoutQueue;
  /** Instant of `start`. */
  startedAt: Nanos = 0;
  #requestIds = 0;
  #connections = 0;
  #streams = 0;

  constructor(deps: EnvoyDeps, options: ResolvedOptions) {
    this.dispatcher = new Dispatcher(deps.scheduler);
    this.rng = deps.rng;
    this.journey = deps.journey;
    this.sockets = deps.sockets;
    this.bpffs = deps.bpffs;
    this.xds = deps.xds;
    this.accessLog = deps.accessLog;
    this.options = options;
    this.idleTimeouts = new TimeoutQueue(this.dispatcher, HTTP_IDLE_TIMEOUT, 'envoy idle connection');
    this.clusters = new ClusterManager(this);
    this.cilium = new CiliumSingletons(this);
    this.proxylib = new ProxylibModule(this);
    this.routes = new NamedSubscriptions(this, ROUTE_TYPE_URL, (resource) =>
      RouteTable.create(resource as RouteConfiguration, options.maxRegexProgramSize),
    );
    this.secrets = new NamedSubscriptions(this, SECRET_TYPE_URL, (resource) => resource as Secret);
  }

  /** The process runs: from here the clean-up timers of the clusters count. */
  start(): void {
    this.startedAt = this.dispatcher.clock.now();
  }

  /** The process is gone. */
  stop(): void {
    this.clusters.abort();
    this.cilium.close();
    this.proxylib.close();
    this.routes.close();
    this.secrets.close();
    this.dispatcher.stop();
  }

  /** A version 4 UUID for x-request-id. @see envoy:source/extensions/request_id/uuid/config.cc#UUIDRequestIDExtension::set */
  nextRequestId(): string {
    const pinned = this.options.requestIds[this.#requestIds];
    this.#requestIds += 1;
    return pinned ?? this.rng.uuid();
  }

  /** The number of a new connection, as logs show it. */
  nextConnectionId(): number {
    this.#connections += 1;
    return this.#connections;
  }

  /** The number of a new HTTP stream. */
  nextStreamId(): number {
    this.#streams += 1;
    return this.#streams;
  }

  /** The value of a date header now. @see envoy:source/common/http/date_provider_impl.cc#TlsCachingDateProviderImpl::onRefreshDate */
  date(): string {
    return httpDate(this.dispatcher.clock.wallMillis());
  }

  /** Wall time in nanoseconds. */
  wallNanos(): bigint {
    const clock = this.dispatcher.clock;
    return BigInt(clock.wallMillis()) * 1_000_000n + BigInt(clock.now() % 1_000_000);
  }
}
