/** What a Kubernetes NetworkPolicy means between pods, straight from its documentation: nothing of Cilium is in it, and nothing of the oracle. */
import type { K8sObject, LabelMap, ModelCluster, ModelPod } from '../../../src/check/model/cluster.ts';

type Selector = { matchLabels?: LabelMap; matchExpressions?: { key: string; operator: string; values?: string[] }[] };
type Peer = { podSelector?: Selector; namespaceSelector?: Selector; ipBlock?: object };
type Port = { port?: number | string; protocol?: string };
type Rule = { from?: Peer[]; to?: Peer[]; ports?: Port[] };
type Spec = { podSelector: Selector; policyTypes?: string[]; ingress?: Rule[]; egress?: Rule[] };

/** Whether traffic from one pod to another is allowed by the policies of the one's egress and the other's ingress. */
export function definitionAllows(
  cluster: ModelCluster,
  policies: readonly K8sObject[],
  flow: {
    readonly subject: ModelPod;
    readonly peer: ModelPod;
    readonly direction: 'ingress' | 'egress';
    readonly port: number;
    readonly protocol: string;
  },
): boolean {
  const { subject, peer, direction } = flow;
  const isolating = policies.filter((policy) => {
    const spec = policy['spec'] as Spec;
    const types = spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])];
    const wanted = direction === 'ingress' ? 'Ingress' : 'Egress';
    return namespaceOf(policy) === subject.namespace && matches(spec.podSelector, subject.labels) && types.includes(wanted);
  });
  const allowing = isolating.some((policy) =>
    ((policy['spec'] as Spec)[direction] ?? []).some((rule) => {
      const peers = (direction === 'ingress' ? rule.from : rule.to) ?? [];
      const who = peers.length === 0 || peers.some((one) => isPeer(one, namespaceOf(policy), peer, cluster));
      const ports = rule.ports ?? [];
      return who && (ports.length === 0 || ports.some((one) => isPort(one, flow)));
    }),
  );
  return isolating.length === 0 || allowing;
}

function namespaceOf(policy: K8sObject): string {
  return (policy['metadata'] as { namespace?: string }).namespace ?? 'default';
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, namespace: string, pod: ModelPod, cluster: ModelCluster): boolean {
  if (ipBlock !== undefined) {
    // Pods are not selected by address blocks: Cilium says so of its implementation.
    return false;
  }
  const labels = { 'kubernetes.io/metadata.name': pod.namespace, ...cluster.namespaces.find(({ name }) => name === pod.namespace)?.labels };
  const place = namespaceSelector === undefined ? pod.namespace === namespace : matches(namespaceSelector, labels);
  return place && matches(podSelector ?? {}, pod.labels);
}

function isPort({ port, protocol = 'TCP' }: Port, flow: { readonly port: number; readonly protocol: string }): boolean {
  return protocol === flow.protocol && (port === undefined || port === flow.port);
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: LabelMap): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}
