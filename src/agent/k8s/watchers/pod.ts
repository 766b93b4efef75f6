/**
 * Watching the node's own pods for host ports: each is a service with the pod as its only backend.
 * @see cilium:pkg/k8s/watchers/pod.go#K8sWatcher.upsertHostPortMapping
 */
import type { ApiServer } from '../../../k8s/api_server.ts';
import type { ContainerPort, Pod } from '../../../k8s/objects.ts';
import { type Ipv4, parseIpv4 } from '../../../net/ipv4.ts';
import type { WantedFrontend } from '../../service/frontends.ts';
import type { ServiceManager } from '../../service/service.ts';

/** What the watch works with. */
export interface HostPortDeps {
  readonly api: ApiServer;
  readonly nodeName: string;
  readonly services: ServiceManager;
  /** Addresses at which host ports are served. */
  readonly nodeAddresses: readonly Ipv4[];
}

const NODE_PORT_MIN = 30000;
const NODE_PORT_MAX = 32767;

/** Starts the watch. */
export function hostPortsInit({ api, nodeName, services, nodeAddresses }: HostPortDeps): void {
  const sync = (pod: Pod): void => {
    if (pod.spec.nodeName === nodeName && pod.spec.hostNetwork !== true) {
      services.setHostPorts(pod, genServiceMappings(pod, nodeAddresses));
    }
  };
  api.watch<Pod>('Pod', {
    onAdd: sync,
    onUpdate: (_old, pod) => sync(pod),
    onDelete: (pod) => services.setHostPorts(pod, []),
  });
}

/**
 * The frontends of a pod's host ports. A port in the range of node ports is left out.
 * @see cilium:pkg/k8s/watchers/pod.go#K8sWatcher.genServiceMappings
 */
function genServiceMappings(pod: Pod, nodeAddresses: readonly Ipv4[]): WantedFrontend[] {
  const { phase, podIP = '' } = pod.status ?? {};
  const backend = parseIpv4(podIP);
  if (backend === null || phase === 'Succeeded' || phase === 'Failed') {
    return [];
  }
  const initContainers = (pod.spec['initContainers'] as Pod['spec']['containers'] | undefined) ?? [];
  return [...initContainers, ...pod.spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap((port) => {
      const { hostPort = 0, containerPort } = port;
      if (hostPort <= 0 || (hostPort >= NODE_PORT_MIN && hostPort <= NODE_PORT_MAX)) {
        return [];
      }
      const { addresses, loopback } = frontendAddresses(port, nodeAddresses);
      return addresses.map((address) => ({
        type: 'HostPort' as const,
        address,
        port: hostPort,
        backends: [{ address: backend, port: containerPort, terminating: false }],
        internal: false,
        extLocal: false,
        intLocal: false,
        affinity: null,
        sourceRanges: [],
        loopback,
      }));
    }),
  );
}

/** A loopback host address becomes the surrogate 0.0.0.0, which then serves loopback alone. */
function frontendAddresses(
  { hostIP = '' }: ContainerPort,
  nodeAddresses: readonly Ipv4[],
): { addresses: readonly Ipv4[]; loopback: boolean } {
  const asked = parseIpv4(hostIP);
  if (asked === null || asked === 0) {
    return { addresses: [...nodeAddresses, 0], loopback: false };
  }
  return asked >>> 24 === 127 ? { addresses: [0], loopback: true } : { addresses: [asked], loopback: false };
}
