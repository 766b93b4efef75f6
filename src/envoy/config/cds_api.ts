/**
 * The cluster subscription: clusters that the agent sends, each used once its endpoints are known.
 * @see envoy:source/common/upstream/cds_api_impl.cc#CdsApiImpl::onConfigUpdate
 * @see envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl::addOrUpdateCluster
 */
import type { Cluster as ClusterConfig } from '../../xds/cluster.ts';
import { CLUSTER_TYPE_URL } from '../../xds/stream.ts';
import type { ServerContext } from '../server_context.ts';
import { ORIGINAL_DST_CLUSTERS } from '../upstream/cluster_manager.ts';
import { DynamicCluster } from '../upstream/dynamic_cluster.ts';
import { Subscription } from './subscription.ts';

/** A cluster of an update, for the admin pages. */
export interface CdsEntry {
  readonly cluster: DynamicCluster;
  readonly version: string;
  /** Wall milliseconds of its last change. */
  readonly lastUpdated: number;
}

/** CDS. */
export class CdsApi {
  readonly #context: ServerContext;
  readonly #subscription: Subscription;
  readonly #active = new Map<string, CdsEntry>();
  readonly #warming = new Map<string, CdsEntry>();

  constructor(context: ServerContext) {
    this.#context = context;
    this.#subscription = new Subscription(context, CLUSTER_TYPE_URL, (resources, version) =>
      this.#update(
        resources.map(({ resource }) => resource as ClusterConfig),
        version,
      ),
    );
  }

  /** Version of the last accepted update. */
  get version(): string {
    return this.#subscription.version;
  }

  /** Clusters in use, in order of their names' first use. */
  active(): readonly CdsEntry[] {
    return [...this.#active.values()];
  }

  /** Clusters that wait for their endpoints. */
  warming(): readonly CdsEntry[] {
    return [...this.#warming.values()];
  }

  /** Opens the stream. */
  start(): void {
    this.#subscription.start();
  }

  /** Closes the stream. */
  close(): void {
    this.#subscription.close();
    for (const { cluster } of [...this.#active.values(), ...this.#warming.values()]) {
      cluster.close();
    }
  }

  #update(resources: readonly ClusterConfig[], version: string): string | null {
    const names = new Set(resources.map(({ name }) => name));
    for (const name of [...this.#active.keys(), ...this.#warming.keys()]) {
      if (!names.has(name)) {
        this.#remove(name);
      }
    }
    let errors = '';
    for (const config of resources) {
      // A cluster of the bootstrap file cannot be replaced.
      const error = ORIGINAL_DST_CLUSTERS.includes(config.name) ? null : this.#addOrUpdate(config, version);
      errors += error === null ? '' : `Error adding/updating cluster(s) ${config.name}: ${error}\n`;
    }
    return errors === '' ? null : errors;
  }

  #addOrUpdate(config: ClusterConfig, version: string): string | null {
    const known = this.#warming.get(config.name) ?? this.#active.get(config.name);
    if (known !== undefined && JSON.stringify(known.cluster.config) === JSON.stringify(config)) {
      return null;
    }
    const cluster = DynamicCluster.create(this.#context, config);
    if (typeof cluster === 'string') {
      return cluster;
    }
    this.#warming.get(config.name)?.cluster.close();
    const entry = { cluster, version, lastUpdated: this.#context.dispatcher.clock.wallMillis() };
    this.#warming.set(config.name, entry);
    cluster.whenReady(() => this.#activate(entry));
    return null;
  }

  #activate(entry: CdsEntry): void {
    const { name } = entry.cluster.config;
    if (this.#warming.get(name) !== entry) {
      return;
    }
    this.#warming.delete(name);
    this.#active.get(name)?.cluster.close();
    this.#active.set(name, entry);
    this.#context.clusters.set(entry.cluster);
    this.#record(name, 'active');
  }

  #remove(name: string): void {
    this.#warming.get(name)?.cluster.close();
    this.#warming.delete(name);
    const active = this.#active.get(name);
    if (active !== undefined) {
      this.#active.delete(name);
      this.#context.clusters.delete(name);
      active.cluster.close();
      this.#record(name, null);
    }
  }

  #record(name: string, after: string | null): void {
    if (this.#context.journey.recording) {
      this.#context.journey.add({
        kind: 'change',
        actor: 'envoy',
        fn: after === null ? 'ClusterManagerImpl::removeCluster' : 'ClusterManagerImpl::addOrUpdateCluster',
        see: 'envoy:source/common/upstream/cluster_manager_impl.cc#ClusterManagerImpl',
        target: 'clusters',
        key: name,
        before: after === null ? 'active' : null,
        after,
      });
    }
  }
}
