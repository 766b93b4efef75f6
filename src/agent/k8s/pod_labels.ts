/**
 * The labels a pod gives to its endpoint.
 * @see cilium:pkg/k8s/labels.go#GetPodMetadata
 */
import type { Namespace, Pod } from '../../k8s/objects.ts';
import {
  LABEL_SOURCE_K8S,
  type Label,
  POD_NAMESPACE_LABEL,
  POD_NAMESPACE_META_LABELS,
  POLICY_LABEL_CLUSTER,
  POLICY_LABEL_SERVICE_ACCOUNT,
} from '../labels/labels.ts';
import type { NamedPort } from '../policy/named_ports.ts';

const PROTOCOL_NUMBERS: Readonly<Record<string, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** All labels, before the filter picks those that count for the identity. */
export function podLabels(pod: Pod, namespace: Namespace | undefined, clusterName: string): Label[] {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(pod.metadata.labels ?? {})) {
    if (!key.startsWith('io.cilium.k8s')) {
      labels[key] = value;
    }
  }
  for (const [key, value] of Object.entries(namespace?.metadata.labels ?? {})) {
    labels[`${POD_NAMESPACE_META_LABELS}.${key}`] = value;
  }
  labels[POD_NAMESPACE_LABEL] = pod.metadata.namespace ?? 'default';
  labels[POLICY_LABEL_SERVICE_ACCOUNT] = pod.spec.serviceAccountName ?? 'default';
  labels[POLICY_LABEL_CLUSTER] = clusterName;
  return Object.entries(labels).map(([key, value]) => ({ source: LABEL_SOURCE_K8S, key, value }));
}

/** The named container ports of a pod. */
export function podNamedPorts(pod: Pod): NamedPort[] {
  return pod.spec.containers.flatMap((container) =>
    (container.ports ?? []).flatMap((port) =>
      port.name === undefined
        ? []
        : [{ name: port.name.toLowerCase(), port: port.containerPort, proto: PROTOCOL_NUMBERS[port.protocol ?? 'TCP'] ?? 0 }],
    ),
  );
}
