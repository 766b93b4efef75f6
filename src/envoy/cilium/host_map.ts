/**
 * Identities of addresses from NPHDS: what the proxy uses when it has no ipcache map.
 * @see proxy:cilium/host_map.cc#PolicyHostMap
 */
import { familyBits, type IpAddress, maskPrefix, parseIp } from '../../net/prefix.ts';
import type { NetworkPolicyHosts } from '../../xds/nphds.ts';

interface Level {
  readonly length: number;
  readonly entries: Map<bigint, number>;
}

/** The map. */
export class PolicyHostMap {
  #levels: { readonly 4: readonly Level[]; readonly 6: readonly Level[] } = { 4: [], 6: [] };

  /** The identity of an address by longest prefix; 0 = unknown. */
  resolve(text: string): number {
    const address = parseIp(text);
    if (address === null) {
      return 0;
    }
    for (const level of this.#levels[address.family]) {
      const id = level.entries.get(masked(address, level.length));
      if (id !== undefined) {
        return id;
      }
    }
    return 0;
  }

  /** Replaces all entries; on an error nothing changes and its text is returned. */
  update(resources: readonly NetworkPolicyHosts[]): string | null {
    const levels: { 4: Level[]; 6: Level[] } = { 4: [], 6: [] };
    for (const resource of resources) {
      for (const host of resource.host_addresses) {
        const error = insert(levels, host, resource.policy);
        if (error !== null) {
          return error;
        }
      }
    }
    this.#levels = levels;
    return null;
  }
}

/** @see proxy:cilium/host_map.cc#ThreadLocalHostMapInitializer::insert */
function insert(levels: { 4: Level[]; 6: Level[] }, host: string, policy: number): string | null {
  const slash = host.indexOf('/');
  const digits = slash < 0 ? null : host.slice(slash + 1);
  if (digits !== null && !/^(0|[1-9][0-9]*)$/.test(digits)) {
    return `NetworkPolicyHosts: Invalid prefix length in '${host}'`;
  }
  const address = parseIp(slash < 0 ? host : host.slice(0, slash));
  if (address === null) {
    return `NetworkPolicyHosts: Invalid host entry '${host}' for policy ${policy}`;
  }
  const length = digits === null ? familyBits(address.family) : Number(digits);
  if (length > familyBits(address.family)) {
    return `NetworkPolicyHosts: Invalid prefix length in '${host}'`;
  }
  const bits = masked(address, length);
  if (bits !== address.bits) {
    return `NetworkPolicyHosts: Non-prefix bits set in '${host}'`;
  }
  const entries = levelOf(levels[address.family], length).entries;
  const existing = entries.get(bits);
  if (existing !== undefined) {
    return `NetworkPolicyHosts: Duplicate host entry '${host}' for policy ${policy}, already mapped to ${existing}`;
  }
  entries.set(bits, policy);
  return null;
}

/** The level of a length, longest first. */
function levelOf(levels: Level[], length: number): Level {
  const index = levels.findIndex((level) => level.length <= length);
  const found = levels[index];
  if (found !== undefined && found.length === length) {
    return found;
  }
  const level: Level = { length, entries: new Map() };
  levels.splice(index < 0 ? levels.length : index, 0, level);
  return level;
}

function masked(address: IpAddress, length: number): bigint {
  return maskPrefix({ ...address, length }).bits;
}
