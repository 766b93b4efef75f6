/** Clusters the benches run on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';
import { parseManifest } from '../../src/k8s/manifest.ts';

const FOLDER = 'scenarios/star-wars/manifests';

/** The Star Wars cluster with or without its L7 policy, at rest; nothing is recorded. */
export function starWars(withPolicy: boolean): Cluster {
  const cluster = Cluster.create(DEFAULT_CLUSTER_OPTIONS);
  for (const name of withPolicy ? ['app.yaml', 'rule1.yaml'] : ['app.yaml']) {
    for (const { object, origin } of parseManifest(readFileSync(join(FOLDER, name), 'utf8'), name).objects) {
      cluster.api.apply(object, origin);
    }
    cluster.settle();
  }
  return cluster;
}
