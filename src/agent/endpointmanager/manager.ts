/**
 * The endpoints of a node.
 * @see cilium:pkg/endpointmanager/manager.go
 */
import type { Ipv4 } from '../../net/ipv4.ts';
import { assert } from '../../sim/assert.ts';
import type { Rng } from '../../sim/rng.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { NamedPortMultiMap } from '../policy/named_ports.ts';

/** Largest endpoint id. @see cilium:pkg/endpointmanager/idallocator/allocator.go */
export const MAX_ENDPOINT_ID = 4095;

/** Endpoints by id, address and pod. */
export class EndpointManager {
  /** Named ports of all pods of the cluster: those of other nodes are added by who hears of them. */
  readonly namedPorts = new NamedPortMultiMap();
  readonly #rng: Rng;
  readonly #byId = new Map<number, Endpoint>();
  readonly #byAddress = new Map<Ipv4, Endpoint>();
  readonly #taken = new Set<number>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** A free id: the wanted one, or a random one. */
  allocateId(wanted?: number): number {
    let id = wanted;
    while (id === undefined || (this.#taken.has(id) && wanted === undefined)) {
      id = this.#rng.between(1, MAX_ENDPOINT_ID);
    }
    assert(!this.#taken.has(id), `endpoint id ${id} is taken`);
    this.#taken.add(id);
    return id;
  }

  /** Whether an id is in use. */
  has(id: number): boolean {
    return this.#taken.has(id);
  }

  expose(endpoint: Endpoint): void {
    this.namedPorts.add(endpoint.namedPorts);
    this.#byId.set(endpoint.id, endpoint);
    this.#byAddress.set(endpoint.ipv4, endpoint);
  }

  remove(endpoint: Endpoint): void {
    if (this.#byId.get(endpoint.id) === endpoint) {
      this.namedPorts.remove(endpoint.namedPorts);
    }
    this.#byId.delete(endpoint.id);
    if (this.#byAddress.get(endpoint.ipv4) === endpoint) {
      this.#byAddress.delete(endpoint.ipv4);
    }
    this.#taken.delete(endpoint.id);
  }

  get(id: number): Endpoint | undefined {
    return this.#byId.get(id);
  }

  /** The endpoint of a pod. */
  ofPod(namespace: string, name: string): Endpoint | undefined {
    for (const endpoint of this.#byId.values()) {
      if (endpoint.namespace === namespace && endpoint.podName === name) {
        return endpoint;
      }
    }
    return undefined;
  }

  /** The endpoint that has an address. */
  ofAddress(address: Ipv4): Endpoint | undefined {
    return this.#byAddress.get(address);
  }

  /** All endpoints in order of creation. */
  list(): readonly Endpoint[] {
    return [...this.#byId.values()];
  }
}
