/**
 * Services: frontends, backends and reverse NAT, in the agent and in the lb maps.
 * @see cilium:pkg/service/service.go#Service.upsertService
 * @see cilium:pkg/k8s/service_cache.go#ServiceCache
 */
import type { Endpoints, Service } from '../../k8s/objects.ts';
import { BE_STATE_ACTIVE, LB_LOOKUP_SCOPE_EXT, type Lb4Key } from '../../maps/lbmap.ts';
import { type Ipv4, parseIpv4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { NodeMaps } from '../datapath/node.ts';

/** A backend of a frontend. */
export interface Backend {
  readonly id: number;
  readonly address: Ipv4;
  readonly port: number;
}

/** A frontend. */
export interface Frontend {
  /** Service id, which is the reverse NAT index. */
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly address: Ipv4;
  readonly port: number;
  readonly backends: readonly Backend[];
}

/** Keeps the lb maps in step with Service and Endpoints objects. */
export class ServiceManager {
  readonly #maps: NodeMaps;
  readonly #journey: Journey;
  readonly #services = new Map<string, Service>();
  readonly #endpoints = new Map<string, Endpoints>();
  readonly #frontends = new Map<string, Frontend>();
  readonly #backends = new Map<string, { readonly backend: Backend; users: number }>();
  #nextBackendId = 1;

  constructor(maps: NodeMaps, journey: Journey) {
    this.#maps = maps;
    this.#journey = journey;
  }

  /** Frontends by id. */
  frontends(): readonly Frontend[] {
    return [...this.#frontends.values()].sort((a, b) => a.id - b.id);
  }

  /** A Service appeared or changed. */
  upsertService(service: Service): void {
    const key = keyOf(service);
    const old = this.#services.get(key);
    this.#services.set(key, service);
    if (old !== undefined) {
      this.#removeVanished(old, service);
    }
    this.#sync(key);
  }

  /** A Service is gone. */
  deleteService(service: Service): void {
    this.#services.delete(keyOf(service));
    this.#removeVanished(service, null);
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

  /** A service counts once both of its objects are known. */
  #sync(key: string): void {
    const service = this.#services.get(key);
    const endpoints = this.#endpoints.get(key);
    const address = service === undefined ? null : clusterIp(service);
    if (service === undefined || endpoints === undefined || address === null) {
      return;
    }
    const seen = new Set<number>();
    for (const port of service.spec.ports ?? []) {
      // The frontend map knows no protocol: the TCP and the UDP port of one number are one frontend.
      if (!seen.has(port.port)) {
        seen.add(port.port);
        this.#upsertFrontend(service, address, port.port, backendsOf(endpoints, service, port.port));
      }
    }
  }

  #upsertFrontend(
    service: Service,
    address: Ipv4,
    port: number,
    wanted: readonly { readonly address: Ipv4; readonly port: number }[],
  ): void {
    const key = `${address}:${port}`;
    const old = this.#frontends.get(key);
    const backends = wanted.map((one) => this.#acquire(one.address, one.port));
    const frontend: Frontend = {
      id: old?.id ?? this.#freeId(),
      namespace: service.metadata.namespace ?? 'default',
      name: service.metadata.name,
      address,
      port,
      backends,
    };
    this.#frontends.set(key, frontend);
    this.#write(frontend, old?.backends.length ?? 0);
    for (const backend of old?.backends ?? []) {
      this.#release(backend);
    }
  }

  /** The smallest free number from 1. @see cilium:pkg/service/id_local.go#IDAllocator */
  #freeId(): number {
    const taken = new Set([...this.#frontends.values()].map((frontend) => frontend.id));
    let id = 1;
    while (taken.has(id)) {
      id += 1;
    }
    return id;
  }

  #acquire(address: Ipv4, port: number): Backend {
    const key = `${address}:${port}`;
    let entry = this.#backends.get(key);
    if (entry === undefined) {
      entry = { backend: { id: this.#nextBackendId++, address, port }, users: 0 };
      this.#backends.set(key, entry);
      this.#maps.backends.update(entry.backend.id, { address, port, proto: 0, state: BE_STATE_ACTIVE });
    }
    entry.users += 1;
    return entry.backend;
  }

  #release(backend: Backend): void {
    const key = `${backend.address}:${backend.port}`;
    const entry = this.#backends.get(key);
    if (entry !== undefined && --entry.users === 0) {
      this.#backends.delete(key);
      this.#maps.backends.delete(backend.id);
    }
  }

  /** Slots first, then the frontend that makes them visible. @see cilium:pkg/maps/lbmap/lbmap.go#LBBPFMap.UpsertService */
  #write(frontend: Frontend, oldCount: number): void {
    const { services, reverseNat } = this.#maps;
    const entry = { backendId: 0, count: 0, revNatIndex: frontend.id, flags: 0, flags2: 0 };
    reverseNat.update(frontend.id, { address: frontend.address, port: frontend.port });
    for (const [index, backend] of frontend.backends.entries()) {
      services.update(slotKey(frontend, index + 1), { ...entry, backendId: backend.id });
    }
    const key = slotKey(frontend, 0);
    const before = services.lookup(key);
    const value = { ...entry, count: frontend.backends.length };
    services.update(key, value);
    for (let slot = frontend.backends.length + 1; slot <= oldCount; slot++) {
      services.delete(slotKey(frontend, slot));
    }
    if (this.#journey.recording) {
      this.#journey.add({
        kind: 'change',
        actor: 'agent',
        fn: 'UpsertService',
        see: 'cilium:pkg/maps/lbmap/lbmap.go#LBBPFMap.UpsertService',
        target: services.spec.name,
        key: services.spec.key.toJson(key),
        before: before === undefined ? null : services.spec.valueToJson(before),
        after: services.spec.valueToJson(value),
      });
    }
  }

  #removeVanished(old: Service, now: Service | null): void {
    const address = clusterIp(old);
    const kept = now !== null && clusterIp(now) === address ? (now.spec.ports ?? []).map((port) => port.port) : [];
    for (const port of old.spec.ports ?? []) {
      const key = `${address}:${port.port}`;
      const frontend = this.#frontends.get(key);
      if (frontend === undefined || kept.includes(port.port)) {
        continue;
      }
      this.#frontends.delete(key);
      for (let slot = frontend.backends.length; slot >= 0; slot--) {
        this.#maps.services.delete(slotKey(frontend, slot));
      }
      this.#maps.reverseNat.delete(frontend.id);
      for (const backend of frontend.backends) {
        this.#release(backend);
      }
    }
  }
}

function slotKey(frontend: Frontend, slot: number): Lb4Key {
  return { address: frontend.address, dport: frontend.port, backendSlot: slot, proto: 0, scope: LB_LOOKUP_SCOPE_EXT };
}

function keyOf(object: Service | Endpoints): string {
  return `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
}

/**
 * The address of a service that has one.
 * @remarks Not modelled: NodePort, LoadBalancer and external addresses.
 */
function clusterIp(service: Service): Ipv4 | null {
  const text = service.spec.clusterIP;
  return text === undefined || text === 'None' ? null : parseIpv4(text);
}

function backendsOf(endpoints: Endpoints, service: Service, port: number): { address: Ipv4; port: number }[] {
  const name = service.spec.ports?.find((one) => one.port === port)?.name;
  const found: { address: Ipv4; port: number }[] = [];
  for (const subset of endpoints.subsets ?? []) {
    const target = (subset.ports ?? []).find((one) => (one.name ?? '') === (name ?? ''));
    for (const one of target === undefined ? [] : (subset.addresses ?? [])) {
      const address = parseIpv4(one.ip);
      if (address !== null && target !== undefined) {
        found.push({ address, port: target.port });
      }
    }
  }
  return found;
}
