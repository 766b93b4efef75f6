/**
 * The API server: a store of objects with list and watch. Objects are kept in order of creation (as k3s lists them, by row).
 * Watchers hear of changes in order and never inside the call that made them.
 * @see kubernetes:staging/src/k8s.io/client-go/tools/cache/shared_informer.go
 */
import { mergeApplied, withLastApplied } from './apply_merge.ts';
import type { KubeObject, LabelSelector } from './objects.ts';
import { matchesSelector } from './selector.ts';

/** Where an object was written: file and position of a path inside it. */
export interface Origin {
  readonly file: string;
  /** Line and column, from 1, of the value at a path; the nearest parent's where the path itself is absent. */
  locate(path: readonly (string | number)[]): { readonly line: number; readonly column: number };
}

/** What a watcher hears. */
export interface WatchHandlers<T extends KubeObject> {
  onAdd?(object: T, origin: Origin | null): void;
  onUpdate?(old: T, object: T, origin: Origin | null): void;
  onDelete?(object: T): void;
}

/** What applying an object did. */
export type ApplyOutcome = 'created' | 'configured' | 'unchanged';

/** Which objects to list. */
export interface ListOptions {
  readonly namespace?: string;
  readonly selector?: LabelSelector;
}

/** What the server needs from its surroundings. */
export interface ApiServerDeps {
  /** Runs a callback later: news of a kind, in order within the kind. */
  readonly later: (callback: () => void, kind: string) => void;
  /** RFC 3339 text of now. */
  readonly now: () => string;
  readonly uid: () => string;
}

interface Stored {
  readonly object: KubeObject;
  readonly origin: Origin | null;
}

/** Kinds without namespace. */
const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  'Namespace',
  'Node',
  'CiliumClusterwideEnvoyConfig',
  'CiliumClusterwideNetworkPolicy',
  'CiliumIdentity',
  'CiliumNode',
  'IngressClass',
]);

/** Kinds whose specification's versions are not counted. @see kubernetes:pkg/registry/core/pod/strategy.go#podStrategy.PrepareForCreate */
const WITHOUT_GENERATION: ReadonlySet<string> = new Set([
  'ConfigMap',
  'Endpoints',
  'Namespace',
  'Node',
  'Pod',
  'Secret',
  'Service',
  'ServiceAccount',
]);

/** Whether objects of a kind live in a namespace. */
export function isNamespaced(kind: string): boolean {
  return !CLUSTER_SCOPED.has(kind);
}

/** What all connections share. */
interface Store {
  readonly kinds: Map<string, Map<string, Stored>>;
  readonly watchers: Map<string, WatchHandlers<KubeObject>[]>;
  readonly admissions: Map<string, ((object: KubeObject) => KubeObject)[]>;
  readonly graces: Map<string, (object: KubeObject) => KubeObject | null>;
  revision: number;
}

/** The store, seen by one client. */
export class ApiServer {
  readonly #deps: ApiServerDeps;
  readonly #store: Store;
  /** Ends of the watches this client has opened. */
  readonly #ends: (() => void)[] = [];
  /** Objects that existed when a watch began and that it has not told of yet. */
  #listing = 0;

  constructor(deps: ApiServerDeps, store?: Store) {
    this.#deps = deps;
    this.#store = store ?? { kinds: new Map(), watchers: new Map(), admissions: new Map(), graces: new Map(), revision: 0 };
  }

