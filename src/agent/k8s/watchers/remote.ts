/**
 * What other nodes hold: their own addresses (remote-node, or kube-apiserver) and the addresses and identities of their pods.
 * @see cilium:pkg/node/manager/manager.go#Manager.NodeUpdated
 * @see cilium:pkg/k8s/watchers/cilium_endpoint.go#K8sWatcher.endpointUpdated
 * @remarks Simplified: identities are learned with the first endpoint that has them instead of from CiliumIdentity objects; a CiliumNode counts
 * as gone with its Node object; without `enable-remote-node-identity` an API server on another node has the world's identity, not one of its address.
 */
import type { ApiServer } from '../../../k8s/api_server.ts';
import type { CiliumEndpoint, CiliumNode, Endpoints, Node, Pod } from '../../../k8s/objects.ts';
import { IDENTITY_HEALTH, IDENTITY_HOST, IDENTITY_INGRESS, IDENTITY_KUBE_APISERVER, IDENTITY_REMOTE_NODE } from '../../../maps/identity.ts';
import { type Cidr4, type Ipv4, parseCidr4, parseIpv4 } from '../../../net/ipv4.ts';
import type { ClusterIdentities } from '../../identity/cluster_identities.ts';
import type { Identity } from '../../identity/identity.ts';
import { hostPrefix4, type Ipcache } from '../../ipcache/ipcache.ts';
import type { NamedPort, NamedPortMultiMap } from '../../policy/named_ports.ts';
import { podNamedPorts } from '../pod_labels.ts';

/** What the watches write to. */
export interface RemoteDeps {
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly nodeIp: Ipv4;
  readonly ipcache: Ipcache;
  readonly identities: ClusterIdentities;
  /** `enable-remote-node-identity`: without it other nodes are hosts like this one, and known by Cilium's address alone. */
  readonly remoteNodeIdentity: boolean;
  /** Every node's own addresses are behind the tunnel too: the host firewall wants to know who sent. */
  readonly tunnelToHosts: boolean;
  /** What the datapath makes of another node's range of pods. */
  readonly nodeRoutes: NodeRoutes;
  /** Named ports of pods elsewhere: egress rules may use them. */
  readonly namedPorts: NamedPortMultiMap;
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
}

/** The way to the pods of other nodes. @see cilium:pkg/datapath/node.go#NodeHandler */
export interface NodeRoutes {
  upsert(podCidr: Cidr4, nodeIp: Ipv4): void;
  delete(podCidr: Cidr4): void;
}

interface RemotePod {
  readonly ip: Ipv4;
  readonly identity: number;
  readonly namedPorts: readonly NamedPort[];
}

/** The other nodes and their pods. */
export class Remote {
  readonly #deps: RemoteDeps;
  readonly #pods = new Map<string, RemotePod>();
  readonly #nodes = new Map<string, CiliumNode>();

  constructor(deps: RemoteDeps) {
    this.#deps = deps;
  }

