/**
 * `cilium_lb4_services_v2`, `cilium_lb4_backends_v3`, `cilium_lb4_reverse_nat`: services.
 * @see cilium:pkg/maps/lbmap/ipv4.go
 * @see cilium:bpf/lib/common.h#lb4_service
 */
import { HashMap, type HashMapSpec } from '../kernel/hash_map.ts';
import { asIpv4, formatIpv4, type Ipv4 } from '../net/ipv4.ts';
import { swap16 } from './marks.ts';

/** Pinned names and default size. */
export const LB4_SERVICES_NAME = 'cilium_lb4_services_v2';
export const LB4_BACKENDS_NAME = 'cilium_lb4_backends_v3';
export const LB4_REVERSE_NAT_NAME = 'cilium_lb4_reverse_nat';
export const LB_MAP_MAX_ENTRIES = 65536;

/** Scope of a look-up. @see cilium:bpf/lib/common.h#LB_LOOKUP_SCOPE_EXT */
export const LB_LOOKUP_SCOPE_EXT = 0;
export const LB_LOOKUP_SCOPE_INT = 1;

/** Service flags. @see cilium:bpf/lib/common.h#SVC_FLAG_EXTERNAL_IP */
export const SVC_FLAG_EXTERNAL_IP = 1 << 0;
export const SVC_FLAG_NODEPORT = 1 << 1;
/** externalTrafficPolicy: Local */
export const SVC_FLAG_EXT_LOCAL_SCOPE = 1 << 2;
export const SVC_FLAG_HOSTPORT = 1 << 3;
export const SVC_FLAG_AFFINITY = 1 << 4;
export const SVC_FLAG_LOADBALANCER = 1 << 5;
export const SVC_FLAG_ROUTABLE = 1 << 6;
export const SVC_FLAG_SOURCE_RANGE = 1 << 7;
/** Bits of flags2. */
export const SVC_FLAG_LOCALREDIRECT = 1 << 0;
export const SVC_FLAG_L7LOADBALANCER = 1 << 2;
export const SVC_FLAG_LOOPBACK = 1 << 3;
/** internalTrafficPolicy: Local */
export const SVC_FLAG_INT_LOCAL_SCOPE = 1 << 4;
/** Connections from inside and from outside have frontends of their own. */
export const SVC_FLAG_TWO_SCOPES = 1 << 5;

/** Backend states. @see cilium:bpf/lib/common.h#BE_STATE_ACTIVE */
export const BE_STATE_ACTIVE = 0;
export const BE_STATE_TERMINATING = 1;
export const BE_STATE_QUARANTINED = 2;
export const BE_STATE_MAINTENANCE = 3;

/** Key of 12 bytes. Slot 0 is the frontend, slots 1.. its backends. Mutable: programs build it in place. */
export interface Lb4Key {
  address: Ipv4;
  dport: number;
  backendSlot: number;
  proto: number;
  scope: number;
}

/** Value of 12 bytes. */
export interface Lb4Service {
  /** Slot 1..: the backend id. Slot 0: affinity time-out or L7 LB proxy port. */
  readonly backendId: number;
  /** Slot 0: number of backend slots. */
  readonly count: number;
  readonly revNatIndex: number;
  readonly flags: number;
  readonly flags2: number;
}

/** Value of 8 bytes. */
export interface Lb4Backend {
  readonly address: Ipv4;
  readonly port: number;
  readonly proto: number;
  readonly state: number;
}

/** Value of 6 bytes: the frontend a reply must come from. */
export interface Lb4ReverseNat {
  readonly address: Ipv4;
  readonly port: number;
}

/** The port of the proxy's listener, of a frontend with SVC_FLAG_L7LOADBALANCER. @see cilium:pkg/maps/lbmap/ipv4.go#Service4Value.SetL7LBProxyPort */
export function l7LbProxyPort(service: Lb4Service): number {
  return swap16(service.backendId & 0xffff);
}

/** The maps. */
export type Lb4ServicesMap = HashMap<Lb4Key, Lb4Service>;
export type Lb4BackendsMap = HashMap<number, Lb4Backend>;
export type Lb4ReverseNatMap = HashMap<number, Lb4ReverseNat>;

/** Creates an empty `cilium_lb4_services_v2`. */
export function newLb4ServicesMap(maxEntries: number = LB_MAP_MAX_ENTRIES): Lb4ServicesMap {
  const spec: HashMapSpec<Lb4Key, Lb4Service> = {
    name: LB4_SERVICES_NAME,
    type: 'hash',
    keySize: 12,
    valueSize: 12,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key.address;
        words[at + 1] = (key.backendSlot << 16) | key.dport;
        words[at + 2] = (key.scope << 8) | key.proto;
      },
      unpack: (words, at) => {
        const ports = words[at + 1] as number;
        const last = words[at + 2] as number;
        return { address: asIpv4(words[at]), dport: ports & 0xffff, backendSlot: ports >>> 16, proto: last & 0xff, scope: last >>> 8 };
      },
      toJson: (key) => ({
        frontend: `${formatIpv4(key.address)}:${key.dport}`,
        slot: key.backendSlot,
        proto: key.proto,
        scope: key.scope === LB_LOOKUP_SCOPE_INT ? 'internal' : 'external',
      }),
    },
    valueToJson: (value) => ({ ...value }),
  };
  return new HashMap(spec);
}

/** Creates an empty `cilium_lb4_backends_v3`. */
export function newLb4BackendsMap(maxEntries: number = LB_MAP_MAX_ENTRIES): Lb4BackendsMap {
  return new HashMap(
    numberKeyed<Lb4Backend>(LB4_BACKENDS_NAME, 4, 12, maxEntries, (value) => ({ ...value, address: formatIpv4(value.address) })),
  );
}

/** Creates an empty `cilium_lb4_reverse_nat`. */
export function newLb4ReverseNatMap(maxEntries: number = LB_MAP_MAX_ENTRIES): Lb4ReverseNatMap {
  return new HashMap(
    numberKeyed<Lb4ReverseNat>(LB4_REVERSE_NAT_NAME, 2, 6, maxEntries, (value) => ({ ...value, address: formatIpv4(value.address) })),
  );
}

function numberKeyed<V>(
  name: string,
  keySize: number,
  valueSize: number,
  maxEntries: number,
  toJson: HashMapSpec<number, V>['valueToJson'],
): HashMapSpec<number, V> {
  return {
    name,
    type: 'hash',
    keySize,
    valueSize,
    maxEntries,
    key: {
      pack: (key, words, at) => {
        words[at] = key;
      },
      unpack: (words, at) => (words[at] as number) >>> 0,
      toJson: (key) => ({ id: key }),
    },
    valueToJson: toJson,
  };
}
