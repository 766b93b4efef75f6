/**
 * What Hubble asks its node for the names of a flow.
 * @see cilium:daemon/cmd/hubble.go
 */
import { IPCACHE_NAME, type IpcacheMap, ipcacheKey4 } from '../../maps/ipcache.ts';
import type { FlowEndpointInfo, FlowNames, FlowWorkload } from '../../monitor/hubble/flow.ts';
import { parseIpv4 } from '../../net/ipv4.ts';
import type { ClusterView, NodeView, ObjectView } from '../cluster_view.ts';

/** The names a node knows at this moment. */
export function flowNames(cluster: ClusterView, node: NodeView): FlowNames {
  const pods = new Map(cluster.list('Pod', null).map((pod) => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod]));
  const workloads = (namespace: string, podName: string): readonly FlowWorkload[] => workloadOf(pods.get(`${namespace}/${podName}`));
  const endpoints = new Map<string, FlowEndpointInfo>();
  for (const { ipv4, id, identity, namespace, podName, labels } of node.endpoints()) {
    if (ipv4 !== '') {
      endpoints.set(ipv4, { id, identity: identity ?? 0, namespace, podName, labels, workloads: workloads(namespace, podName) });
    }
  }
  const byIp = new Map([...pods.values()].flatMap((pod) => podAddress(pod).map((ip) => [ip, pod] as const)));
  const labels = new Map(node.identities().map((identity) => [identity.id, identity.labels]));
  const services = new Map(node.services().map((service) => [service.frontend, service]));
  return {
    // Only a cluster with a name of its own shows it. See cilium:pkg/node/types/nodename.go#GetAbsoluteNodeName
    nodeName: node.clusterName === '' || node.clusterName === 'default' ? node.name : `${node.clusterName}/${node.name}`,
    endpointByIp: (ip) => endpoints.get(ip) ?? null,
    podByIp: (ip) => {
      const pod = byIp.get(ip);
      const namespace = pod?.metadata.namespace ?? '';
      return pod === undefined ? null : { namespace, podName: pod.metadata.name, workloads: workloads(namespace, pod.metadata.name) };
    },
    identityByIp: (ip) => {
      const address = parseIpv4(ip);
      return address === null ? 0 : (node.map<IpcacheMap>(IPCACHE_NAME)?.match(ipcacheKey4(address))?.value.secLabel ?? 0);
    },
    identityLabels: (identity) => labels.get(identity) ?? [],
    serviceByAddress: (ip, port) => {
      const service = services.get(`${ip}:${port}`);
      return service === undefined ? null : { name: service.name, namespace: service.namespace };
    },
    namesOf: (endpointId, ip) => node.dnsNames(endpointId, ip),
    deviceName: (ifindex) => node.deviceName(ifindex),
    addressOfCgroup: (cgroupId) => node.addressOfCgroup(cgroupId),
  };
}

/** Addresses a pod has to itself: one in the host's network shares the node's. */
function podAddress(pod: ObjectView): readonly string[] {
  const { hostNetwork } = (pod.spec ?? {}) as { readonly hostNetwork?: boolean };
  const { podIP } = (pod.status ?? {}) as { readonly podIP?: string };
  return podIP === undefined || hostNetwork === true ? [] : [podIP];
}

/**
 * Who made a pod: the Deployment behind its ReplicaSet, or its controller; a pod of its own has none.
 * @see cilium:pkg/k8s/utils/workload.go#GetWorkloadMetaFromPod
 */
function workloadOf(pod: ObjectView | undefined): readonly FlowWorkload[] {
  const metadata = pod?.metadata as
    | (ObjectView['metadata'] & {
        readonly generateName?: string;
        readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly controller?: boolean }[];
      })
    | undefined;
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined || (metadata?.generateName ?? '') === '') {
    return [];
  }
  const hash = metadata?.labels?.['pod-template-hash'] ?? '';
  const isDeployment = owner.kind === 'ReplicaSet' && hash !== '' && owner.name.endsWith(hash);
  return [isDeployment ? { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) } : { kind: owner.kind, name: owner.name }];
}
