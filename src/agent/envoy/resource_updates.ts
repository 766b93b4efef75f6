/**
 * Changes of an object's Envoy resources as transactions: clusters before the listeners that name them, and everything back if the proxy refuses.
 * @see cilium:pkg/envoy/ciliumenvoyconfig.go#XDSServer.UpsertEnvoyResources
 */
import type { Nanos } from '../../sim/clock.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL, SECRET_TYPE_URL, type TypeUrl } from '../../xds/stream.ts';
import { type CompletionCallback, WaitGroup } from '../completion/completion.ts';
import type { Resource, Undo } from './acking_resources.ts';
import type { EnvoyResources } from './config_resources.ts';
import type { XdsCacheServer } from './xds_server.ts';

/** The proxy's process and its ports. */
export interface ProxyPortAllocator {
  startEnvoy(): void;
  ackProxyPort(name: string): void;
  releaseProxyPort(name: string): void;
}

/** What the transactions work with. */
export interface ResourceUpdatesDeps {
  readonly scheduler: Scheduler;
  readonly xds: XdsCacheServer;
  readonly proxy: ProxyPortAllocator;
  /** `envoy-config-timeout` */
  readonly timeout: Nanos;
}

/** A resource with the name it has in the cache. */
type Named = readonly [name: string, resource: Resource];

/** Changes the resources of objects; each change calls `done` with `null` or an error. */
export class ResourceUpdates {
  readonly #deps: ResourceUpdatesDeps;

  constructor(deps: ResourceUpdatesDeps) {
    this.#deps = deps;
  }

