/**
 * `kubectl rollout status` and `kubectl rollout restart`.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go
 * @remarks Not modelled: history, undo, pause and resume.
 */
import type { Deployment } from '../../k8s/objects.ts';
import { formatRfc3339 } from '../../net/rfc3339.ts';
import { SECOND } from '../../sim/clock.ts';
import type { ClusterView } from '../cluster_view.ts';
import type { Flags } from '../flags.ts';
import { type Parsed, ready, refused, unknownWord } from '../tool.ts';
import { parseDuration } from './duration.ts';
import { Report } from './report.ts';
import { statusText, updateObject } from './requests.ts';
import { qualifiedSingular, type ResourceType } from './resource_types.ts';
import { completeTargets, findTargets, isRefused, parseTargets, TARGET_FLAGS } from './targets.ts';
import type { KubectlVerb } from './verb.ts';

/** How long `status` waits without `--timeout`: the deadline of a Deployment's progress. */
const PROGRESS_DEADLINE = 600 * SECOND;

/** The verb. */
export const rolloutVerb: KubectlVerb = {
  name: 'rollout',
  summary: 'follow or restart a rollout',
  flags: [
    ...TARGET_FLAGS,
    { name: 'watch', short: 'w', value: true, bare: 'true' },
    { name: 'timeout', value: true },
    { name: 'revision', value: true },
  ],
  parse: parseRollout,
  complete: (before, cluster, flags) => (before.length === 0 ? ['status', 'restart'] : completeTargets(before.slice(1), cluster, flags)),
};

function parseRollout(flags: Flags): Parsed {
  const [action = '', ...words] = flags.positional;
  if (['history', 'undo', 'pause', 'resume'].includes(action)) {
    return refused(`error: kubectl rollout ${action} is not modelled; use status or restart`);
  }
  if (action !== 'status' && action !== 'restart') {
    return unknownWord(`error: unknown command "rollout ${action}"`, action, ['status', 'restart']);
  }
  if (words.length === 0) {
    return refused(`error: required resource not specified`);
  }
  const targets = parseTargets(words, flags);
  const timeout = flags.value('timeout') === null ? PROGRESS_DEADLINE : parseDuration(flags.value('timeout') ?? '');
  if (isRefused(targets)) {
    return targets;
  }
  if (timeout === null) {
    return refused(
      `error: invalid argument "${flags.value('timeout') ?? ''}" for "--timeout" flag: time: invalid duration "${flags.value('timeout') ?? ''}"`,
    );
  }
  return ready(({ cluster }) => {
    const report = new Report();
    const found = findTargets(cluster, targets);
    for (const { type, object } of found.objects) {
      const deployment = object as unknown as Deployment;
      if (action === 'restart') {
        restart(cluster, type, deployment, report);
      } else if (type.kind === 'Deployment') {
        status(cluster, deployment, timeout === 0 ? PROGRESS_DEADLINE : timeout, flags.value('watch') !== 'false', report);
      } else {
        report.fail(`error: no status viewer has been implemented for ${type.kind}`);
      }
    }
    for (const error of found.errors) {
      report.fail(error);
    }
    cluster.advance(0);
    return report.result();
  });
}

/** The template's annotation changes, and with it the ReplicaSet. @see kubernetes:staging/src/k8s.io/kubectl/pkg/polymorphichelpers/objectrestarter.go */
function restart(cluster: ClusterView, type: ResourceType, deployment: Deployment, report: Report): void {
  if (type.kind !== 'Deployment' && type.kind !== 'DaemonSet') {
    report.fail(`error: ${type.plural} "${deployment.metadata.name}" restarting is not supported`);
    return;
  }
  const { template } = deployment.spec;
  const annotations = { ...template.metadata?.annotations, 'kubectl.kubernetes.io/restartedAt': formatRfc3339(cluster.wallMillis()) };
  const object = {
    ...deployment,
    spec: { ...deployment.spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
  };
  const answer = updateObject(cluster, { type, object, origin: null });
  if (answer.ok) {
    report.print(`${qualifiedSingular(type)}/${deployment.metadata.name} restarted`);
  } else {
    report.fail(statusText(answer.status));
  }
}

function status(cluster: ClusterView, deployment: Deployment, timeout: number, watch: boolean, report: Report): void {
  const { namespace = 'default', name } = deployment.metadata;
  const waiting = (): string | null => {
    const now = cluster.api.get<Deployment>('Deployment', namespace, name);
    return now === undefined ? null : waitingText(now);
  };
  let last = waiting();
  const end = cluster.now() + timeout;
  while (last !== null) {
    report.print(last);
    const before = last;
    if (!watch) {
      return;
    }
    if (!cluster.runUntil(() => waiting() !== before, Math.max(0, end - cluster.now()))) {
      report.fail('error: timed out waiting for the condition');
      return;
    }
    last = waiting();
  }
  report.print(`deployment "${name}" successfully rolled out`);
}

/** What the rollout waits for; `null`: it is done. */
function waitingText({ metadata: { name, generation = 1 }, spec, status }: Deployment): string | null {
  const count = (member: string): number => {
    const value = status?.[member];
    return typeof value === 'number' ? value : 0;
  };
  const wanted = spec.replicas ?? 1;
  const [updated, all, available] = [count('updatedReplicas'), count('replicas'), count('availableReplicas')];
  if (count('observedGeneration') < generation) {
    return 'Waiting for deployment spec update to be observed...';
  }
  if (updated < wanted) {
    return `Waiting for deployment "${name}" rollout to finish: ${updated} out of ${wanted} new replicas have been updated...`;
  }
  if (all > updated) {
    return `Waiting for deployment "${name}" rollout to finish: ${all - updated} old replicas are pending termination...`;
  }
  return available < updated
    ? `Waiting for deployment "${name}" rollout to finish: ${available} of ${updated} updated replicas are available...`
    : null;
}
