import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { Cluster } from '../../src/cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../src/cluster/options.ts';

const CLUSTERS = 8;

/**
 * A search with faults makes hundreds of clusters a second; each is garbage at once. Two ways of writing keep such garbage until the next full collection, which
 * doubles what a case costs: a getter in an object literal, and a function that is written where a member is assigned (`this.x = () => …`).
 */
it('a cluster that nobody holds does not survive a small collection', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  const create = (): void => {
    for (let i = 0; i < CLUSTERS; i++) {
      Cluster.create(DEFAULT_CLUSTER_OPTIONS);
    }
  };
  for (let i = 0; i < 3; i++) {
    create();
  }
  gc();
  const before = process.memoryUsage().heapUsed;
  create();
  gc({ type: 'minor' });
  gc({ type: 'minor' });
  const kept = (process.memoryUsage().heapUsed - before) / CLUSTERS / 1024;
  expect(kept).toBeLessThan(200);
});