  /** Starts to follow nodes and endpoints. */
  watch(): void {
    const { api } = this.#deps;
    api.watch<CiliumNode>('CiliumNode', {
      onAdd: (node) => this.#onNode(node),
      onUpdate: (_old, node) => this.#onNode(node),
      onDelete: (node) => this.#forgetNode(node.metadata.name),
    });
    api.watch<Node>('Node', { onDelete: (node) => this.#forgetNode(node.metadata.name) });
    // Which nodes run the API server is known when its endpoints are.
    api.watch<Endpoints>('Endpoints', {
      onAdd: (endpoints) => this.#onEndpoints(endpoints),
      onUpdate: (_old, endpoints) => this.#onEndpoints(endpoints),
    });
    api.watch<CiliumEndpoint>('CiliumEndpoint', {
      onAdd: (endpoint) => this.#onEndpoint(endpoint),
      onUpdate: (_old, endpoint) => this.#onEndpoint(endpoint),
      onDelete: (endpoint) => this.#forget(keyOf(endpoint)),
    });
  }

  #onEndpoints({ metadata }: Endpoints): void {
    if (metadata.name === 'kubernetes' && metadata.namespace === 'default') {
      this.#nodes.forEach((node) => void this.#onNode(node));
    }
  }

  /**
   * Its addresses, and the way to its pods.
   * @see cilium:pkg/node/manager/manager.go#Manager.NodeUpdated
   * @see cilium:pkg/ipcache/metadata.go#IPCache.InjectLabels
   */
  #onNode(node: CiliumNode): void {
    const { api, ipcache, nodeName, nodeRoutes, tunnelToHosts, remoteNodeIdentity } = this.#deps;
    const { name } = node.metadata;
    const nodeIp = nodeIpOf(node);
    if (name === nodeName || nodeIp === null) {
      return;
    }
    this.#nodes.set(name, node);
    const subsets = api.get<Endpoints>('Endpoints', 'default', 'kubernetes')?.subsets ?? [];
    const servers = new Set(subsets.flatMap((subset) => subset.addresses ?? []).map(({ ip }) => ip));
    for (const { type, ip } of node.spec.addresses) {
      const address = parseIpv4(ip);
      if (address !== null && (remoteNodeIdentity || type === 'CiliumInternalIP')) {
        const identity = servers.has(ip) ? IDENTITY_KUBE_APISERVER : remoteNodeIdentity ? IDENTITY_REMOTE_NODE : IDENTITY_HOST;
        const hostIp = type === 'CiliumInternalIP' || tunnelToHosts ? nodeIp : 0;
        ipcache.upsert(hostPrefix4(address), { identity, source: 'custom-resource', hostIp });
      }
    }
    const health = parseIpv4(node.spec.health.ipv4 ?? '');
    if (health !== null) {
      ipcache.upsert(hostPrefix4(health), { identity: IDENTITY_HEALTH, source: 'custom-resource', hostIp: nodeIp });
    }
    const ingress = parseIpv4(node.spec.ingress.ipv4 ?? '');
    if (ingress !== null) {
      ipcache.upsert(hostPrefix4(ingress), { identity: IDENTITY_INGRESS, source: 'custom-resource', hostIp: nodeIp });
    }
    podCidrsOf(node).forEach((podCidr) => void nodeRoutes.upsert(podCidr, nodeIp));
  }

  #forgetNode(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) {
      return;
    }
    this.#nodes.delete(name);
    for (const ip of [...node.spec.addresses.map((one) => one.ip), node.spec.health.ipv4 ?? '', node.spec.ingress.ipv4 ?? '']) {
      const address = parseIpv4(ip);
      if (address !== null) {
        this.#deps.ipcache.delete(hostPrefix4(address));
      }
    }
    podCidrsOf(node).forEach((podCidr) => void this.#deps.nodeRoutes.delete(podCidr));
  }

  #onEndpoint(endpoint: CiliumEndpoint): void {
    const { api, nodeIp, ipcache, identities, namedPorts, updateIdentities } = this.#deps;
    const { networking, identity } = endpoint.status ?? {};
    const ip = parseIpv4(networking?.addressing[0]?.ipv4 ?? '');
    const hostIp = parseIpv4(networking?.node ?? '');
    if (ip === null || hostIp === null || hostIp === nodeIp || identity === undefined) {
      return;
    }
    const known = identities.list().find(({ id }) => id === identity.id);
    const old = this.#pods.get(keyOf(endpoint));
    const pod = api.get<Pod>('Pod', endpoint.metadata.namespace ?? 'default', endpoint.metadata.name);
    const ports = pod === undefined ? [] : podNamedPorts(pod);
    namedPorts.remove(old?.namedPorts ?? []);
    namedPorts.add(ports);
    this.#pods.set(keyOf(endpoint), { ip, identity: identity.id, namedPorts: ports });
    ipcache.upsert(hostPrefix4(ip), { identity: identity.id, source: 'custom-resource', hostIp });
    if (known !== undefined && old?.identity !== identity.id) {
      updateIdentities([known], this.#unused(old?.identity));
    }
  }

  #forget(key: string): void {
    const pod = this.#pods.get(key);
    if (pod !== undefined) {
      this.#pods.delete(key);
      this.#deps.namedPorts.remove(pod.namedPorts);
      this.#deps.ipcache.delete(hostPrefix4(pod.ip));
      this.#deps.updateIdentities([], this.#unused(pod.identity));
    }
  }

  /** The identity, if nobody in the cluster has it any more. */
  #unused(identity: number | undefined): number[] {
    return identity === undefined || this.#deps.identities.list().some(({ id }) => id === identity) ? [] : [identity];
  }
}

function keyOf({ metadata }: CiliumEndpoint): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

/** A node's address on the network. @see cilium:pkg/node/types/node.go#Node.GetNodeIP */
function nodeIpOf({ spec }: CiliumNode): Ipv4 | null {
  return parseIpv4(spec.addresses.find(({ type }) => type === 'InternalIP')?.ip ?? '');
}

function podCidrsOf({ spec }: CiliumNode): Cidr4[] {
  return spec.ipam.podCIDRs.flatMap((text) => parseCidr4(text) ?? []);
}
