/**
 * The node's own CiliumNode object: its addresses, those of Cilium among them, and the range of its pods.
 * @see cilium:pkg/nodediscovery/nodediscovery.go#NodeDiscovery.UpdateCiliumNodeResource
 */
import type { ApiServer } from '../../k8s/api_server.ts';
import type { CiliumNode, Node } from '../../k8s/objects.ts';
import { type Cidr4, formatCidr4, formatIpv4, type Ipv4 } from '../../net/ipv4.ts';
import type { Rng } from '../../sim/rng.ts';

/** What the agent knows of its node. */
export interface OwnNode {
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly nodeIp: Ipv4;
  readonly podCidr: Cidr4;
  /** For the object's uid. */
  readonly rng: Rng;
}

/** Addresses of its own endpoints; those that are not given stay as they were. */
export interface OwnAddresses {
  readonly health?: Ipv4;
  readonly ingress?: Ipv4;
}

/** Writes it, if it says anything new. */
export function updateCiliumNode(
  { api, nodeName: name, nodeIp, podCidr, rng: agentRng }: OwnNode,
  routerIp: Ipv4,
  { health, ingress }: OwnAddresses = {},
): void {
  const rng = agentRng.fork('CiliumNode');
  const node = api.get<Node>('Node', 'default', name);
  const old = api.get<CiliumNode>('CiliumNode', '', name);
  const spec: CiliumNode['spec'] = {
    addresses: [
      { type: 'InternalIP', ip: formatIpv4(nodeIp) },
      { type: 'CiliumInternalIP', ip: formatIpv4(routerIp) },
    ],
    encryption: {},
    health: health === undefined ? (old?.spec.health ?? {}) : { ipv4: formatIpv4(health) },
    ingress: ingress === undefined ? (old?.spec.ingress ?? {}) : { ipv4: formatIpv4(ingress) },
    ipam: { podCIDRs: [formatCidr4(podCidr)] },
  };
  const owner = node?.metadata.uid ?? '';
  if (JSON.stringify(old?.spec) === JSON.stringify(spec) && old?.metadata.ownerReferences?.[0]?.uid === owner) {
    return;
  }
  const labels = node?.metadata.labels === undefined ? {} : { labels: node.metadata.labels };
  const uid = old?.metadata.uid ?? `${rng.hex(8)}-${rng.hex(4)}-4${rng.hex(3)}-a${rng.hex(3)}-${rng.hex(12)}`;
  api.create<CiliumNode>({
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNode',
    metadata: { name, uid, ...labels, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: owner }] },
    spec,
  });
}
