/**
 * Writing services to the lb maps: backends first, then slots, then the frontend that makes them visible.
 * @see cilium:pkg/maps/lbmap/lbmap.go#LBBPFMap.UpsertService
 * @see cilium:pkg/service/service.go#Service.upsertServiceIntoLBMaps
 */
import type { LpmKey } from '../../kernel/lpm_trie.ts';
import {
  LB_LOOKUP_SCOPE_EXT,
  LB_LOOKUP_SCOPE_INT,
  type Lb4Key,
  SVC_FLAG_AFFINITY,
  SVC_FLAG_EXT_LOCAL_SCOPE,
  SVC_FLAG_EXTERNAL_IP,
  SVC_FLAG_HOSTPORT,
  SVC_FLAG_INT_LOCAL_SCOPE,
  SVC_FLAG_L7LOADBALANCER,
  SVC_FLAG_LOADBALANCER,
  SVC_FLAG_LOOPBACK,
  SVC_FLAG_NODEPORT,
  SVC_FLAG_ROUTABLE,
  SVC_FLAG_SOURCE_RANGE,
  SVC_FLAG_TWO_SCOPES,
} from '../../maps/lbmap.ts';
import { swap16 } from '../../maps/marks.ts';
import { parseCidr4 } from '../../net/ipv4.ts';
import type { Journey } from '../../sim/journey.ts';
import type { NodeMaps } from '../datapath/node.ts';
import type { ServiceType } from './frontends.ts';
import type { Frontend } from './service.ts';

const TYPE_FLAGS: Readonly<Record<ServiceType, number>> = {
  ClusterIP: 0,
  NodePort: SVC_FLAG_NODEPORT | SVC_FLAG_ROUTABLE,
  ExternalIPs: SVC_FLAG_EXTERNAL_IP | SVC_FLAG_ROUTABLE,
  LoadBalancer: SVC_FLAG_LOADBALANCER | SVC_FLAG_ROUTABLE,
  HostPort: SVC_FLAG_HOSTPORT | SVC_FLAG_ROUTABLE,
};

/**
 * Writes a frontend that is new or has changed. Slots of terminating backends stand behind those that count; where all are terminating, all count.
 * @see cilium:pkg/service/service.go#segregateBackends
 */
export function writeFrontend(maps: NodeMaps, journey: Journey, frontend: Frontend, oldCount: number): void {
  const { services, reverseNat } = maps;
  const entry = { backendId: 0, count: 0, revNatIndex: frontend.id, flags: 0, flags2: 0 };
  const staying = frontend.backends.filter((backend) => !backend.terminating);
  const active = staying.length === 0 ? [...frontend.backends] : staying;
  const ordered = [...active.sort(byId), ...frontend.backends.filter((backend) => !active.includes(backend)).sort(byId)];
  for (const [index, backend] of ordered.entries()) {
    services.update(slotKey(frontend, index + 1), { ...entry, backendId: backend.id });
  }
  reverseNat.update(frontend.id, { address: frontend.address, port: frontend.port });
  const key = slotKey(frontend, 0);
  const before = services.lookup(key);
  const flags =
    TYPE_FLAGS[frontend.type] |
    (frontend.extLocal ? SVC_FLAG_EXT_LOCAL_SCOPE : 0) |
    (frontend.affinity === null ? 0 : SVC_FLAG_AFFINITY) |
    (frontend.sourceRanges.length === 0 ? 0 : SVC_FLAG_SOURCE_RANGE);
  const l7Lb = frontend.l7LbProxyPort !== 0;
  const twoScopes = frontend.extLocal !== frontend.intLocal && frontend.type !== 'ClusterIP';
  const flags2 =
    (frontend.loopback ? SVC_FLAG_LOOPBACK : 0) |
    (l7Lb ? SVC_FLAG_L7LOADBALANCER : 0) |
    (frontend.intLocal ? SVC_FLAG_INT_LOCAL_SCOPE : 0) |
    (twoScopes ? SVC_FLAG_TWO_SCOPES : 0);
  const value = {
    ...entry,
    backendId: l7Lb ? swap16(frontend.l7LbProxyPort) : (frontend.affinity ?? 0),
    count: active.length,
    flags,
    flags2,
  };
  services.update(key, value);
  for (let slot = ordered.length + 1; slot <= oldCount; slot++) {
    services.delete(slotKey(frontend, slot));
  }
  if (journey.recording) {
    journey.add({
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

/** Which backends a service with affinity has. @see cilium:pkg/service/service.go#Service.addBackendsToAffinityMatchMap */
export function writeAffinityMatches(maps: NodeMaps, old: Frontend | undefined, frontend: Frontend | null): void {
  const now = frontend === null || frontend.affinity === null ? [] : frontend.backends;
  if (old !== undefined && old.affinity !== null) {
    for (const { id } of old.backends.filter((one) => !now.some((other) => other.id === one.id))) {
      maps.affinityMatch.delete({ backendId: id, revNatId: old.id });
    }
  }
  for (const { id } of now) {
    maps.affinityMatch.update({ backendId: id, revNatId: (frontend as Frontend).id }, 1);
  }
}

/** Who may use a load balancer service. @see cilium:pkg/maps/lbmap/lbmap.go#LBBPFMap.UpdateSourceRanges */
export function writeSourceRanges(maps: NodeMaps, old: Frontend | undefined, frontend: Frontend | null): void {
  const now = frontend?.sourceRanges ?? [];
  const key = (id: number, text: string): LpmKey | null => {
    const cidr = parseCidr4(text);
    return cidr === null ? null : { space: id, length: cidr.length, address: cidr.address };
  };
  for (const gone of (old?.sourceRanges ?? []).filter((one) => !now.includes(one))) {
    const of = key((old as Frontend).id, gone);
    if (of !== null) {
      maps.sourceRange.delete(of);
    }
  }
  for (const range of now) {
    const of = key((frontend as Frontend).id, range);
    if (of !== null) {
      maps.sourceRange.update(of, 1);
    }
  }
}

/** Removes a frontend. @see cilium:pkg/maps/lbmap/lbmap.go#deleteServiceProto */
export function deleteFrontend(maps: NodeMaps, frontend: Frontend): void {
  for (let slot = 0; slot <= frontend.backends.length; slot++) {
    maps.services.delete(slotKey(frontend, slot));
  }
  maps.reverseNat.delete(frontend.id);
}

function slotKey(frontend: Frontend, slot: number): Lb4Key {
  const scope = frontend.internal ? LB_LOOKUP_SCOPE_INT : LB_LOOKUP_SCOPE_EXT;
  return { address: frontend.address, dport: frontend.port, backendSlot: slot, proto: 0, scope };
}

function byId(a: { readonly id: number }, b: { readonly id: number }): number {
  return a.id - b.id;
}
