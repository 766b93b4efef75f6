/**
 * `cilium_policy_<id>`: what an endpoint allows.
 * @see cilium:pkg/maps/policymap/policymap.go
 * @see cilium:bpf/lib/common.h#policy_key
 */
import { type MapSpec, mix32 } from '../kernel/bpf_map.ts';
import { HashMap } from '../kernel/hash_map.ts';
import type { Identity } from './identity.ts';

/** Default size. @see cilium:pkg/option/config.go#PolicyMapEntriesName */
export const POLICY_MAP_MAX_ENTRIES = 16384;

/** Direction bit of a key. @see cilium:pkg/policy/trafficdirection/trafficdirection.go */
export const TRAFFIC_INGRESS = 0;
export const TRAFFIC_EGRESS = 1;
export type TrafficDirection = typeof TRAFFIC_INGRESS | typeof TRAFFIC_EGRESS;

/** Key of 8 bytes. Mutable: programs build it in place. */
export interface PolicyKey {
  /** Peer identity; 0 = any. */
  secLabel: Identity;
  /** Destination port in host order; 0 = any. The ICMP type for ICMP. */
  dport: number;
  /** 0 = any. */
  protocol: number;
  egress: TrafficDirection;
}

/** Value of 24 bytes. */
export interface PolicyEntry {
  /** Host order here; 0 = no proxy. */
  proxyPort: number;
  deny: boolean;
  packets: number;
  bytes: number;
}

/** An endpoint's policy map. */
export type PolicyMap = HashMap<PolicyKey, PolicyEntry>;

/** `cilium_policy_00863` */
export function policyMapName(endpointId: number): string {
  return `cilium_policy_${String(endpointId).padStart(5, '0')}`;
}

/** Creates an endpoint's empty policy map. */
export function newPolicyMap(endpointId: number, maxEntries: number = POLICY_MAP_MAX_ENTRIES): PolicyMap {
  const spec: MapSpec<PolicyKey, PolicyEntry> = {
    name: policyMapName(endpointId),
    type: 'hash',
    keySize: 8,
    valueSize: 24,
    maxEntries,
    key: {
      hash: (key) => mix32(mix32(key.egress, key.secLabel), (key.protocol << 16) | key.dport) >>> 1,
      equals: (a, b) => a.secLabel === b.secLabel && a.dport === b.dport && a.protocol === b.protocol && a.egress === b.egress,
      copy: (key) => ({ secLabel: key.secLabel, dport: key.dport, protocol: key.protocol, egress: key.egress }),
      toJson: (key) => ({
        identity: key.secLabel,
        port: key.dport,
        protocol: key.protocol,
        direction: key.egress === TRAFFIC_EGRESS ? 'egress' : 'ingress',
      }),
    },
    valueToJson: (value) => ({ ...value }),
  };
  return new HashMap(spec);
}
