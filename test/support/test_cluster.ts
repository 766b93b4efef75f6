/** A cluster for tests of the datapath, from manifests as text. */
import { Cluster } from '../../src/cluster/cluster.ts';
import type { Node } from '../../src/cluster/node.ts';
import { type ClusterOptions, DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
import { parseManifest } from '../../src/k8s/manifest.ts';
import type { ProcessEnv, ProcessResult } from '../../src/workloads/process.ts';

/** A cluster of one node, and short ways to what tests look at. */
export interface TestCluster {
  readonly cluster: Cluster;
  readonly node: Node;
  /** Applies manifests and waits. */
  apply(text: string): void;
  /** A process' surroundings: in a pod, or `node`/name, `world`/name. */
  env(namespace: string, name: string): ProcessEnv;
  /** A pod's address. */
  ip(namespace: string, name: string): string;
  /** Runs a command to its end. */
  run(namespace: string, name: string, ...argv: string[]): ProcessResult;
}

/** A cluster at rest with the manifests applied one after the other. */
export function newTestCluster(manifests: readonly string[] = [], options: Partial<ClusterOptions> = {}): TestCluster {
  const cluster = Cluster.create({ ...DEFAULT_CLUSTER_OPTIONS, ...options });
  const test: TestCluster = {
    cluster,
    node: cluster.nodes[0] as Node,
    apply: (text) => {
      const parsed = parseManifest(text, 'test.yaml');
      for (const { object, origin } of parsed.objects) {
        cluster.api.apply({ ...object, metadata: { namespace: 'default', ...object.metadata } }, origin);
      }
      cluster.settle();
    },
    env: (namespace, name) => {
      const env = cluster.processEnv(namespace, name);
      if (env === undefined) {
        throw new Error(`nothing runs as ${namespace}/${name}`);
      }
      return env;
    },
    ip: (namespace, name) => cluster.nodeOf(namespace, name)?.kubelet.sandbox(namespace, name)?.ip ?? '',
    run: (namespace, name, ...argv) => {
      const execution = cluster.exec(namespace, name, argv);
      cluster.runUntil(() => execution?.done === true, 60e9);
      cluster.advance(0);
      return execution?.result ?? { exitCode: 137, stdout: '', stderr: 'killed' };
    },
  };
  for (const text of manifests) {
    test.apply(text);
  }
  return test;
}
