/**
 * What the options together switch on: kube-proxy replacement is a name for several features.
 * @see cilium:daemon/cmd/kube_proxy_replacement.go#initKubeProxyReplacementOptions
 */
import type { DaemonOptions } from './config.ts';

/** The features that decide what is compiled and attached. */
export interface DatapathFeatures {
  /** Services are translated when a process connects. */
  readonly socketLb: boolean;
  /** … of the host only. */
  readonly socketLbHostOnly: boolean;
  /** The monitor hears of it. */
  readonly traceSock: boolean;
  /** Services are translated packet by packet at the pod's device. @see cilium:bpf/bpf_lxc.c#ENABLE_PER_PACKET_LB */
  readonly perPacketLb: boolean;
  /** Node ports, external and load balancer addresses are served at the network card. */
  readonly nodePort: boolean;
  /** Host ports of pods are services. */
  readonly hostPort: boolean;
  readonly sessionAffinity: boolean;
  /** Pods' addresses are translated by the program at the network card. */
  readonly bpfMasquerade: boolean;
  /** … by an iptables rule. */
  readonly iptablesMasquerade: boolean;
  readonly hostFirewall: boolean;
  readonly endpointRoutes: boolean;
  /** ENABLE_L7_LB: services may be a listener's of the proxy. */
  readonly l7Lb: boolean;
  /** Whether programs are attached to network cards at all. @see cilium:pkg/option/config.go#DaemonConfig.AreDevicesRequired */
  readonly devices: boolean;
  /** Whether kube-proxy has to be there. */
  readonly kubeProxy: boolean;
}

/** The features of the options. */
export function datapathFeatures(options: DaemonOptions): DatapathFeatures {
  const replacement = options['kube-proxy-replacement'];
  const strict = replacement === 'strict';
  const partial = replacement === 'partial';
  const nodePort = strict || (partial && options['enable-node-port']);
  const socketLb = strict || (partial && options['bpf-lb-sock']);
  const socketLbHostOnly = options['bpf-lb-sock-hostns-only'];
  const hostFirewall = options['enable-host-firewall'];
  const bpfMasquerade = options['enable-ipv4-masquerade'] && options['enable-bpf-masquerade'];
  const l7Lb = options['enable-envoy-config'];
  return {
    socketLb,
    socketLbHostOnly,
    traceSock: socketLb && !socketLbHostOnly && options['trace-sock'],
    perPacketLb: !socketLb || socketLbHostOnly || l7Lb || options['enable-sctp'],
    nodePort,
    hostPort: strict || (nodePort && options['enable-host-port']),
    sessionAffinity: strict || options['enable-session-affinity'],
    bpfMasquerade,
    iptablesMasquerade: options['enable-ipv4-masquerade'] && !bpfMasquerade,
    hostFirewall,
    endpointRoutes: options['enable-endpoint-routes'],
    l7Lb,
    devices: nodePort || hostFirewall,
    kubeProxy: !strict,
  };
}

/** Options that do not go together. */
export function featureIssues(options: DaemonOptions): readonly { readonly option: string; readonly message: string }[] {
  const features = datapathFeatures(options);
  const issues: { readonly option: string; readonly message: string }[] = [];
  if (features.bpfMasquerade && !features.nodePort) {
    issues.push({
      option: 'enable-bpf-masquerade',
      message: 'enable-bpf-masquerade needs NodePort: kube-proxy-replacement=strict, or partial with enable-node-port',
    });
  }
  if (options['enable-ingress-controller'] && !features.l7Lb) {
    issues.push({ option: 'enable-ingress-controller', message: 'enable-ingress-controller needs enable-envoy-config' });
  }
  return issues;
}
