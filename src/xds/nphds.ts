/** NPHDS: which addresses have an identity. @see proxy:cilium/api/nphds.proto#NetworkPolicyHosts */

/** The addresses (or prefixes) of one identity. */
export interface NetworkPolicyHosts {
  readonly policy: number;
  readonly host_addresses: readonly string[];
}
