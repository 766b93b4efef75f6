/**
 * Session affinity: which backend a client of a service had last.
 * @see cilium:bpf/lib/lb.h#__lb4_affinity_backend_id
 */
import type { Lb4Service } from '../../maps/lbmap.ts';
import type { BpfEnv } from '../env.ts';

/**
 * The backend a client had within the service's time, if the service still has it; otherwise 0, and the memory is erased.
 * @param client an address, or a namespace cookie
 * @see cilium:bpf/lib/lb.h#__lb4_affinity_backend_id
 */
export function lb4AffinityBackendId(
  env: BpfEnv,
  packet: number | null,
  service: Lb4Service,
  client: number,
  netnsCookie: boolean,
): number {
  const { affinity, affinityMatch } = env.maps;
  const key = env.scratch.affinityKey;
  key.client = client;
  key.revNatId = service.revNatIndex;
  key.netnsCookie = netnsCookie;
  const value = affinity.lookup(key);
  if (env.journey.recording) {
    env.journey.add({
      kind: 'lookup',
      actor: 'bpf',
      fn: '__lb4_affinity_backend_id',
      see: 'cilium:bpf/lib/lb.h#__lb4_affinity_backend_id',
      ...(packet === null ? {} : { packet }),
      map: affinity.spec.name,
      key: affinity.spec.key.toJson(key),
      entry: value === undefined ? null : affinity.spec.valueToJson(value),
    });
  }
  if (value === undefined) {
    return 0;
  }
  const now = env.clock.seconds();
  const match = env.scratch.affinityMatchKey;
  match.revNatId = service.revNatIndex;
  match.backendId = value.backendId;
  // The frontend's slot carries the time-out where other slots carry a backend.
  if (value.lastUsed + service.backendId <= now || affinityMatch.lookup(match) === undefined) {
    affinity.delete(key);
    return 0;
  }
  value.lastUsed = now;
  return value.backendId;
}

/** Remembers it. @see cilium:bpf/lib/lb.h#__lb4_update_affinity */
export function lb4UpdateAffinity(env: BpfEnv, service: Lb4Service, client: number, netnsCookie: boolean, backendId: number): void {
  const key = env.scratch.affinityKey;
  key.client = client;
  key.revNatId = service.revNatIndex;
  key.netnsCookie = netnsCookie;
  env.maps.affinity.update(key, { lastUsed: env.clock.seconds(), backendId });
}
