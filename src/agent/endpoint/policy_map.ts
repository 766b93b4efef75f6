/**
 * Writing an endpoint's policy map: what is wanted against what is there, additions before deletions.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMap
 */
import { OK } from '../../kernel/bpf_map.ts';
import type { PolicyEntry } from '../../maps/policymap.ts';
import type { Journey } from '../../sim/journey.ts';
import { type MapState, packKey, UNKNOWN_PROXY_PORT, unpackKey } from '../policy/mapstate.ts';
import type { MapStateEntry, PackedKey } from '../policy/mapstate_entry.ts';
import { consumeMapChanges } from '../policy/resolve.ts';
import type { Endpoint } from './endpoint.ts';
import { watchAddedKeys } from './visibility.ts';

/** What a synchronisation did. */
export interface SyncResult {
  readonly added: number;
  readonly deleted: number;
  /** Keys that did not fit. */
  readonly failed: number;
}

/** Makes the map hold what the endpoint's desired policy says. Counters of entries that stay are kept. */
export function syncPolicyMap(endpoint: Endpoint, journey: Journey): SyncResult {
  const policy = endpoint.desiredPolicy;
  if (policy === null) {
    return { added: 0, deleted: 0, failed: 0 };
  }
  consumeMapChanges(policy);
  watchAddedKeys(endpoint, policy);
  const { mapState } = policy;
  let added = 0;
  let failed = 0;
  mapState.forEach((identity: number, port: number, proto: number, direction: 0 | 1, entry: MapStateEntry) => {
    // A redirect whose port is not known here (a sidecar's) is a plain allow.
    const proxyPort = entry.proxyPort === UNKNOWN_PROXY_PORT ? 0 : entry.proxyPort;
    const key = packKey(identity, port, proto, direction);
    if (!endpoint.realizedMap.holds(key, proxyPort, entry.isDeny)) {
      if (addPolicyKey(endpoint, key, mapEntry(proxyPort, entry.isDeny), journey)) {
        added += 1;
      } else {
        failed += 1;
      }
    }
  });
  // Once all that is wanted is there, as many keys are the same keys.
  const deleted = failed === 0 && endpoint.realizedMap.size === mapState.size ? 0 : deleteUnwanted(endpoint, mapState, journey);
  return { added, deleted, failed };
}

/** What an endpoint of an earlier agent has in its map counts as realized. @see cilium:pkg/endpoint/bpf.go#Endpoint.dumpPolicyMapToMapState */
export function readPolicyMap(endpoint: Endpoint): void {
  for (const [key, { proxyPort, deny }] of endpoint.policyMap.entries()) {
    endpoint.realizedMap.set(packKey(key.secLabel, key.dport, key.protocol, key.egress), { proxyPort, deny });
  }
}

/** @see cilium:pkg/endpoint/bpf.go#Endpoint.deletePolicyKey */
function deleteUnwanted(endpoint: Endpoint, mapState: MapState, journey: Journey): number {
  const wanted = new Set<PackedKey>();
  mapState.forEach((identity: number, port: number, proto: number, direction: 0 | 1) => {
    wanted.add(packKey(identity, port, proto, direction));
  });
  const gone = [...endpoint.realizedMap].map(([key]) => key).filter((key) => !wanted.has(key));
  for (const key of gone) {
    deletePolicyKey(endpoint, key, journey);
  }
  return gone.length;
}

const ALLOWED: PolicyEntry = { proxyPort: 0, deny: false, packets: 0, bytes: 0 };
const DENIED: PolicyEntry = { proxyPort: 0, deny: true, packets: 0, bytes: 0 };

/** Nearly all keys of a large cluster have one of two entries: one object each will do, since the map copies what a packet meets. */
function mapEntry(proxyPort: number, deny: boolean): PolicyEntry {
  return proxyPort === 0 ? (deny ? DENIED : ALLOWED) : { proxyPort, deny, packets: 0, bytes: 0 };
}

/** @see cilium:pkg/endpoint/bpf.go#Endpoint.addPolicyKey */
function addPolicyKey(endpoint: Endpoint, packed: PackedKey, entry: PolicyEntry, journey: Journey): boolean {
  const map = endpoint.policyMap;
  const key = mapKey(packed);
  const before = journey.recording ? map.lookup(key) : undefined;
  if (map.update(key, entry) !== OK) {
    return false;
  }
  endpoint.realizedMap.set(packed, entry);
  if (journey.recording) {
    journey.add({
      kind: 'change',
      actor: 'agent',
      fn: 'addPolicyKey',
      see: 'cilium:pkg/endpoint/bpf.go#Endpoint.addPolicyKey',
      target: map.spec.name,
      key: map.spec.key.toJson(key),
      before: before === undefined ? null : map.spec.valueToJson(before),
      after: map.spec.valueToJson(entry),
    });
  }
  return true;
}

function deletePolicyKey(endpoint: Endpoint, packed: PackedKey, journey: Journey): void {
  const map = endpoint.policyMap;
  const key = mapKey(packed);
  const before = journey.recording ? map.lookup(key) : undefined;
  map.delete(key);
  endpoint.realizedMap.delete(packed);
  if (journey.recording) {
    journey.add({
      kind: 'change',
      actor: 'agent',
      fn: 'deletePolicyKey',
      see: 'cilium:pkg/endpoint/bpf.go#Endpoint.deletePolicyKey',
      target: map.spec.name,
      key: map.spec.key.toJson(key),
      before: before === undefined ? null : map.spec.valueToJson(before),
      after: null,
    });
  }
}

function mapKey(packed: PackedKey): { secLabel: number; dport: number; protocol: number; egress: 0 | 1 } {
  const { identity, destPort, nexthdr, trafficDirection } = unpackKey(packed);
  return { secLabel: identity, dport: destPort, protocol: nexthdr, egress: trafficDirection };
}
