/**
 * `cilium_policy_<id>`: what an endpoint allows.
 * @see cilium:pkg/maps/policymap/policymap.go
 * @see cilium:bpf/lib/common.h#policy_key
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
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

/** Value of 24 bytes. One that was handed to an update must not be changed; the one that a look-up returns may. */
export interface PolicyEntry {
  /** Host order here; 0 = no proxy. */
  proxyPort: number;
  deny: boolean;
  /** Not 0: only authenticated connections pass, by this type. */
  authType: number;
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
  const spec: HashMapSpec<PolicyKey, PolicyEntry> = {
    name: policyMapName(endpointId),
    type: 'hash',
    keySize: 8,
    valueSize: 24,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key.secLabel;
        words[at + 1] = (key.egress << 24) | (key.protocol << 16) | key.dport;
      },
      unpack: (words, at) => {
        const last = words[at + 1] as number;
        return {
          secLabel: (words[at] as number) >>> 0,
          dport: last & 0xffff,
          protocol: (last >>> 16) & 0xff,
          egress: (last >>> 24) as TrafficDirection,
        };
      },
      toJson: (key) => ({
        identity: key.secLabel,
        port: key.dport,
        protocol: key.protocol,
        direction: key.egress === TRAFFIC_EGRESS ? 'egress' : 'ingress',
      }),
    },
    valueToJson: ({ authType, ...value }) => (authType === 0 ? value : { ...value, authType }),
    // A large cluster has millions of entries, nearly all of which say no more than yes and never see a packet.
    copyValue: ({ proxyPort, deny, authType, packets, bytes }) => ({ proxyPort, deny, authType, packets, bytes }),
  };
  return new HashMap(spec);
}
