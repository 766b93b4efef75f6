/**
 * The resources of one type with their version counter, and the bookkeeping of who waits for the acknowledgement of which version.
 * @see cilium:pkg/envoy/xds/cache.go#Cache
 * @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper
 */
import type { NamedResource } from '../../xds/stream.ts';
import type { Completion, CompletionCallback, WaitGroup } from '../completion/completion.ts';

/** Takes a change back; nobody waits for the acknowledgement of that. */
export type Undo = () => void;

/** A resource of any type. */
export type Resource = NamedResource['resource'];

/** Node of the host's proxy, and of the library with parsers in it. @see cilium:pkg/envoy/server.go#getNodeIDs */
export const ENVOY_NODE = '127.0.0.1';
export const PROXYLIB_NODE = '127.0.0.2';

/** Who waits for a change. */
export interface Acknowledgement {
  /** `null`: nobody. */
  readonly group: WaitGroup | null;
  /** Hears of the answer, if somebody waits for it. */
  readonly callback?: CompletionCallback;
  /** Who must answer; default: the host's proxy. */
  readonly nodes?: readonly string[];
}

/** @see cilium:pkg/envoy/xds/ack.go#pendingCompletion */
interface Pending {
  readonly version: number;
  /** The answered response must hold it; `null`: any response will do. */
  readonly name: string | null;
  /** Nodes that have not answered. */
  readonly remaining: Set<string>;
  readonly completion: Completion;
}

/** The resources. */
export class AckingResources {
  readonly #changed: () => void;
  readonly #resources = new Map<string, { readonly resource: Resource; readonly lastModified: number }>();
  #pending: Pending[] = [];
  #version = 1;
  /** Last version accepted, by node. */
  readonly #acked = new Map<string, number>();

  /** `changed` is called for each new version. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Version before the first change: 1. */
  get version(): number {
    return this.#version;
  }

  /** Whether nobody waits. */
  get quiet(): boolean {
    return this.#pending.every(({ completion }) => completion.completed);
  }

  get(name: string): Resource | undefined {
    return this.#resources.get(name)?.resource;
  }

  /**
   * What a client gets that has `lastVersion` (0: none): all resources, or those of the names it asks for; `null` if it has all of them as they are.
   * @see cilium:pkg/envoy/xds/cache.go#Cache.GetResources
   */
  getResources(lastVersion: number, names: readonly string[]): NamedResource[] | null {
    if (names.length === 0) {
      return [...this.#resources].map(([name, { resource }]) => ({ name, resource }));
    }
    const found = [...names].sort().flatMap((name) => {
      const value = this.#resources.get(name);
      return value === undefined ? [] : [{ name, ...value }];
    });
    const updated = lastVersion === 0 || found.some(({ lastModified }) => lastModified > lastVersion);
    return found.length === names.length && !updated ? null : found.map(({ name, resource }) => ({ name, resource }));
  }

  /** Adds or replaces a resource. One that is as it was makes no new version. @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.Upsert */
  upsert(name: string, resource: Resource, acknowledgement: Acknowledgement): Undo {
    return this.#mutate(name, resource, name, acknowledgement);
  }

  /** Removes a resource. @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.Delete */
  delete(name: string, group: WaitGroup | null, callback?: CompletionCallback): Undo {
    return this.#mutate(name, null, null, { group, ...(callback === undefined ? {} : { callback }) });
  }

  #mutate(
    name: string,
    resource: Resource | null,
    awaited: string | null,
    { group, callback, nodes = [ENVOY_NODE] }: Acknowledgement,
  ): Undo {
    const undo = this.#tx(name, resource);
    if (group !== null && (undo !== null || !this.#currentVersionAcked(nodes))) {
      // Who asks for what is there already waits for the version that is under way: it is not sent again, even if the proxy has refused it.
      this.#pending.push({
        version: this.#version,
        name: undo === null ? null : awaited,
        remaining: new Set(nodes),
        completion: group.addCompletion(callback),
      });
    }
    return undo ?? (() => undefined);
  }

  /** @see cilium:pkg/envoy/xds/cache.go#Cache.tx */
  #tx(name: string, resource: Resource | null): Undo | null {
    const old = this.get(name) ?? null;
    if (JSON.stringify(old) === JSON.stringify(resource)) {
      return null;
    }
    this.#version += 1;
    if (resource === null) {
      this.#resources.delete(name);
    } else {
      this.#resources.set(name, { resource, lastModified: this.#version });
    }
    this.#changed();
    return () => {
      this.#tx(name, old);
    };
  }

  #currentVersionAcked(nodes: readonly string[]): boolean {
    return nodes.every((node) => (this.#acked.get(node) ?? 0) >= this.#version);
  }

  /** A client knows a version that was never sent: the next one is above it. @see cilium:pkg/envoy/xds/cache.go#Cache.EnsureVersion */
  ensureVersion(version: number): void {
    if (this.#version < version) {
      this.#version = version;
      this.#changed();
    }
  }

  /**
   * A node has accepted all versions up to `acked` and refused those from there up to `answered`; `names` were in the response. A change is done when
   * all its nodes have answered; whether it was accepted is what the last of them says.
   * @see cilium:pkg/envoy/xds/ack.go#AckingResourceMutatorWrapper.HandleResourceVersionAck
   */
  handleResourceVersionAck(node: string, acked: number, answered: number, names: readonly string[], detail: string): void {
    this.#acked.set(node, Math.max(this.#acked.get(node) ?? 0, acked));
    const done: Pending[] = [];
    const left: Pending[] = [];
    for (const pending of this.#pending.filter(({ completion }) => !completion.completed)) {
      const { version, name, remaining } = pending;
      const concerned = version <= answered && remaining.has(node) && (name === null || names.includes(name));
      if (concerned) {
        remaining.delete(node);
      }
      (concerned && remaining.size === 0 ? done : left).push(pending);
    }
    this.#pending = left;
    for (const { version, completion } of done) {
      completion.complete(version <= acked ? null : `NACK received: ${detail}`);
    }
  }
}
