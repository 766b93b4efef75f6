/** Runs a scenario and tells what its requests exercised. */
import { Cluster } from '../../cluster/cluster.ts';
import { clusterHost } from '../cluster_host.ts';
import type { ScenarioResult } from '../result.ts';
import { runOnHost } from '../run.ts';
import type { RunOptions } from '../run_scenario.ts';
import type { Scenario } from '../scenario.ts';
import type { Coverage } from './coverage.ts';
import { CoverageRecorder } from './recorder.ts';

/** Like `runScenario`, with the coverage. */
export function runCovered(scenario: Scenario, options: RunOptions = {}): { readonly result: ScenarioResult; readonly coverage: Coverage } {
  const seeded = options.seed === undefined ? scenario : { ...scenario, cluster: { ...scenario.cluster, seed: options.seed } };
  const cluster = Cluster.create(seeded.cluster);
  cluster.journey.recording = true;
  const recorder = new CoverageRecorder(cluster);
  const result = runOnHost(seeded, clusterHost(cluster), (step) => {
    recorder.after(step);
    return 'go on';
  });
  return { result, coverage: recorder.coverage() };
}
