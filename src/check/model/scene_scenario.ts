/** A generated cluster with its policies as a scenario file, so that a counterexample can be run, changed and kept. */
import { stringify } from 'yaml';
import type { K8sObject, ModelCluster } from './cluster.ts';

/** The text of the scenario. Rule lists become a cluster-wide policy, which an API server takes. */
export function sceneScenario(name: string, cluster: ModelCluster, policies: readonly K8sObject[]): string {
  const namespaces = cluster.namespaces
    .filter((one) => one.name !== 'default')
    .map((one) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: one.name, labels: one.labels } }));
  const pods = cluster.pods.map(({ name: podName, namespace, labels, ports }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, namespace, labels },
    spec: {
      containers: [
        { name: 'main', image: 'nginx', ports: ports.map((one) => ({ name: one.name, containerPort: one.port, protocol: one.protocol })) },
      ],
    },
  }));
  const objects = policies.map((object, i) =>
    object['kind'] === 'CiliumRules'
      ? {
          apiVersion: 'cilium.io/v2',
          kind: 'CiliumClusterwideNetworkPolicy',
          metadata: { name: `rules-${i}` },
          specs: object['rules'],
        }
      : object,
  );
  const text = (list: readonly object[]): string => list.map((object) => stringify(object, { lineWidth: 0, version: '1.1' })).join('---\n');
  const steps = [[...namespaces, ...pods], objects].filter((list) => list.length > 0).map((list) => ({ apply: text(list) }));
  return stringify({ name, steps }, { lineWidth: 0, blockQuote: 'literal' });
}
