/** The cluster a question is asked on: what a scenario leaves behind, or some manifests applied to an empty cluster. */
import { Cluster } from '../../cluster/cluster.ts';
import { DEFAULT_CLUSTER_OPTIONS } from '../../cluster/options.ts';
import type { Pod } from '../../k8s/objects.ts';
import { SECOND } from '../../sim/clock.ts';
import { clusterHost } from '../cluster_host.ts';
import { readDocument } from '../document.ts';
import type { Issue } from '../issue.ts';
import { manifestIssues } from '../manifests.ts';
import type { ScenarioResult } from '../result.ts';
import { runOnHost } from '../run.ts';
import type { ManifestText, Scenario } from '../scenario.ts';
import { explainOn } from './explain.ts';
import type { ExplainQuestion, Explanation } from './explanation.ts';
import type { Found } from './place.ts';

/** Longest wait for pods that are not ready. */
const READY_LIMIT = 60 * SECOND;

/** Answers a question about the cluster as a scenario leaves it, or as it is after some of its steps. */
export function explainScenario(scenario: Scenario, question: ExplainQuestion, afterStep: number | null = null): Found<Explanation> {
  const steps = afterStep === null ? scenario.steps : scenario.steps.slice(0, afterStep);
  const cluster = Cluster.create(scenario.cluster);
  const result = runOnHost({ ...scenario, steps }, clusterHost(cluster));
  return explainOn(cluster, question, refusals(result));
}

/** Answers a question about manifests applied to an empty cluster, in order. */
export function explainManifests(
  manifests: readonly ManifestText[],
  question: ExplainQuestion,
): Found<Explanation> | { readonly ok: false; readonly issues: readonly Issue[] } {
  const issues = manifests.flatMap(manifestIssues);
  if (issues.length > 0) {
    return { ok: false, issues };
  }
  const file = manifests[0]?.file ?? '';
  const scenario: Scenario = {
    name: file,
    description: null,
    file,
    cluster: DEFAULT_CLUSTER_OPTIONS,
    shellCluster: DEFAULT_CLUSTER_OPTIONS,
    steps: manifests.map((manifest) => ({
      name: null,
      position: { file: manifest.file, line: 1, column: 1 },
      action: { kind: 'apply', manifests: [manifest], namespace: 'default', wait: true },
      expect: null,
      expectPositions: {},
    })),
    properties: [],
  };
  const cluster = Cluster.create(scenario.cluster);
  const result = runOnHost(scenario, clusterHost(cluster));
  waitForPods(cluster);
  return explainOn(cluster, question, refusals(result));
}

/** Pods with readiness probes take a while before services send them anybody. */
function waitForPods(cluster: Cluster): void {
  const ready = (): boolean =>
    cluster.api.list<Pod>('Pod').every(({ status }) => status?.containerStatuses?.every((container) => container.ready) ?? true);
  if (!ready()) {
    cluster.runUntil(ready, READY_LIMIT);
    cluster.settle();
  }
}

/** Whether a text is a scenario, not a manifest: it has steps and no kind. */
export function isScenarioText(text: string): boolean {
  const read = readDocument(text, '');
  const value = read.ok ? read.document.value : null;
  return typeof value === 'object' && value !== null && 'steps' in value && !('kind' in value);
}

/** Objects that were not taken: they take no part in the answer. */
function refusals(result: ScenarioResult): string[] {
  return result.steps.flatMap(({ detail }) =>
    detail.kind === 'objects'
      ? detail.objects
          .filter(({ outcome }) => outcome === 'rejected')
          .map(
            ({ kind, namespace, name, message }) =>
              `${kind} ${namespace === '' ? '' : `${namespace}/`}${name} was refused: ${message ?? ''}`,
          )
      : [],
  );
}
