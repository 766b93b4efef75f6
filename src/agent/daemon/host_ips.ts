/** The host's own addresses, and the world. */
import { IDENTITY_HOST, IDENTITY_WORLD } from '../../maps/identity.ts';
import { ENDPOINT_F_HOST } from '../../maps/lxcmap.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import type { NodeMaps } from '../datapath/node.ts';
import { hostPrefix4, type Ipcache } from '../ipcache/ipcache.ts';

/** Writes them to the endpoint map and the ipcache; what an agent before has written of other addresses goes. @see cilium:daemon/cmd/datapath.go#Daemon.syncEndpointsAndHostIPs */
export function syncHostIps({ maps, ipcache }: { readonly maps: NodeMaps; readonly ipcache: Ipcache }, own: readonly Ipv4[]): void {
  for (const address of own) {
    maps.lxc.update({ address }, { ifindex: 0, lxcId: 0, flags: ENDPOINT_F_HOST, mac: 0, nodeMac: 0 });
    ipcache.upsert(hostPrefix4(address), { identity: IDENTITY_HOST, source: 'local', hostIp: 0 });
  }
  ipcache.upsert({ family: 4, bits: 0n, length: 0 }, { identity: IDENTITY_WORLD, source: 'local', hostIp: 0 });
  for (const [key, { flags }] of [...maps.lxc.entries()]) {
    if ((flags & ENDPOINT_F_HOST) !== 0 && !own.includes(key.address)) {
      maps.lxc.delete(key);
    }
  }
}
