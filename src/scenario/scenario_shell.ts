/** A shell on the cluster of a scenario, of which no step is run. */
import { Cluster } from '../cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../cluster/options.ts';
import { createShell, type Shell, type ShellOptions } from '../shell/shell.ts';
import { clusterHost } from './cluster_host.ts';
import { explainTool } from './explain/shell_tool.ts';
import type { Scenario } from './scenario.ts';

/** Options of the shell, and of the cluster. */
export interface ScenarioShellOptions extends ShellOptions {
  /** Overrides the scenario's seed. */
  readonly seed?: number;
}

/** Starts the cluster with the scenario's options and pins (without a scenario: a plain one of one node), and a shell on it. */
export function scenarioShell(scenario: Scenario | null, options: ScenarioShellOptions = {}): Shell {
  const cluster = scenario?.shellCluster ?? DEFAULT_CLUSTER_OPTIONS;
  const started = Cluster.create(options.seed === undefined ? cluster : { ...cluster, seed: options.seed });
  started.journey.recording = false;
  return createShell(clusterHost(started), { ...options, tools: [explainTool(started), ...(options.tools ?? [])] });
}
