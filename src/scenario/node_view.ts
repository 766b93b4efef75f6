/** One node as the commands read it. */
import type { Cluster } from '../cluster/cluster.ts';
import type { Node } from '../cluster/node.ts';
import { entryOrigins } from '../cluster/policy_origins.ts';
import { formatIpv4 } from '../net/ipv4.ts';
import type { EndpointView, NodeView, StatusView } from '../shell/cluster_view.ts';
import { agentApi } from './agent_api.ts';

/** The view; everything is read when asked for. */
export function nodeView(cluster: Cluster, node: Node): NodeView {
  return {
    name: node.name,
    agentRunning: () => node.agentRunning,
    clusterName: node.agent.options['cluster-name'],
    ip: node.ip,
    seconds: () => cluster.clock.seconds(),
    map: (name) => node.bpffs.get(name),
    mapNames: () => node.bpffs.names(),
    deviceName: (ifindex) => node.kernel.device(ifindex)?.name ?? null,
    endpoints: () => [...node.agent.endpointViews()].map((view): EndpointView => view),
    identities: () => node.agent.identityViews(),
    services: () =>
      node.agent.services.frontends().map((frontend) => ({
        id: frontend.id,
        namespace: frontend.namespace,
        name: frontend.name,
        frontend: `${formatIpv4(frontend.address)}:${frontend.port}${frontend.internal ? '/i' : ''}`,
        extLocal: frontend.extLocal,
        type: frontend.type,
        backends: frontend.backends.map((backend) => ({
          address: `${formatIpv4(backend.address)}:${backend.port}`,
          state: backend.terminating ? 'terminating' : 'active',
        })),
      })),
    policyOrigins: (endpointId, key) => entryOrigins(cluster, node, endpointId, key),
    policy: () => ({ rules: node.agent.policyRules(), revision: node.agent.repository.revision }),
    events: node.events,
    hubbleCapacity: node.agent.options['hubble-event-buffer-capacity'],
    get startedAt() {
      return node.startedAt;
    },
    api: agentApi(cluster, node),
    addressOfCgroup: (cgroupId) =>
      node.kubelet.sandboxes().find(({ netns, device }) => device !== null && netns.cgroup.id === cgroupId)?.ip ?? null,
    dnsNames: (endpointId, ip) => node.api.namesOf(endpointId, ip),
    envoyAdmin: (path, method) => (node.proxy === null ? null : node.proxy.admin.request(method, path)),
    status: () => status(node),
  };
}

function status(node: Node): StatusView {
  const { agent } = node;
  const redirects = agent.proxy.redirects().length;
  const { features } = agent;
  const replacement = agent.options['kube-proxy-replacement'];
  return {
    ciliumVersion: '1.13.3',
    kubernetesVersion: '1.27',
    kubernetesApis: [
      'cilium/v2::CiliumClusterwideNetworkPolicy',
      'cilium/v2::CiliumEndpoint',
      'cilium/v2::CiliumNetworkPolicy',
      'cilium/v2::CiliumNode',
      'core/v1::Namespace',
      'core/v1::Node',
      'core/v1::Pods',
      'core/v1::Service',
      'discovery/v1::EndpointSlice',
      'networking.k8s.io/v1::NetworkPolicy',
    ],
    podCIDR: node.podCIDR,
    ipam: { used: agent.ipam.owners().size, total: agent.ipam.capacity },
    controllers: { healthy: agent.endpoints.list().length, total: agent.endpoints.list().length },
    proxy: { ip: formatIpv4(agent.routerIp), redirects },
    routing: 'Legacy',
    masquerading: {
      mode: features.bpfMasquerade ? 'BPF' : features.iptablesMasquerade ? 'IPTables' : null,
      exclusion: agent.options['ipv4-native-routing-cidr'] === '' ? node.podCIDR : agent.options['ipv4-native-routing-cidr'],
    },
    kubeProxyReplacement: {
      mode: replacement === 'strict' ? 'Strict' : replacement === 'partial' ? 'Partial' : 'Disabled',
      socketLb: features.socketLb,
      nodePort: features.nodePort,
      hostPort: features.hostPort,
      externalIps: replacement === 'strict',
      sessionAffinity: features.sessionAffinity,
      gracefulTermination: agent.options['enable-k8s-terminating-endpoint'],
    },
    hostFirewall: features.hostFirewall,
    devices: features.devices
      ? [{ name: 'eth0', ip: node.ip, directRouting: features.nodePort && agent.options.tunnel === 'disabled' }]
      : [],
    reachableNodes: { reachable: 1, total: 1 },
  };
}
