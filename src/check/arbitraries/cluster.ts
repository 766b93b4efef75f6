/** Clusters: namespaces, pods with labels and named ports, external services, resolved names. */
import fc from 'fast-check';
import type { ModelCluster, ModelNamespace, ModelPod, ModelPort } from '../model/cluster.ts';
import { RESOLVED } from './fqdn.ts';
import { labels, NAMESPACES, namespaceLabels, namespaceName } from './labels.ts';

/** How large. */
export interface ClusterOptions {
  /** Default 6. */
  readonly maxPods?: number;
}

/** A cluster; shrinks towards one pod without labels in `default`. */
export function cluster({ maxPods = 6 }: ClusterOptions = {}): fc.Arbitrary<ModelCluster> {
  return fc.tuple(namespaces(), fc.array(pod(), { minLength: 1, maxLength: maxPods }), services()).map(([all, pods, list]) => ({
    namespaces: all,
    pods: pods.map((one, i) => ({ ...one, name: `pod-${i}` })),
    services: list,
    dns: RESOLVED,
  }));
}

/** A pod; its name is to be made unique. */
export function pod(): fc.Arbitrary<ModelPod> {
  return fc.record({ name: fc.constant('pod'), namespace: namespaceName(), labels: labels(), ports: containerPorts() });
}

/** Named ports, now and then with another number than usual. */
export function containerPorts(): fc.Arbitrary<ModelPort[]> {
  const one = fc.constantFrom<ModelPort>(
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'https', port: 443, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'http', port: 8080, protocol: 'TCP' },
  );
  return fc.uniqueArray(one, { maxLength: 2, selector: ({ name }) => name });
}

function namespaces(): fc.Arbitrary<ModelNamespace[]> {
  return fc
    .tuple(...NAMESPACES.map(() => namespaceLabels()))
    .map((all) => NAMESPACES.map((name, i): ModelNamespace => ({ name, labels: all[i] ?? {} })));
}

function services(): fc.Arbitrary<ModelCluster['services']> {
  return fc.subarray([
    { name: 'external', namespace: 'default', backends: ['192.0.2.10'] },
    { name: 'external', namespace: 'prod', backends: ['10.1.2.3', '198.51.100.7'] },
  ]);
}
