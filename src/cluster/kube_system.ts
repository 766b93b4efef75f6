/**
 * What every cluster has before the user comes: namespaces, nodes, the kubernetes service, CoreDNS, the Cilium agent's pod.
 */
import type { Endpoints, KubeObject } from '../k8s/objects.ts';
import type { NodeOptions } from './options.ts';

/** Image of the cluster's DNS server. */
export const COREDNS_IMAGE = 'rancher/mirrored-coredns-coredns:1.10.1';
/** Image of the agent; its process is the node's agent, not a workload. */
export const CILIUM_IMAGE = 'quay.io/cilium/cilium:v1.13.3';

/** Version of the kubelets, and of the server. */
const KUBELET_VERSION = 'v1.27.1+k3s1';

/** Address of the n-th service (0-based) of a service CIDR's text: kubernetes has .1, kube-dns .10. */
export interface WellKnownAddresses {
  readonly kubernetes: string;
  readonly kubeDns: string;
}

/** The objects a fresh cluster holds, in order of creation. */
export function kubeSystemObjects(nodes: readonly NodeOptions[], addresses: WellKnownAddresses): KubeObject[] {
  const objects: KubeObject[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  }));
  for (const node of nodes) {
    objects.push(nodeObject(node));
  }
  objects.push(kubernetesService(addresses), kubernetesEndpoints(nodes), kubeDnsService(addresses), corednsDeployment());
  objects.push(ciliumDaemonSet());
  for (const node of nodes) {
    objects.push(ciliumPod(node));
  }
  return objects;
}

function nodeObject(node: NodeOptions): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: { 'kubernetes.io/hostname': node.name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', ...node.labels },
    },
    spec: { podCIDR: node.podCIDR, podCIDRs: [node.podCIDR] },
    status: {
      addresses: [
        { type: 'InternalIP', address: node.ip },
        { type: 'Hostname', address: node.name },
      ],
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }],
      nodeInfo: { architecture: 'amd64', kubeletVersion: KUBELET_VERSION, operatingSystem: 'linux' },
    },
  };
}

function kubernetesService(addresses: WellKnownAddresses): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: addresses.kubernetes,
      clusterIPs: [addresses.kubernetes],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  };
}

function kubernetesEndpoints(nodes: readonly NodeOptions[]): Endpoints {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'kubernetes', namespace: 'default' },
    subsets: [{ addresses: [{ ip: nodes[0]?.ip as string }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }],
  };
}

function kubeDnsService(addresses: WellKnownAddresses): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: addresses.kubeDns,
      clusterIPs: [addresses.kubeDns],
      selector: { 'k8s-app': 'kube-dns' },
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  };
}

function corednsDeployment(): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      template: {
        metadata: { labels: { 'k8s-app': 'kube-dns' } },
        spec: {
          serviceAccountName: 'coredns',
          containers: [
            {
              name: 'coredns',
              image: COREDNS_IMAGE,
              ports: [
                { name: 'dns', containerPort: 53, protocol: 'UDP' },
                { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
                { name: 'metrics', containerPort: 9153, protocol: 'TCP' },
              ],
            },
          ],
        },
      },
    },
  };
}

const CILIUM_LABELS = { 'app.kubernetes.io/name': 'cilium-agent', 'app.kubernetes.io/part-of': 'cilium', 'k8s-app': 'cilium' };
const CILIUM_POD_SPEC = {
  hostNetwork: true,
  serviceAccountName: 'cilium',
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  containers: [{ name: 'cilium-agent', image: CILIUM_IMAGE }],
};

/** What users reach the agents by: `ds/cilium`. Its first pods are made here, later ones by `cilium_daemon_set.ts`. */
function ciliumDaemonSet(): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'cilium', namespace: 'kube-system', labels: CILIUM_LABELS },
    spec: { selector: { matchLabels: { 'k8s-app': 'cilium' } }, template: { metadata: { labels: CILIUM_LABELS }, spec: CILIUM_POD_SPEC } },
  };
}

/** The pod of a node's agent, without its name. */
export function ciliumPod(node: NodeOptions): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'cilium',
      namespace: 'kube-system',
      generateName: 'cilium-',
      labels: CILIUM_LABELS,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'cilium', uid: '', controller: true }],
    },
    spec: { ...CILIUM_POD_SPEC, nodeName: node.name },
  };
}
