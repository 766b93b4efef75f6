/** Runs a scenario on a cluster of its own. */
import { Cluster } from '../cluster/cluster.ts';
import { clusterHost } from './cluster_host.ts';
import type { ScenarioResult } from './result.ts';
import { runOnHost } from './run.ts';
import type { Scenario } from './scenario.ts';

/** How to run. */
export interface RunOptions {
  /** Overrides the scenario's seed. */
  readonly seed?: number;
  /** Whether to record the journey; default: true. Without it the result has none, and the story is short. */
  readonly record?: boolean;
}

/** Runs a scenario. Equal scenario and seed give an equal result. */
export function runScenario(scenario: Scenario, options: RunOptions = {}): ScenarioResult {
  const seeded = options.seed === undefined ? scenario : { ...scenario, cluster: { ...scenario.cluster, seed: options.seed } };
  const cluster = Cluster.create(seeded.cluster);
  cluster.journey.recording = options.record ?? true;
  return runOnHost(seeded, clusterHost(cluster));
}
