/**
 * The agent's state as `cilium status -o json` shows it.
 * @see cilium:api/v1/models/status_response.go#StatusResponse
 * @remarks Not modelled: controllers and the sizes of the maps.
 */
import type { NodeView, StatusView } from '../cluster_view.ts';

/** The model; `now` in nanoseconds since boot. */
export function statusModel(node: NodeView, now: number): object {
  const s = node.status();
  const deviceNames = s.devices.length === 0 ? null : s.devices.map(({ name }) => name);
  const current = node.events.since(0).length;
  return {
    'bandwidth-manager': { devices: null },
    cilium: { msg: s.ciliumVersion, state: 'Ok' },
    'clock-source': { mode: 'ktime' },
    cluster: { ciliumHealth: { state: 'Ok' }, nodes: node.api.nodes().map(({ name }) => ({ name })), self: node.name },
    'cni-chaining': { mode: 'none' },
    encryption: { mode: 'Disabled' },
    'host-firewall': { devices: deviceNames, mode: s.hostFirewall ? 'Enabled' : 'Disabled' },
    'host-routing': { mode: s.routing },
    hubble: {
      metrics: { state: 'Disabled' },
      observer: {
        'current-flows': current,
        'max-flows': node.hubbleCapacity,
        'seen-flows': node.events.total,
        uptime: Math.max(0, now - node.startedAt),
      },
      state: 'Ok',
    },
    'identity-range': { 'max-identity': 65535, 'min-identity': 256 },
    ipam: {
      allocations: Object.fromEntries(
        node.api
          .allocations()
          .map(({ ip, owner }) => [ip, owner] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
      ipv4: node.api.allocations().map(({ ip }) => ip),
      ipv6: [],
      status: `IPv4: ${s.ipam.used}/${s.ipam.total} allocated from ${s.podCIDR}, `,
    },
    'ipv6-big-tcp': {},
    'kube-proxy-replacement': kubeProxyModel(s),
    kubernetes: { 'k8s-api-versions': [...s.kubernetesApis].sort(), msg: s.kubernetesVersion, state: 'Ok' },
    kvstore: { msg: 'Disabled', state: 'Ok' },
    masquerading: masqueradingModel(s),
    nodeMonitor: { cpus: 1, npages: 64, pagesize: 4096 },
    ...(s.proxy === null ? {} : { proxy: proxyModel(node, s.proxy) }),
  };
}

function proxyModel(node: NodeView, proxy: { readonly ip: string; readonly redirects: number }): object {
  const redirects = node.api.redirects().map(({ proxy: listener, name, port }) => ({ name, proxy: listener, 'proxy-port': port }));
  return {
    ip: proxy.ip,
    'port-range': '10000-20000',
    redirects,
    ...(proxy.redirects === 0 ? {} : { 'total-redirects': proxy.redirects }),
  };
}

/** What is off is left out, as Go leaves out empty members. */
function kubeProxyModel({ kubeProxyReplacement, devices }: StatusView): object {
  const { mode, socketLb, nodePort, hostPort, externalIps, sessionAffinity, gracefulTermination } = kubeProxyReplacement;
  const enabled = (on: boolean): object => (on ? { enabled: true } : {});
  const direct = devices.find(({ directRouting }) => directRouting);
  return {
    deviceList: devices.map(({ name, ip }) => ({ ip: [ip], name })),
    devices: devices.length === 0 ? null : devices.map(({ name }) => name),
    ...(direct === undefined ? {} : { directRoutingDevice: direct.name }),
    features: {
      externalIPs: enabled(externalIps),
      gracefulTermination: enabled(gracefulTermination),
      hostPort: enabled(hostPort),
      nat46X64: {},
      nodePort: nodePort
        ? { acceleration: 'Disabled', algorithm: 'Random', enabled: true, mode: 'SNAT', portMax: 32767, portMin: 30000 }
        : {},
      sessionAffinity: enabled(sessionAffinity),
      socketLB: enabled(socketLb),
      socketLBTracing: enabled(socketLb),
    },
    mode,
  };
}

function masqueradingModel({ masquerading: { mode, exclusion } }: StatusView): object {
  return mode === null
    ? { enabledProtocols: {} }
    : {
        enabled: true,
        enabledProtocols: { ipv4: true },
        mode: mode === 'BPF' ? 'BPF' : 'iptables',
        'snat-exclusion-cidr': exclusion,
        'snat-exclusion-cidr-v4': exclusion,
      };
}
