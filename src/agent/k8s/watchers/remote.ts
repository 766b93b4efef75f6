/**
 * What other nodes hold: their own addresses (remote-node, or kube-apiserver) and the addresses and identities of their pods.
 * @see cilium:pkg/node/manager/manager.go#Manager.NodeUpdated
 * @see cilium:pkg/k8s/watchers/cilium_endpoint.go#K8sWatcher.endpointUpdated
 * @remarks Simplified: nodes are read from Node objects instead of CiliumNodes; identities are learned with the first endpoint that has them
 * instead of from CiliumIdentity objects.
 */
import type { ApiServer } from '../../../k8s/api_server.ts';
import type { CiliumEndpoint, Endpoints, Node, Pod } from '../../../k8s/objects.ts';
import { IDENTITY_KUBE_APISERVER, IDENTITY_REMOTE_NODE } from '../../../maps/identity.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../../net/ipv4.ts';
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
  /** Named ports of pods elsewhere: egress rules may use them. */
  readonly namedPorts: NamedPortMultiMap;
  readonly updateIdentities: (added: readonly Identity[], deleted: readonly number[]) => void;
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

  constructor(deps: RemoteDeps) {
    this.#deps = deps;
  }

  /** Starts to follow nodes and endpoints. */
  watch(): void {
    const { api } = this.#deps;
    api.watch<Node>('Node', {
      onAdd: (node) => this.#onNode(node),
      onUpdate: (_old, node) => this.#onNode(node),
      onDelete: (node) => this.#addressesOf(node).forEach((ip) => void this.#deps.ipcache.delete(hostPrefix4(ip))),
    });
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
      this.#deps.api.list<Node>('Node').forEach((node) => void this.#onNode(node));
    }
  }

  /** @see cilium:pkg/ipcache/metadata.go#IPCache.InjectLabels */
  #onNode(node: Node): void {
    const { api, ipcache } = this.#deps;
    const subsets = api.get<Endpoints>('Endpoints', 'default', 'kubernetes')?.subsets ?? [];
    const servers = new Set(subsets.flatMap((subset) => subset.addresses ?? []).map(({ ip }) => ip));
    for (const ip of this.#addressesOf(node)) {
      const identity = servers.has(formatIpv4(ip)) ? IDENTITY_KUBE_APISERVER : IDENTITY_REMOTE_NODE;
      ipcache.upsert(hostPrefix4(ip), { identity, source: 'custom-resource', hostIp: ip });
    }
  }

  /** Addresses of another node; none of this one. */
  #addressesOf(node: Node): Ipv4[] {
    return node.metadata.name === this.#deps.nodeName
      ? []
      : (node.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? (parseIpv4(address) ?? []) : []));
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
