/**
 * Deployments and ReplicaSets.
 * @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#describeDeployment
 */
import type { ClusterView, ObjectView } from '../../cluster_view.ts';
import { get, items, number, selectorCell, text } from '../columns/cell.ts';
import { podsOf, selectorOf } from '../pods_of.ts';
import { annotationPairs, labelPairs, longTime, Page } from './page.ts';
import { describeContainers } from './pod.ts';

/** The page of a Deployment. */
export function describeDeployment(deployment: ObjectView, cluster: ClusterView): string {
  const page = new Page();
  const count = (member: string): number => number(get(deployment, 'status', member));
  head(page, deployment, true);
  page.line(
    0,
    `Replicas:\t${number(get(deployment, 'spec', 'replicas'), 1)} desired | ${count('updatedReplicas')} updated | ${count('replicas')} total | ${count('availableReplicas')} available | ${count('unavailableReplicas')} unavailable`,
  );
  page.line(0, `StrategyType:\t${text(get(deployment, 'spec', 'strategy', 'type'), 'RollingUpdate')}`);
  page.line(0, `MinReadySeconds:\t${number(get(deployment, 'spec', 'minReadySeconds'))}`);
  page.line(0, 'RollingUpdateStrategy:\t25% max unavailable, 25% max surge');
  template(page, deployment);
  const conditions = items(get(deployment, 'status', 'conditions'));
  if (conditions.length > 0) {
    page.line(0, 'Conditions:');
    page.line(0, '  Type\tStatus\tReason');
    page.line(0, '  ----\t------\t------');
    for (const one of conditions) {
      page.line(1, `${text(get(one, 'type'), '')} \t${text(get(one, 'status'), '')}\t${text(get(one, 'reason'), '')}`);
    }
  }
  const sets = cluster
    .list('ReplicaSet', deployment.metadata.namespace ?? 'default')
    .filter((set) => items(get(set, 'metadata', 'ownerReferences')).some((one) => get(one, 'name') === deployment.metadata.name));
  const isOld = (set: ObjectView): boolean =>
    number(get(set, 'spec', 'replicas'), 1) === 0 && number(get(deployment, 'spec', 'replicas'), 1) > 0;
  const names = (some: readonly ObjectView[]): string =>
    some.length === 0
      ? '<none>'
      : some
          .map(
            (set) =>
              `${set.metadata.name} (${number(get(set, 'status', 'replicas'))}/${number(get(set, 'spec', 'replicas'), 1)} replicas created)`,
          )
          .join(', ');
  page.line(0, `OldReplicaSets:\t${names(sets.filter(isOld))}`);
  page.line(0, `NewReplicaSet:\t${names(sets.filter((set) => !isOld(set)).slice(-1))}`);
  page.line(0, 'Events:\t<none>');
  return page.text();
}

/** The page of a ReplicaSet or DaemonSet. @see kubernetes:staging/src/k8s.io/kubectl/pkg/describe/describe.go#describeReplicaSet */
export function describeReplicaSet(set: ObjectView, cluster: ClusterView): string {
  const page = new Page();
  head(page, set, false);
  const owner = items(get(set, 'metadata', 'ownerReferences')).find((one) => get(one, 'controller') === true);
  if (owner !== undefined) {
    page.line(0, `Controlled By:\t${text(get(owner, 'kind'), '')}/${text(get(owner, 'name'), '')}`);
  }
  page.line(0, `Replicas:\t${number(get(set, 'status', 'replicas'))} current / ${number(get(set, 'spec', 'replicas'), 1)} desired`);
  const selector = selectorOf(set);
  const pods = selector === null ? [] : podsOf(cluster, set.metadata.namespace ?? 'default', selector);
  const inPhase = (phase: string): number => pods.filter((pod) => text(get(pod, 'status', 'phase'), 'Pending') === phase).length;
  page.line(
    0,
    `Pods Status:\t${inPhase('Running')} Running / ${inPhase('Pending')} Waiting / ${inPhase('Succeeded')} Succeeded / ${inPhase('Failed')} Failed`,
  );
  template(page, set);
  page.line(0, 'Events:\t<none>');
  return page.text();
}

function head(page: Page, object: ObjectView, withTime: boolean): void {
  page.line(0, `Name:\t${object.metadata.name}`);
  page.line(0, `Namespace:\t${object.metadata.namespace ?? ''}`);
  if (withTime) {
    page.line(0, `CreationTimestamp:\t${longTime(object.metadata.creationTimestamp)}`);
    page.pairs('Labels', labelPairs(object.metadata.labels));
    page.pairs('Annotations', annotationPairs(get(object, 'metadata', 'annotations')));
    page.line(0, `Selector:\t${selectorCell(get(object, 'spec', 'selector'))}`);
  } else {
    page.line(0, `Selector:\t${selectorCell(get(object, 'spec', 'selector'))}`);
    page.pairs('Labels', labelPairs(object.metadata.labels));
    page.pairs('Annotations', annotationPairs(get(object, 'metadata', 'annotations')));
  }
}

function template(page: Page, object: ObjectView): void {
  page.line(0, 'Pod Template:');
  page.pairs('Labels', labelPairs(get(object, 'spec', 'template', 'metadata', 'labels')), '  ');
  const annotations = annotationPairs(get(object, 'spec', 'template', 'metadata', 'annotations'));
  if (annotations.length > 0) {
    page.pairs('Annotations', annotations, '  ');
  }
  describeContainers(page, get(object, 'spec', 'template', 'spec'), null, '  ');
  page.line(0, '  Volumes:\t<none>');
}
