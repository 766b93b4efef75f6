/**
 * Services: frontends, backends and reverse NAT, in the agent and in the lb maps.
 * @see cilium:pkg/service/service.go#Service.upsertService
 * @see cilium:pkg/k8s/service_cache.go#ServiceCache
 */
import type { Endpoints, Pod, Service } from '../../k8s/objects.ts';
import { BE_STATE_ACTIVE, BE_STATE_TERMINATING } from '../../maps/lbmap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { NodeMaps } from '../datapath/node.ts';
import { type FrontendOptions, type ServiceType, type WantedBackend, type WantedFrontend, wantedFrontends } from './frontends.ts';
import { filterServiceBackends, L7LbServices, type ServiceName, serviceNameText } from './l7lb.ts';
import { deleteFrontend, writeAffinityMatches, writeFrontend, writeSourceRanges } from './lb_writer.ts';
import { deleteOrphanMatches, deleteRestored, type RestoredFrontend, restoredBackends, restoredFrontends } from './restore.ts';

/** A backend of a frontend. */
export interface Backend {
  readonly id: number;
  readonly address: Ipv4;
  readonly port: number;
  readonly terminating: boolean;
}

/** A frontend. */
export interface Frontend {
  /** Service id, which is the reverse NAT index. */
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly type: ServiceType;
  readonly address: Ipv4;
  readonly port: number;
  /** For connections from inside alone. */
  readonly internal: boolean;
  readonly extLocal: boolean;
  readonly intLocal: boolean;
  readonly backends: readonly Backend[];
  /** Seconds of session affinity, or `null`. */
  readonly affinity: number | null;
  readonly sourceRanges: readonly string[];
  readonly loopback: boolean;
  /** Port of the proxy's listener that has the frontend's traffic; 0: none. */
  readonly l7LbProxyPort: number;
}

/** What a service manager works with. */
export interface ServiceDeps {
  readonly maps: NodeMaps;
  readonly journey: Journey;
  readonly options: FrontendOptions & {
    /** `enable-session-affinity` */
    readonly sessionAffinity: boolean;
    /** `enable-k8s-terminating-endpoint` */
    readonly terminatingEndpoints: boolean;
    /** `enable-svc-source-range-check` */
    readonly sourceRanges: boolean;
  };
  /** The proxy shall know a service's backends, by port. */
  readonly upsertEnvoyEndpoints: (service: ServiceName, backends: ReadonlyMap<string, readonly Backend[]>) => void;
}

/** Keeps the lb maps in step with Service and Endpoints objects. */
export class ServiceManager {
  readonly #deps: ServiceDeps;
  readonly #services = new Map<string, Service>();
  readonly #endpoints = new Map<string, Endpoints>();
  readonly #frontends = new Map<string, Frontend>();
  /** Keys of the frontends of each service. */
  readonly #ofService = new Map<string, readonly string[]>();
  readonly #l7Lb = new L7LbServices();
  readonly #backends = new Map<string, { readonly id: number; terminating: boolean; users: number }>();
  readonly #takenIds = new Set<number>();
  /** Frontends found in the maps that no Service has claimed yet. */
  readonly #restored = new Map<string, RestoredFrontend>();
  #nextBackendId = 1;

