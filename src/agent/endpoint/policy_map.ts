/**
 * Writing an endpoint's policy map: what is wanted against what is there, additions before deletions.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMap
 */
import { OK } from '../../kernel/bpf_map.ts';
import type { Journey } from '../../sim/journey.ts';
import { type MapState, type MapStateEntry, type PackedKey, packKey, UNKNOWN_PROXY_PORT, unpackKey } from '../policy/mapstate.ts';
import { consumeMapChanges } from '../policy/resolve.ts';
import type { Endpoint, RealizedEntry } from './endpoint.ts';
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
    const old = endpoint.realizedMap.get(key);
    if (old === undefined || old.proxyPort !== proxyPort || old.deny !== entry.isDeny) {
      if (addPolicyKey(endpoint, key, realizedEntry(proxyPort, entry.isDeny), journey)) {
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
  const gone = [...endpoint.realizedMap.keys()].filter((key) => !wanted.has(key));
  for (const key of gone) {
    deletePolicyKey(endpoint, key, journey);
  }
  return gone.length;
}

const ALLOWED: RealizedEntry = { proxyPort: 0, deny: false };
const DENIED: RealizedEntry = { proxyPort: 0, deny: true };

/** Nearly all keys of a large cluster have one of two entries: one object each will do. */
function realizedEntry(proxyPort: number, deny: boolean): RealizedEntry {
  return proxyPort === 0 ? (deny ? DENIED : ALLOWED) : { proxyPort, deny };
}

/** @see cilium:pkg/endpoint/bpf.go#Endpoint.addPolicyKey */
function addPolicyKey(endpoint: Endpoint, packed: PackedKey, entry: RealizedEntry, journey: Journey): boolean {
  const map = endpoint.policyMap;
  const key = mapKey(packed);
  const before = map.lookup(key);
  const value = { proxyPort: entry.proxyPort, deny: entry.deny, packets: 0, bytes: 0 };
  if (map.update(key, value) !== OK) {
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
      after: map.spec.valueToJson(value),
    });
  }
  return true;
}

function deletePolicyKey(endpoint: Endpoint, packed: PackedKey, journey: Journey): void {
  const map = endpoint.policyMap;
  const key = mapKey(packed);
  const before = map.lookup(key);
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