  /** The same server for another client, whose watches end together. */
  connect(): ApiServer {
    return new ApiServer(this.#deps, this.#store);
  }

  /** Whether the client knows all that existed when it began to follow. @see kubernetes:staging/src/k8s.io/client-go/tools/cache/shared_informer.go#WaitForCacheSync */
  get synced(): boolean {
    return this.#listing === 0;
  }

  /** The client is gone, and with it what it follows. */
  disconnect(): void {
    for (const end of this.#ends.splice(0)) {
      end();
    }
  }

  /** Adds an admission step: what it returns is stored in place of a new object of the kind (defaults, allocated addresses). */
  admit(kind: string, admission: (object: KubeObject) => KubeObject): void {
    this.#store.admissions.set(kind, [...(this.#store.admissions.get(kind) ?? []), admission]);
  }

  /** Says what a deletion makes of objects of a kind that go in their own time; `null`: this one is gone at once. */
  terminate(kind: string, grace: (object: KubeObject) => KubeObject | null): void {
    this.#store.graces.set(kind, grace);
  }

  /** The object, or `undefined`. The namespace of a cluster-scoped kind does not matter. */
  get<T extends KubeObject>(kind: string, namespace: string, name: string): T | undefined {
    return this.#store.kinds.get(kind)?.get(keyOf(kind, namespace, name))?.object as T | undefined;
  }

  /** Where an object was written, if it came from a file. */
  origin(kind: string, namespace: string, name: string): Origin | null {
    return this.#store.kinds.get(kind)?.get(keyOf(kind, namespace, name))?.origin ?? null;
  }

  /** Objects of a kind in order of creation. */
  list<T extends KubeObject>(kind: string, options: ListOptions = {}): T[] {
    const found: T[] = [];
    for (const { object } of this.#store.kinds.get(kind)?.values() ?? []) {
      const inNamespace = options.namespace === undefined || object.metadata.namespace === options.namespace;
      if (inNamespace && (options.selector === undefined || matchesSelector(options.selector, object.metadata.labels ?? {}))) {
        found.push(object as T);
      }
    }
    return found;
  }

  /** Stores a new object; one of the same name is replaced as by `update`. */
  create<T extends KubeObject>(object: T, origin: Origin | null = null): T {
    const key = keyOf(object.kind, object.metadata.namespace, object.metadata.name);
    const existing = this.#store.kinds.get(object.kind)?.get(key);
    if (existing !== undefined) {
      return this.update(object, origin ?? existing.origin);
    }
    const namespace = isNamespaced(object.kind) ? { namespace: object.metadata.namespace ?? 'default' } : {};
    const admitted = (this.#store.admissions.get(object.kind) ?? []).reduce((one, admission) => admission(one), object as KubeObject) as T;
    const stored: T = {
      ...admitted,
      metadata: {
        ...admitted.metadata,
        ...namespace,
        uid: object.metadata.uid ?? this.#deps.uid(),
        resourceVersion: String(++this.#store.revision),
        ...(WITHOUT_GENERATION.has(object.kind) ? {} : { generation: 1 }),
        creationTimestamp: object.metadata.creationTimestamp ?? this.#deps.now(),
      },
    };
    this.#put(key, { object: stored, origin });
    this.#notify(stored.kind, (watcher) => watcher.onAdd?.(stored, origin));
    return stored;
  }

  /** Replaces an object; what the server owns in its metadata stays. */
  update<T extends KubeObject>(object: T, origin?: Origin | null): T {
    const key = keyOf(object.kind, object.metadata.namespace, object.metadata.name);
    const existing = this.#store.kinds.get(object.kind)?.get(key);
    if (existing === undefined) {
      return this.create(object, origin ?? null);
    }
    const old = existing.object as T;
    const counted = !WITHOUT_GENERATION.has(object.kind);
    const specChanged = counted && !sameSpec(old, object);
    const stored: T = {
      ...object,
      metadata: {
        ...object.metadata,
        ...(old.metadata.namespace === undefined ? {} : { namespace: old.metadata.namespace }),
        ...(old.metadata.uid === undefined ? {} : { uid: old.metadata.uid }),
        ...(old.metadata.creationTimestamp === undefined ? {} : { creationTimestamp: old.metadata.creationTimestamp }),
        resourceVersion: String(++this.#store.revision),
        ...(counted ? { generation: (old.metadata.generation ?? 1) + (specChanged ? 1 : 0) } : {}),
      },
    };
    const from = origin === undefined ? existing.origin : origin;
    this.#put(key, { object: stored, origin: from });
    this.#notify(stored.kind, (watcher) => watcher.onUpdate?.(old, stored, from));
    return stored;
  }

  /** What `kubectl apply` does: creates, or updates what the user states and keeps the status. */
  apply<T extends KubeObject>(object: T, origin: Origin | null = null): ApplyOutcome {
    const applied = withLastApplied(object);
    const old = this.get<T>(object.kind, object.metadata.namespace ?? 'default', object.metadata.name);
    if (old === undefined) {
      this.create(applied, origin);
      return 'created';
    }
    const merged = mergeApplied(old, applied) as T;
    if (sameJson(merged, old)) {
      return 'unchanged';
    }
    this.update(merged, origin);
    return 'configured';
  }

  /** Replaces the status alone. */
  updateStatus(kind: string, namespace: string, name: string, status: unknown): void {
    const object = this.get<KubeObject>(kind, namespace, name);
    if (object !== undefined && !sameJson(object['status'], status)) {
      this.update({ ...object, status });
    }
  }

  /** Removes an object, or lets it begin to go; whether there was one. `now`: whatever time it would take. */
  delete(kind: string, namespace: string, name: string, now = false): boolean {
    const key = keyOf(kind, namespace, name);
    const existing = this.#store.kinds.get(kind)?.get(key);
    if (existing === undefined) {
      return false;
    }
    const going = now ? null : (this.#store.graces.get(kind)?.(existing.object) ?? null);
    if (going !== null) {
      if (going !== existing.object) {
        this.update(going);
      }
      return true;
    }
    this.#store.kinds.get(kind)?.delete(key);
    this.#store.revision += 1;
    this.#notify(kind, (watcher) => watcher.onDelete?.(existing.object));
    return true;
  }

  /** Follows a kind: first what exists, then every change. Returns the function that ends it. */
  watch<T extends KubeObject>(kind: string, handlers: WatchHandlers<T>): () => void {
    const watcher = handlers as unknown as WatchHandlers<KubeObject>;
    const watchers = this.#store.watchers.get(kind) ?? [];
    this.#store.watchers.set(kind, watchers);
    watchers.push(watcher);
    const existing = [...(this.#store.kinds.get(kind)?.values() ?? [])];
    this.#listing += existing.length;
    for (const { object, origin } of existing) {
      this.#deps.later(() => {
        this.#listing -= 1;
        if (watchers.includes(watcher)) {
          watcher.onAdd?.(object, origin);
        }
      }, kind);
    }
    const end = (): void => {
      const index = watchers.indexOf(watcher);
      if (index >= 0) {
        watchers.splice(index, 1);
      }
    };
    this.#ends.push(end);
    return end;
  }

  /**
   * Tells every watcher again of every object, as an update without a change.
   * @see kubernetes:staging/src/k8s.io/client-go/tools/cache/shared_informer.go#sharedIndexInformer.OnUpdate
   */
  resync(): void {
    for (const [kind, objects] of this.#store.kinds) {
      for (const { object, origin } of objects.values()) {
        this.#notify(kind, (watcher) => watcher.onUpdate?.(object, object, origin));
      }
    }
  }

  #put(key: string, stored: Stored): void {
    let kind = this.#store.kinds.get(stored.object.kind);
    if (kind === undefined) {
      kind = new Map();
      this.#store.kinds.set(stored.object.kind, kind);
    }
    kind.set(key, stored);
  }

  #notify(kind: string, tell: (watcher: WatchHandlers<KubeObject>) => void): void {
    const watchers = this.#store.watchers.get(kind) ?? [];
    for (const watcher of [...watchers]) {
      this.#deps.later(() => {
        if (watchers.includes(watcher)) {
          tell(watcher);
        }
      }, kind);
    }
  }
}

function keyOf(kind: string, namespace: string | undefined, name: string): string {
  return isNamespaced(kind) ? `${namespace ?? 'default'}/${name}` : name;
}

/** Whether all but metadata and status is the same. */
function sameSpec(old: KubeObject, now: KubeObject): boolean {
  for (const key of Object.keys(now)) {
    if (key !== 'metadata' && key !== 'status' && !sameJson(old[key], now[key])) {
      return false;
    }
  }
  return Object.keys(old).every((key) => key === 'metadata' || key === 'status' || now[key] !== undefined || old[key] === undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two JSON values are equal, whatever the order of their members; an absent member is as good as an undefined one. Objects that share parts are compared at once. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((one, index) => sameJson(one, b[index]));
  }
  if (!isObject(a) || !isObject(b)) {
    return false;
  }
  for (const key of Object.keys(a)) {
    if (!sameJson(a[key], b[key])) {
      return false;
    }
  }
  for (const key of Object.keys(b)) {
    if (b[key] !== undefined && a[key] === undefined) {
      return false;
    }
  }
  return true;
}
