/**
 * Numeric security identities, as maps and marks carry them.
 * @see cilium:pkg/identity/numericidentity.go
 */

/** A security identity number. */
export type Identity = number;

export const IDENTITY_UNKNOWN: Identity = 0;
export const IDENTITY_HOST: Identity = 1;
export const IDENTITY_WORLD: Identity = 2;
export const IDENTITY_UNMANAGED: Identity = 3;
export const IDENTITY_HEALTH: Identity = 4;
export const IDENTITY_INIT: Identity = 5;
export const IDENTITY_REMOTE_NODE: Identity = 6;
export const IDENTITY_KUBE_APISERVER: Identity = 7;
export const IDENTITY_INGRESS: Identity = 8;

/** Smallest and largest identity the cluster allocates. */
export const MIN_CLUSTER_IDENTITY: Identity = 256;
export const MAX_CLUSTER_IDENTITY: Identity = 65535;
/** Node-local (CIDR) identities have this bit. */
export const LOCAL_IDENTITY_FLAG = 0x1000000;

const RESERVED_NAMES: readonly string[] = [
  'unknown',
  'host',
  'world',
  'unmanaged',
  'health',
  'init',
  'remote-node',
  'kube-apiserver',
  'ingress',
];

/** The name of a reserved identity, or `null`. @see cilium:pkg/identity/numericidentity.go#reservedIdentityNames */
export function reservedIdentityName(identity: Identity): string | null {
  return RESERVED_NAMES[identity] ?? null;
}

/** The identity of a reserved name, or `null`. */
export function reservedIdentity(name: string): Identity | null {
  const index = RESERVED_NAMES.indexOf(name);
  return index < 0 ? null : index;
}
