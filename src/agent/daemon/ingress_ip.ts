/**
 * The address from which the proxy speaks for clients elsewhere, with an identity of its own.
 * @see cilium:daemon/cmd/ipam.go#Daemon.allocateIngressIPs
 */
import type { BpfFs } from '../../kernel/bpffs.ts';
import { IDENTITY_INGRESS } from '../../maps/identity.ts';
import { ENDPOINT_KEY_IPV4, IPCACHE_NAME, type IpcacheMap } from '../../maps/ipcache.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { assertPresent } from '../../sim/assert.ts';
import type { Ipam } from '../ipam/ipam.ts';
import { hostPrefix4, type Ipcache } from '../ipcache/ipcache.ts';
import { type OwnNode, updateCiliumNode } from '../k8s/cilium_node.ts';

/** The address of the agent before, as its ipcache map tells. To be read before a new map takes its place. */
export function oldIngressIp(bpffs: BpfFs): Ipv4 | null {
  for (const [key, { secLabel, tunnelEndpoint }] of bpffs.get<IpcacheMap>(IPCACHE_NAME)?.entries() ?? []) {
    if (secLabel === IDENTITY_INGRESS && tunnelEndpoint === 0 && key.space === ENDPOINT_KEY_IPV4) {
      return Number(key.address);
    }
  }
  return null;
}

/** What the address is made known to. */
export interface IngressIpDeps extends OwnNode {
  readonly ipam: Ipam;
  readonly ipcache: Ipcache;
  readonly routerIp: Ipv4;
}

/** Takes an address, the old one if possible, and tells this node and the others of it. */
export function allocateIngressIp(deps: IngressIpDeps, old: Ipv4 | null): Ipv4 {
  const { ipam, ipcache, nodeIp, routerIp } = deps;
  const address = (old === null ? null : ipam.allocate('ingress', old)) ?? assertPresent(ipam.allocate('ingress'), 'ingress address');
  ipcache.upsert(hostPrefix4(address), { identity: IDENTITY_INGRESS, source: 'local', hostIp: nodeIp });
  updateCiliumNode(deps, routerIp, { ingress: address });
  return address;
}
