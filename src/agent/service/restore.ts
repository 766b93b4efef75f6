/**
 * Services as the maps hold them, for an agent that starts where another has run.
 * @see cilium:pkg/maps/lbmap/lbmap.go#LBBPFMap.DumpServiceMaps
 */
import { BE_STATE_TERMINATING, LB_LOOKUP_SCOPE_INT, type Lb4Key } from '../../maps/lbmap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { NodeMaps } from '../datapath/node.ts';

/** A frontend found in the maps. */
export interface RestoredFrontend {
  readonly id: number;
  readonly address: Ipv4;
  readonly port: number;
  readonly internal: boolean;
  /** Slots behind the frontend's own. */
  readonly slots: number;
}

/** A backend found in the maps. */
export interface RestoredBackend {
  readonly id: number;
  readonly address: Ipv4;
  readonly port: number;
  readonly terminating: boolean;
}

/** All frontends. */
export function restoredFrontends({ services }: NodeMaps): RestoredFrontend[] {
  const slots = new Map<number, number>();
  for (const [key, value] of services.entries()) {
    slots.set(value.revNatIndex, Math.max(slots.get(value.revNatIndex) ?? 0, key.backendSlot));
  }
  const found: RestoredFrontend[] = [];
  for (const [key, { revNatIndex }] of services.entries()) {
    if (key.backendSlot === 0) {
      const internal = key.scope === LB_LOOKUP_SCOPE_INT;
      found.push({ id: revNatIndex, address: key.address, port: key.dport, internal, slots: slots.get(revNatIndex) ?? 0 });
    }
  }
  return found;
}

/** All backends. */
export function restoredBackends({ backends }: NodeMaps): RestoredBackend[] {
  return [...backends.entries()].map(([id, { address, port, state }]) => ({
    id,
    address,
    port,
    terminating: state === BE_STATE_TERMINATING,
  }));
}

/** Removes a frontend whose Service is gone. */
export function deleteRestored(maps: NodeMaps, frontend: RestoredFrontend): void {
  const keys: Lb4Key[] = [];
  for (const [key, { revNatIndex }] of maps.services.entries()) {
    if (revNatIndex === frontend.id) {
      keys.push(key);
    }
  }
  for (const key of keys) {
    maps.services.delete(key);
  }
  maps.reverseNat.delete(frontend.id);
  for (const [key] of [...maps.sourceRange.entries()]) {
    if (key.space === frontend.id) {
      maps.sourceRange.delete(key);
    }
  }
}

/** Removes affinity matches that no service has; `kept` holds `service id:backend id`. @see cilium:pkg/service/service.go#Service.deleteOrphanAffinityMatchesLocked */
export function deleteOrphanMatches({ affinityMatch }: NodeMaps, kept: ReadonlySet<string>): void {
  for (const [key] of [...affinityMatch.entries()]) {
    if (!kept.has(`${key.revNatId}:${key.backendId}`)) {
      affinityMatch.delete(key);
    }
  }
}
