/**
 * The tunnel to other nodes, as far as the agent sets it up: the device, and for each node an entry and a route.
 * @see cilium:pkg/datapath/linux/node.go#linuxNodeHandler.nodeUpdate
 */
import type { NetNs } from '../../kernel/netns.ts';
import type { Ipv4 } from '../../net/ipv4.ts';
import { TUNNEL_PORTS } from '../../net/tunnel.ts';
import type { Rng } from '../../sim/rng.ts';
import type { NodeRoutes } from '../k8s/watchers/remote.ts';
import type { DaemonOptions } from '../option/config.ts';
import { randomMac } from './mac.ts';
import { deleteNodeRoute, type HostDevices, type NodeMaps, type TunnelNetwork, upsertNodeRoute } from './node.ts';
import type { NodeIds } from './node_ids.ts';

/** The device that the options ask for. */
export function tunnelOf(options: DaemonOptions, rng: Rng): TunnelNetwork | null {
  const { tunnel } = options;
  if (tunnel !== 'vxlan' && tunnel !== 'geneve') {
    return null;
  }
  const port = options['tunnel-port'] === 0 ? TUNNEL_PORTS[tunnel] : options['tunnel-port'];
  return { protocol: tunnel, port, mac: randomMac(rng.fork('tunnel device')) };
}

/** What routes are made of. */
export interface NodeRoutesDeps {
  readonly options: DaemonOptions;
  readonly host: HostDevices;
  readonly routerIp: Ipv4;
  readonly maps: NodeMaps;
  readonly ipcache: { readonly nodeIds: NodeIds };
}

/**
 * The way to the pods of other nodes; without a tunnel there is none here.
 * @see cilium:pkg/datapath/linux/node.go#updateTunnelMapping
 */
export function nodeRoutes({ options, host, routerIp, maps, ipcache }: NodeRoutesDeps, netns: NetNs): NodeRoutes {
  if (options.tunnel === 'disabled') {
    return { upsert: () => undefined, delete: () => undefined };
  }
  return {
    upsert: (podCidr, nodeIp) => {
      maps.tunnel.update({ address: podCidr.address }, { address: nodeIp, key: 0, nodeId: ipcache.nodeIds.of(nodeIp) });
      upsertNodeRoute(netns, host, routerIp, podCidr);
    },
    delete: (podCidr) => {
      maps.tunnel.delete({ address: podCidr.address });
      deleteNodeRoute(netns, podCidr);
    },
  };
}
