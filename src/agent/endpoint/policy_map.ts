/**
 * Writing an endpoint's policy map: what is wanted against what is there, additions before deletions.
 * @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMap
 */
import { OK } from '../../kernel/bpf_map.ts';
import type { PolicyEntry } from '../../maps/policymap.ts';
import { protocolName } from '../../net/protocol.ts';
import type { Journey } from '../../sim/journey.ts';
import { type MapState, packKey, UNKNOWN_PROXY_PORT, unpackKey } from '../policy/mapstate.ts';
import { AUTH_TYPE_NONE, authTypeOf, type MapStateEntry, type PackedKey } from '../policy/mapstate_entry.ts';
import { consumeMapChanges, type EndpointPolicy } from '../policy/resolve.ts';
import type { Endpoint } from './endpoint.ts';
import { type Comparison, RealizedMap } from './realized_map.ts';
import type { StepWatcher } from './regeneration_steps.ts';
import { watchAddedKeys } from './visibility.ts';

/** What a synchronisation did. */
export interface SyncResult {
  readonly added: number;
  readonly deleted: number;
  /** Keys that did not fit. */
  readonly failed: number;
}

const NOTHING: SyncResult = { added: 0, deleted: 0, failed: 0 };

/** A synchronisation under way. */
interface Sync {
  readonly endpoint: Endpoint;
  readonly policy: EndpointPolicy;
  readonly journey: Journey;
  readonly died: StepWatcher;
  /** What the map holds, as far as is known. */
  readonly realized: RealizedMap;
}

/**
 * Makes the map hold what the endpoint's desired policy says; of a policy that is in force already only what has changed since. Counters of entries
 * that stay are kept. `died` stops it in the middle.
 */
export function syncPolicyMap(endpoint: Endpoint, journey: Journey, died: StepWatcher = () => false): SyncResult {
  const policy = endpoint.desiredPolicy;
  if (policy === null) {
    return NOTHING;
  }
  const sync: Sync = { endpoint, policy, journey, died, realized: endpoint.realizedMap };
  const changed = applyChanges(sync);
  if (changed.failed > 0 || policy === endpoint.realizedPolicy) {
    return changed;
  }
  const rest = syncPolicyMapsWith(sync);
  return { added: changed.added + rest.added, deleted: changed.deleted + rest.deleted, failed: rest.failed };
}

/** Only what has changed since the policy was computed. @see cilium:pkg/endpoint/bpf.go#Endpoint.applyPolicyMapChanges */
export function applyPolicyChanges(endpoint: Endpoint, journey: Journey): SyncResult {
  const policy = endpoint.desiredPolicy;
  return policy === null ? NOTHING : applyChanges({ endpoint, policy, journey, died: () => false, realized: endpoint.realizedMap });
}

/** Against what is really there: whoever has changed the map, it is put right. @see cilium:pkg/endpoint/bpf.go#Endpoint.syncPolicyMapWithDump */
export function syncPolicyMapWithDump(endpoint: Endpoint, journey: Journey): SyncResult {
  const policy = endpoint.desiredPolicy;
  if (policy === null) {
    return NOTHING;
  }
  const sync = { endpoint, policy, journey, died: () => false };
  const changed = applyChanges({ ...sync, realized: endpoint.realizedMap });
  if (changed.failed > 0 || isCompared(endpoint, policy)) {
    return changed;
  }
  const result = syncPolicyMapsWith({ ...sync, realized: dumpPolicyMap(endpoint) });
  endpoint.compared = result.failed > 0 || waitsForPorts(policy) ? null : comparison(endpoint, policy);
  return result;
}

/** Whether neither what is wanted nor the map has changed since they were found to agree: then there is nothing to find. */
function isCompared({ compared, policyMap }: Endpoint, { mapState }: EndpointPolicy): boolean {
  return compared !== null && compared.mapState === mapState && compared.wanted === mapState.changes && compared.held === policyMap.changes;
}

function comparison({ policyMap }: Endpoint, { mapState }: EndpointPolicy): Comparison {
  return { mapState, wanted: mapState.changes, held: policyMap.changes };
}

/** Whether the proxy ports of redirects are to be looked up each time. */
function waitsForPorts({ mapState }: EndpointPolicy): boolean {
  let waits = false;
  mapState.forEach((_identity, _port, _proto, _direction, { proxyPort }) => {
    waits ||= proxyPort === UNKNOWN_PROXY_PORT;
  });
  return waits;
}