  constructor(deps: ServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Takes over what the agent before has left in the maps: numbers of services and of backends stay.
   * @see cilium:pkg/service/service.go#Service.RestoreServices
   */
  restore(): void {
    for (const { id, address, port, terminating } of restoredBackends(this.#deps.maps)) {
      this.#backends.set(`${address}:${port}`, { id, terminating, users: 0 });
      this.#nextBackendId = Math.max(this.#nextBackendId, id + 1);
    }
    for (const frontend of restoredFrontends(this.#deps.maps)) {
      this.#restored.set(frontendKey(frontend), frontend);
      this.#takenIds.add(frontend.id);
    }
  }

  /** All Services are known: what was only in the maps goes. @see cilium:pkg/service/service.go#Service.SyncWithK8sFinished */
  syncWithK8sFinished(): void {
    const { maps } = this.#deps;
    for (const frontend of this.#restored.values()) {
      deleteRestored(maps, frontend);
      this.#takenIds.delete(frontend.id);
    }
    this.#restored.clear();
    const kept = [...this.#frontends.values()].filter(({ affinity }) => affinity !== null);
    deleteOrphanMatches(maps, new Set(kept.flatMap((frontend) => frontend.backends.map((backend) => `${frontend.id}:${backend.id}`))));
    for (const [key, { id, users }] of [...this.#backends]) {
      if (users === 0) {
        this.#backends.delete(key);
        maps.backends.delete(id);
      }
    }
  }

  /** Frontends by id. */
  frontends(): readonly Frontend[] {
    return [...this.#frontends.values()].sort((a, b) => a.id - b.id);
  }

  /** A Service appeared or changed. */
  upsertService(service: Service): void {
    this.#services.set(keyOf(service), service);
    this.#sync(keyOf(service));
  }

  /** A Service is gone. */
  deleteService(service: Service): void {
    this.#services.delete(keyOf(service));
    this.#sync(keyOf(service));
  }

  /** Endpoints appeared or changed. */
  upsertEndpoints(endpoints: Endpoints): void {
    this.#endpoints.set(keyOf(endpoints), endpoints);
    this.#sync(keyOf(endpoints));
  }

  /** Endpoints are gone: the service stays without backends. */
  deleteEndpoints(endpoints: Endpoints): void {
    this.#endpoints.set(keyOf(endpoints), { ...endpoints, subsets: [] });
    this.#sync(keyOf(endpoints));
  }

  /**
   * A service's traffic (`proxyPort`) or only its backends (0) belong to the proxy. @returns why not, or `null`
   * @see cilium:pkg/service/service.go#Service.RegisterL7LBService
   */
  registerL7LbService(service: ServiceName, resource: ServiceName, ports: readonly string[], proxyPort: number): string | null {
    const error = this.#l7Lb.register(service, resource, ports, proxyPort);
    if (error === null) {
      this.#sync(serviceNameText(service));
    }
    return error;
  }

  /** … and no longer. @see cilium:pkg/service/service.go#Service.RemoveL7LBService */
  removeL7LbService(service: ServiceName, resource: ServiceName): void {
    if (this.#l7Lb.remove(service, resource)) {
      this.#sync(serviceNameText(service));
    }
  }

  /** A service with its endpoints, once both are known. @see cilium:pkg/k8s/service_cache.go#ServiceCache.correlateEndpoints */
  pair(of: { readonly metadata: Service['metadata'] }): { readonly service: Service; readonly endpoints: Endpoints } | null {
    const service = this.#services.get(keyOf(of));
    const endpoints = this.#endpoints.get(keyOf(of));
    return service === undefined || endpoints === undefined ? null : { service, endpoints };
  }

  /** All services that count. */
  pairs(): readonly { readonly service: Service; readonly endpoints: Endpoints }[] {
    return [...this.#services.values()].flatMap((service) => this.pair(service) ?? []);
  }

  /** The host ports of a pod, all of them. A port that somebody has already stays with that one. */
  setHostPorts({ metadata }: Pod, wanted: readonly WantedFrontend[]): void {
    const { namespace = 'default', name } = metadata;
    const owner = `host ports of ${namespace}/${name}`;
    const before = this.#ofService.get(owner) ?? [];
    const mine = wanted.filter((one) => before.includes(frontendKey(one)) || !this.#frontends.has(frontendKey(one)));
    const keys = mine.map(frontendKey);
    for (const gone of before.filter((one) => !keys.includes(one))) {
      this.#delete(gone);
    }
    if (before.length + keys.length > 0) {
      this.#ofService.set(owner, keys);
    }
    for (const frontend of mine) {
      this.#upsert({ namespace, name: `${name}/host-port/${frontend.port}` }, frontend);
    }
  }

  /** A service counts once both of its objects are known. */
  #sync(key: string): void {
    const service = this.#services.get(key);
    const endpoints = this.#endpoints.get(key);
    if (service !== undefined && endpoints === undefined) {
      return;
    }
    const wanted = service === undefined || endpoints === undefined ? [] : wantedFrontends(service, endpoints, this.#deps.options);
    const keys = wanted.map(frontendKey);
    for (const gone of (this.#ofService.get(key) ?? []).filter((one) => !keys.includes(one))) {
      this.#delete(gone);
    }
    this.#ofService.set(key, keys);
    for (const frontend of wanted) {
      const { metadata } = service as Service;
      this.#upsert({ namespace: metadata.namespace ?? 'default', name: metadata.name }, frontend);
    }
  }

  #upsert(owner: ServiceName, wanted: WantedFrontend): void {
    const { maps, journey, options } = this.#deps;
    const key = frontendKey(wanted);
    const old = this.#frontends.get(key);
    const restored = this.#restored.get(key);
    this.#restored.delete(key);
    const l7Lb = this.#l7Lb.get(owner);
    const l7LbProxyPort = l7Lb?.proxyPort ?? 0;
    const usable = wanted.backends.filter((backend) => !backend.terminating || options.terminatingEndpoints);
    const frontend: Frontend = {
      id: old?.id ?? restored?.id ?? this.#freeId(),
      ...owner,
      type: wanted.type,
      address: wanted.address,
      port: wanted.port,
      internal: wanted.internal,
      extLocal: wanted.extLocal,
      intLocal: wanted.intLocal,
      backends: usable.map((backend) => this.#acquire(backend)),
      // The entry has one place for both.
      affinity: l7LbProxyPort === 0 ? wanted.affinity : null,
      sourceRanges: options.sourceRanges ? wanted.sourceRanges : [],
      loopback: wanted.loopback === true,
      l7LbProxyPort,
    };
    this.#frontends.set(key, frontend);
    if (l7Lb !== undefined && l7Lb.backendsOf.length > 0) {
      const { portName = '' } = wanted;
      this.#deps.upsertEnvoyEndpoints(owner, filterServiceBackends({ ...frontend, portName }, l7Lb.frontendPorts));
    }
    writeSourceRanges(maps, old, frontend);
    writeFrontend(maps, journey, frontend, old?.backends.length ?? restored?.slots ?? 0);
    if (options.sessionAffinity) {
      writeAffinityMatches(maps, old, frontend);
    }
    for (const backend of old?.backends ?? []) {
      this.#release(backend);
    }
  }

  #delete(key: string): void {
    const frontend = this.#frontends.get(key);
    if (frontend === undefined) {
      return;
    }
    this.#frontends.delete(key);
    this.#takenIds.delete(frontend.id);
    deleteFrontend(this.#deps.maps, frontend);
    writeSourceRanges(this.#deps.maps, frontend, null);
    writeAffinityMatches(this.#deps.maps, frontend, null);
    for (const backend of frontend.backends) {
      this.#release(backend);
    }
  }

  /** The smallest free number from 1. @see cilium:pkg/service/id_local.go#IDAllocator */
  #freeId(): number {
    let id = 1;
    while (this.#takenIds.has(id)) {
      id += 1;
    }
    this.#takenIds.add(id);
    return id;
  }

  /** Backends are shared by the frontends that have them; a state that changes is written at once. */
  #acquire({ address, port, terminating }: WantedBackend): Backend {
    const key = `${address}:${port}`;
    let entry = this.#backends.get(key);
    if (entry === undefined || entry.terminating !== terminating) {
      entry = { id: entry?.id ?? this.#nextBackendId++, terminating, users: entry?.users ?? 0 };
      this.#backends.set(key, entry);
      const state = terminating ? BE_STATE_TERMINATING : BE_STATE_ACTIVE;
      this.#deps.maps.backends.update(entry.id, { address, port, proto: 0, state });
    }
    entry.users += 1;
    return { id: entry.id, address, port, terminating };
  }

  #release(backend: Backend): void {
    const key = `${backend.address}:${backend.port}`;
    const entry = this.#backends.get(key);
    if (entry !== undefined && --entry.users === 0) {
      this.#backends.delete(key);
      this.#deps.maps.backends.delete(backend.id);
    }
  }
}

function frontendKey({ address, port, internal }: Pick<WantedFrontend, 'address' | 'port' | 'internal'>): string {
  return `${address}:${port}${internal ? '/i' : ''}`;
}

function keyOf(object: { readonly metadata: Service['metadata'] }): string {
  return `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
}
