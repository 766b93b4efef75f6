/**
 * Resources that a configuration names: one subscription for each name, for as long as somebody uses it.
 * @see envoy:source/common/router/rds_impl.cc#RouteConfigProviderManagerImpl
 * @see envoy:source/common/secret/sds_api.cc#SdsApi
 */
import type { NamedResource, TypeUrl } from '../../xds/stream.ts';
import { InitTarget } from '../init_manager.ts';
import type { ServerContext } from '../server_context.ts';
import { Subscription } from './subscription.ts';

/** What a name stands for at the moment. */
export interface Provided<T> {
  readonly name: string;
  /** `null`: nothing has come yet. */
  readonly value: T | null;
  /** Version of the update it came with, and when that was (wall milliseconds). */
  readonly version: string;
  readonly lastUpdated: number;
  readonly init: InitTarget;
}

interface Entry<T> {
  name: string;
  value: T | null;
  version: string;
  lastUpdated: number;
  readonly init: InitTarget;
  readonly subscription: Subscription;
  users: number;
}

/** The resources of one type. */
export class NamedSubscriptions<T> {
  readonly #context: ServerContext;
  readonly #typeUrl: TypeUrl;
  /** Compiles a resource; a text is why it is refused. */
  readonly #compile: (resource: NamedResource['resource']) => T | string;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(context: ServerContext, typeUrl: TypeUrl, compile: (resource: NamedResource['resource']) => T | string) {
    this.#context = context;
    this.#typeUrl = typeUrl;
    this.#compile = compile;
  }

  /** Those that have come, in order of their first use. */
  all(): readonly Provided<T>[] {
    return [...this.#entries.values()].filter(({ value }) => value !== null);
  }

  /** Begins to follow a name. Each call has to be paired with `release`. */
  subscribe(name: string): Provided<T> {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = this.#open(name);
      this.#entries.set(name, entry);
    }
    entry.users += 1;
    return entry;
  }

  /** One user less; the last one ends the subscription. */
  release(name: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined && --entry.users === 0) {
      this.#entries.delete(name);
      entry.init.cancel();
      entry.subscription.close();
    }
  }

  /** The process is gone. */
  close(): void {
    for (const { subscription, init } of this.#entries.values()) {
      init.cancel();
      subscription.close();
    }
    this.#entries.clear();
  }

  #open(name: string): Entry<T> {
    const init = new InitTarget(this.#context.dispatcher);
    const subscription = new Subscription(this.#context, this.#typeUrl, (resources, version) => this.#update(entry, resources, version), [
      name,
    ]);
    const entry: Entry<T> = { name, value: null, version: '', lastUpdated: 0, init, subscription, users: 0 };
    subscription.start();
    init.start();
    return entry;
  }

  #update(entry: Entry<T>, resources: readonly NamedResource[], version: string): string | null {
    const found = resources.find(({ name }) => name === entry.name);
    if (found === undefined) {
      entry.init.done();
      return null;
    }
    const value = this.#compile(found.resource);
    if (typeof value === 'string') {
      entry.init.done();
      return value;
    }
    entry.value = value;
    entry.version = version;
    entry.lastUpdated = this.#context.dispatcher.clock.wallMillis();
    entry.init.done();
    return null;
  }
}
