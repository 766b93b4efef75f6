/**
 * Columns of pods and of what makes them.
 * @see kubernetes:pkg/printers/internalversion/printers.go#AddHandlers
 */
import type { ObjectView } from '../../cluster_view.ts';
import { AGE, type Column, get, items, labelsCell, NAME, number, selectorCell, since, text } from './cell.ts';

/** Pods. */
export const POD_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'READY', cell: podReady },
  { title: 'STATUS', cell: podStatus },
  { title: 'RESTARTS', cell: podRestarts },
  AGE,
  { title: 'IP', wide: true, cell: (pod) => text(get(pod, 'status', 'podIP'), '<none>') },
  { title: 'NODE', wide: true, cell: (pod) => text(get(pod, 'spec', 'nodeName'), '<none>') },
  { title: 'NOMINATED NODE', wide: true, cell: () => '<none>' },
  { title: 'READINESS GATES', wide: true, cell: () => '<none>' },
];

const CONTAINERS: readonly Column[] = [
  { title: 'CONTAINERS', wide: true, cell: (one) => containerTexts(one, 'name') },
  { title: 'IMAGES', wide: true, cell: (one) => containerTexts(one, 'image') },
  { title: 'SELECTOR', wide: true, cell: (one) => selectorCell(get(one, 'spec', 'selector')) },
];

/** Deployments. */
export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'READY', cell: (one) => `${number(get(one, 'status', 'readyReplicas'))}/${number(get(one, 'spec', 'replicas'), 1)}` },
  { title: 'UP-TO-DATE', cell: (one) => String(number(get(one, 'status', 'updatedReplicas'))) },
  { title: 'AVAILABLE', cell: (one) => String(number(get(one, 'status', 'availableReplicas'))) },
  AGE,
  ...CONTAINERS,
];

/** ReplicaSets. */
export const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'DESIRED', cell: (one) => String(number(get(one, 'spec', 'replicas'), 1)) },
  { title: 'CURRENT', cell: (one) => String(number(get(one, 'status', 'replicas'))) },
  { title: 'READY', cell: (one) => String(number(get(one, 'status', 'readyReplicas'))) },
  AGE,
  ...CONTAINERS,
];

/** DaemonSets. */
export const DAEMON_SET_COLUMNS: readonly Column[] = [
  NAME,
  { title: 'DESIRED', cell: (one) => String(number(get(one, 'status', 'desiredNumberScheduled'))) },
  { title: 'CURRENT', cell: (one) => String(number(get(one, 'status', 'currentNumberScheduled'))) },
  { title: 'READY', cell: (one) => String(number(get(one, 'status', 'numberReady'))) },
  { title: 'UP-TO-DATE', cell: (one) => String(number(get(one, 'status', 'updatedNumberScheduled'))) },
  { title: 'AVAILABLE', cell: (one) => String(number(get(one, 'status', 'numberAvailable'))) },
  { title: 'NODE SELECTOR', cell: (one) => labelsCell(get(one, 'spec', 'template', 'spec', 'nodeSelector')) },
  AGE,
  ...CONTAINERS,
];

/** How many of a pod's containers are ready. Without container statuses, the pod's phase decides for all. */
export function podReady(pod: ObjectView): string {
  const statuses = items(get(pod, 'status', 'containerStatuses'));
  const total = items(get(pod, 'spec', 'containers')).length;
  const allReady = get(pod, 'status', 'phase') === 'Running' ? total : 0;
  return `${statuses.length > 0 ? statuses.filter((one) => get(one, 'ready') === true).length : allReady}/${total}`;
}

/** @see kubernetes:pkg/printers/internalversion/printers.go#printPod */
export function podStatus(pod: ObjectView): string {
  if (get(pod, 'metadata', 'deletionTimestamp') !== undefined) {
    return 'Terminating';
  }
  const phase = text(get(pod, 'status', 'reason'), text(get(pod, 'status', 'phase'), 'Pending'));
  const statuses = items(get(pod, 'status', 'containerStatuses'));
  const waiting = statuses.map((one) => text(get(one, 'state', 'waiting', 'reason'), '')).find((reason) => reason !== '');
  const ended = statuses.map((one) => text(get(one, 'state', 'terminated', 'reason'), '')).find((reason) => reason !== '');
  return waiting ?? ended ?? (phase === 'Succeeded' ? 'Completed' : phase);
}

/** `1 (5m ago)` */
function podRestarts(pod: ObjectView, wallMillis: number): string {
  const statuses = items(get(pod, 'status', 'containerStatuses'));
  const count = statuses.reduce<number>((sum, one) => sum + number(get(one, 'restartCount')), 0);
  const last = statuses
    .map((one) => text(get(one, 'lastState', 'terminated', 'finishedAt'), ''))
    .sort()
    .at(-1);
  return count > 0 && last !== undefined && last !== '' ? `${count} (${since(last, wallMillis)} ago)` : String(count);
}

function containerTexts(workload: ObjectView, member: string): string {
  return items(get(workload, 'spec', 'template', 'spec', 'containers'))
    .map((one) => text(get(one, member), ''))
    .join(',');
}