/** What an endpoint of an earlier agent has in its map counts as realized. @see cilium:pkg/endpoint/bpf.go#Endpoint.dumpPolicyMapToMapState */
export function readPolicyMap(endpoint: Endpoint): void {
  for (const [key, entry] of dumpPolicyMap(endpoint)) {
    endpoint.realizedMap.set(key, entry);
  }
}

function dumpPolicyMap(endpoint: Endpoint): RealizedMap {
  const dump = new RealizedMap();
  for (const [key, { proxyPort, deny }] of endpoint.policyMap.entries()) {
    dump.set(packKey(key.secLabel, key.dport, key.protocol, key.egress), { proxyPort, deny });
  }
  return dump;
}

function applyChanges({ endpoint, policy, journey, died }: Sync): SyncResult {
  const changes = consumeMapChanges(policy);
  watchAddedKeys(endpoint, policy, changes);
  const { adds, deletes } = changes;
  let added = 0;
  let failed = 0;
  for (const key of adds) {
    const entry = policy.mapState.getPacked(key);
    if (entry === undefined) {
      continue;
    }
    if (!addPolicyKey(endpoint, key, mapEntry(portOf(policy, key, entry), entry.isDeny, authTypeOf(entry)), journey)) {
      failed += 1;
    } else {
      added += 1;
      if (died('addPolicyKey')) {
        return { added, deleted: 0, failed };
      }
    }
  }
  const gone = [...deletes].filter((key) => !adds.has(key));
  return { added, deleted: deleteKeys(endpoint, gone, journey, died), failed };
}

function syncPolicyMapsWith({ endpoint, policy, journey, died, realized }: Sync): SyncResult {
  const { mapState } = policy;
  let added = 0;
  let failed = 0;
  let dead = false;
  mapState.forEach((identity: number, port: number, proto: number, direction: 0 | 1, entry: MapStateEntry) => {
    const key = packKey(identity, port, proto, direction);
    const proxyPort = portOf(policy, key, entry);
    // As upstream, a change of the authentication alone is not noticed (MapStateEntry.DatapathEqual).
    if (dead || realized.holds(key, proxyPort, entry.isDeny)) {
      return;
    }
    if (addPolicyKey(endpoint, key, mapEntry(proxyPort, entry.isDeny, authTypeOf(entry)), journey)) {
      added += 1;
      dead = died('addPolicyKey');
    } else {
      failed += 1;
    }
  });
  // Once all that is wanted is there, as many keys are the same keys.
  const same = failed === 0 && realized === endpoint.realizedMap && realized.size === mapState.size;
  return { added, deleted: dead || same ? 0 : deleteKeys(endpoint, unwanted(realized, mapState), journey, died), failed };
}

/** The proxy port to write. A redirect whose port is still not known (a sidecar's) is a plain allow. */
function portOf({ owner }: EndpointPolicy, key: PackedKey, { proxyPort }: MapStateEntry): number {
  if (proxyPort !== UNKNOWN_PROXY_PORT) {
    return proxyPort;
  }
  const { destPort, nexthdr, trafficDirection } = unpackKey(key);
  return owner.lookupRedirectPort(trafficDirection === 0, protocolName(nexthdr), destPort);
}

function unwanted(realized: RealizedMap, mapState: MapState): PackedKey[] {
  const wanted = new Set<PackedKey>();
  mapState.forEach((identity: number, port: number, proto: number, direction: 0 | 1) => {
    wanted.add(packKey(identity, port, proto, direction));
  });
  return [...realized].map(([key]) => key).filter((key) => !wanted.has(key));
}

/** How many. */
function deleteKeys(endpoint: Endpoint, keys: readonly PackedKey[], journey: Journey, died: StepWatcher): number {
  for (const [index, key] of keys.entries()) {
    deletePolicyKey(endpoint, key, journey);
    if (died('deletePolicyKey')) {
      return index + 1;
    }
  }
  return keys.length;
}

const ALLOWED: PolicyEntry = { proxyPort: 0, deny: false, authType: AUTH_TYPE_NONE, packets: 0, bytes: 0 };
const DENIED: PolicyEntry = { proxyPort: 0, deny: true, authType: AUTH_TYPE_NONE, packets: 0, bytes: 0 };

/** Nearly all keys of a large cluster have one of two entries: one object each will do, since the map copies what a packet meets. */
function mapEntry(proxyPort: number, deny: boolean, authType: number): PolicyEntry {
  return proxyPort === 0 && authType === AUTH_TYPE_NONE ? (deny ? DENIED : ALLOWED) : { proxyPort, deny, authType, packets: 0, bytes: 0 };
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

/** @see cilium:pkg/endpoint/bpf.go#Endpoint.deletePolicyKey */
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
