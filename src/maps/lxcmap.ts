/**
 * `cilium_lxc`: endpoints and host addresses of this node.
 * @see cilium:pkg/maps/lxcmap/lxcmap.go
 * @see cilium:bpf/lib/common.h#endpoint_info
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { asIpv4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { formatMac, type Mac } from '../net/mac.ts';

/** Its pinned name and size. */
export const LXC_MAP_NAME = 'cilium_lxc';
export const LXC_MAP_MAX_ENTRIES = 65535;

/** The entry is an address of the host itself. @see cilium:bpf/lib/common.h#ENDPOINT_F_HOST */
export const ENDPOINT_F_HOST = 1;

/** Key: an IPv4 address (family 1 of endpoint_key). */
export interface EndpointKey {
  address: Ipv4;
}

/** Where to deliver. */
export interface EndpointInfo {
  readonly ifindex: number;
  readonly lxcId: number;
  readonly flags: number;
  readonly mac: Mac;
  readonly nodeMac: Mac;
}

/** A pod as the agent knows it. */
interface PodEndpoint {
  readonly id: number;
  readonly device: { readonly ifindex: number; readonly mac: Mac };
  readonly mac: Mac;
}

/** The entry of a pod. @see cilium:pkg/maps/lxcmap/lxcmap.go#GetBPFValue */
export function podEndpointInfo({ id, device, mac }: PodEndpoint): EndpointInfo {
  return { ifindex: device.ifindex, lxcId: id, flags: 0, mac, nodeMac: device.mac };
}

/** The map. */
export type LxcMap = HashMap<EndpointKey, EndpointInfo>;

/** Creates an empty `cilium_lxc`. */
export function newLxcMap(): LxcMap {
  const spec: HashMapSpec<EndpointKey, EndpointInfo> = {
    name: LXC_MAP_NAME,
    type: 'hash',
    keySize: 20,
    valueSize: 48,
    maxEntries: LXC_MAP_MAX_ENTRIES,
    key: {
      pack: (key, words, at) => {
        words[at] = key.address;
      },
      unpack: (words, at) => ({ address: asIpv4(words[at]) }),
      toJson: (key) => ({ ip: formatIpv4(key.address) }),
    },
    valueToJson: (value) => ({
      id: value.lxcId,
      flags: value.flags,
      ifindex: value.ifindex,
      mac: formatMac(value.mac),
      nodeMac: formatMac(value.nodeMac),
    }),
  };
  return new HashMap(spec);
}