  /** @see cilium:pkg/envoy/ciliumenvoyconfig.go#XDSServer.UpsertEnvoyResources */
  upsert(resources: EnvoyResources, done: CompletionCallback): void {
    this.#deps.proxy.startEnvoy();
    const change = new Change(this.#deps);
    const clusters = resources.listeners.length > 0 && resources.clusters.length > 0 ? change.group() : null;
    change.addOthers(resources, clusters);
    const listeners = (): void => {
      const group = resources.listeners.length > 0 ? change.group() : null;
      change.addListeners(resources, resources.portAllocations, group);
      change.finish(group, done);
    };
    if (clusters === null) {
      listeners();
    } else {
      clusters.wait((error) => (error === null ? listeners() : change.fail(error, done)));
    }
  }

  /**
   * From one version of an object to the next. A listener's port cannot change: the old one must be gone first. As in 1.13.3, one that keeps its
   * port is taken as one whose port has its rules, even if the proxy had refused the version before.
   * @see cilium:pkg/envoy/ciliumenvoyconfig.go#XDSServer.UpdateEnvoyResources
   */
  update(old: EnvoyResources, now: EnvoyResources, done: CompletionCallback): void {
    this.#deps.proxy.startEnvoy();
    const change = new Change(this.#deps);
    const waits = now.listeners.length > 0;
    const deletes = waits ? change.group() : null;
    const ports = new Map(now.listeners.map((one) => [one.name, one.address.socket_address.port_value]));
    const stays = old.listeners.filter((one) => ports.get(one.name) === one.address.socket_address.port_value);
    const moves = old.listeners.some((one) => ports.has(one.name) && !stays.includes(one));
    change.removeListeners({ ...old, listeners: old.listeners.filter((one) => !stays.includes(one)) }, deletes);
    change.removeOthers(old, now);
    // A port that was acknowledged before is not to be counted twice.
    const fresh = new Set([...now.portAllocations].filter((name) => !stays.some((one) => one.name === name)));
    const listeners = (group: WaitGroup | null): void => {
      change.addListeners(now, fresh, group);
      change.finish(group, done);
    };
    const others = (group: WaitGroup | null): void => {
      change.addOthers(now, group);
      if (group !== null && now.clusters.length > 0) {
        // Clusters the proxy refuses do not hold up the listeners here.
        group.wait(() => listeners(change.group()));
      } else {
        listeners(group);
      }
    };
    if (deletes !== null && moves) {
      deletes.wait(() => others(change.group()));
    } else {
      others(deletes);
    }
  }

  /** @see cilium:pkg/envoy/ciliumenvoyconfig.go#XDSServer.DeleteEnvoyResources */
  delete(resources: EnvoyResources, done: CompletionCallback): void {
    const change = new Change(this.#deps);
    const group = resources.listeners.length > 0 ? change.group() : null;
    change.removeListeners(resources, group);
    change.removeOthers(resources, null);
    change.finish(group, done);
  }
}

/** One change with what takes it back. */
class Change {
  readonly #deps: ResourceUpdatesDeps;
  readonly #undos: Undo[] = [];
  readonly #end: Nanos;

  constructor(deps: ResourceUpdatesDeps) {
    this.#deps = deps;
    this.#end = deps.scheduler.clock.now() + deps.timeout;
  }

  /** Waits for acknowledgements until the change's time is up. */
  group(): WaitGroup {
    const { scheduler } = this.#deps;
    return new WaitGroup(scheduler, Math.max(0, this.#end - scheduler.clock.now()));
  }

  /** Secrets, endpoints, clusters, routes; only clusters are waited for: what nobody refers to is never acknowledged. */
  addOthers(resources: EnvoyResources, clusters: WaitGroup | null): void {
    for (const [type, named] of others(resources)) {
      for (const [name, resource] of named) {
        this.#undos.push(this.#deps.xds.upsert(type, name, resource, { group: type === CLUSTER_TYPE_URL ? clusters : null }));
      }
    }
  }

  /** … and takes away what `now` does not have. */
  removeOthers(old: EnvoyResources, now: EnvoyResources | null): void {
    const kept = now === null ? null : new Map(others(now));
    for (const [type, named] of others(old)) {
      const names = new Set(kept?.get(type)?.map(([name]) => name));
      for (const [name] of named.filter(([one]) => !names.has(one))) {
        this.#undos.push(this.#deps.xds.delete(type, name, null));
      }
    }
  }

  /** The rules for a listener's port are installed when the proxy listens. */
  addListeners({ listeners }: EnvoyResources, allocated: ReadonlySet<string>, group: WaitGroup | null): void {
    const { xds, proxy } = this.#deps;
    for (const listener of listeners) {
      const { name } = listener;
      const callback = (error: string | null): void => {
        if (error === null && allocated.has(name)) {
          proxy.ackProxyPort(name);
        }
      };
      this.#undos.push(xds.upsert(LISTENER_TYPE_URL, name, listener, { group, callback }));
    }
  }

  removeListeners({ listeners, portAllocations }: EnvoyResources, group: WaitGroup | null): void {
    const { xds, proxy } = this.#deps;
    for (const { name } of listeners) {
      const callback = (error: string | null): void => {
        if (error === null && portAllocations.has(name)) {
          proxy.releaseProxyPort(name);
        }
      };
      this.#undos.push(xds.delete(LISTENER_TYPE_URL, name, group, callback));
    }
  }

  finish(group: WaitGroup | null, done: CompletionCallback): void {
    if (group === null) {
      done(null);
    } else {
      group.wait((error) => (error === null ? done(null) : this.fail(error, done)));
    }
  }

  fail(error: string, done: CompletionCallback): void {
    for (const undo of this.#undos.reverse()) {
      undo();
    }
    done(error);
  }
}

/** All but listeners, in the order in which they are sent. */
function others({ secrets, endpoints, clusters, routes }: EnvoyResources): [TypeUrl, Named[]][] {
  return [
    [SECRET_TYPE_URL, secrets.map((one) => [one.name, one])],
    [ENDPOINT_TYPE_URL, endpoints.map((one) => [one.cluster_name, one])],
    [CLUSTER_TYPE_URL, clusters.map((one) => [one.name, one])],
    [ROUTE_TYPE_URL, routes.map((one) => [one.name ?? '', one])],
  ];
}
